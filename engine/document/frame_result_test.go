package document

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestFrameResults(t *testing.T) {
	t.Parallel()
	f := frame(t, `{"m":"gpt\u002d5","n":1}`, rule)
	f.Target([]byte("claude"))
	f.TargetNode(at(f, "/m"))
	f.TargetNode(at(f, "/n"))
	f.Target(nil)
	f.Reason([]byte("first"))
	f.Reason([]byte("because\nof \x1b[31mred\u202e"))
	f.Tag([]byte("a"), []byte("1"))
	f.Tag([]byte("b"), []byte("2"))
	f.Tag([]byte("a"), []byte("3"))
	f.Tag(nil, []byte("4"))
	f.Param([]byte("max_tokens"), []byte("100"))
	f.Log(-5, []byte("low\r\n"))
	f.Log(99, []byte("high\x00\xff"))
	f.Fail(429, []byte("later"))
	f.Fail(403, []byte("no"))
	// Not a rule's:
	f.HTTPPath([]byte("/x"))
	f.HTTPMethod([]byte("GET"))
	f.HTTPHeader([]byte("a"), []byte("b"))
	f.Lossy([]byte("x"))
	f.Classify(2, 5)
	f.Flush()
	check := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %q, want %q", what, got, want)
		}
	}
	check("Targets", f.Targets(), []string{"claude", "gpt-5"})
	check("ReasonText", f.ReasonText(), "because of [31mred")
	check("Tags", f.Tags(), [][2]string{{"a", "3"}, {"b", "2"}})
	check("Params", f.Params(), [][2]string{{"max_tokens", "100"}})
	check("Logs", f.Logs(), []LogLine{{0, "low  "}, {3, "high\uFFFD"}})
	code, message, ok := f.Failure()
	check("Failure", []any{code, message, ok}, []any{int32(403), "no", true})
	method, path, headers := f.HTTP()
	check("HTTP", []any{method, path, len(headers)}, []any{"", "", 0})
	check("Class", f.Class(), abi.ClassNone)
	check("LossyFields", len(f.LossyFields()), 0)
	check("Err", f.Err(), error(nil))

	kept := f.Targets()[0]
	in := f.in
	in.Kind, in.Entry = abi.KindProvider, abi.EntryError
	f.Reset(in)
	if len(f.Targets())+len(f.Tags())+len(f.Params())+len(f.Logs()) != 0 || f.ReasonText() != "" {
		t.Errorf("Reset leaves results behind")
	}
	if _, _, ok := f.Failure(); ok {
		t.Errorf("Reset leaves a failure behind")
	}
	check("a kept string", kept, "claude")
	f.Classify(int32(abi.ClassRateLimited), 1500)
	f.Lossy([]byte("top_k"))
	f.Lossy([]byte("top_k"))
	f.Lossy([]byte("seed"))
	f.Target([]byte("x"))
	f.Reason([]byte("x"))
	f.Tag([]byte("x"), nil)
	check("Class", f.Class(), abi.ClassRateLimited)
	check("RetryAfterMS", f.RetryAfterMS(), int64(1500))
	check("LossyFields", f.LossyFields(), []string{"top_k", "seed"})
	check("a provider's Targets", len(f.Targets())+len(f.Tags())+len(f.ReasonText()), 0)
	f.Classify(4, -1)
	check("RetryAfterMS of less than nothing", f.RetryAfterMS(), int64(0))
	f.Classify(4, 1<<62)
	check("RetryAfterMS of ages", f.RetryAfterMS(), int64(86_400_000))
	f.Classify(10, 0)
	check("Err", f.Err(), ErrClass)
}

func TestFrameTextLimits(t *testing.T) {
	t.Parallel()
	long := []byte(strings.Repeat("€", 2000))
	f := frame(t, "1", rule)
	f.Reason(long)
	f.Fail(400, long)
	f.Tag(long, long)
	for range abi.MaxLogLines + 5 {
		f.Log(1, long)
	}
	if got, want := f.ReasonText(), strings.Repeat("€", abi.MaxReason/3); got != want {
		t.Errorf("ReasonText() = %d bytes, want %d", len(got), len(want))
	}
	if _, got, _ := f.Failure(); got != strings.Repeat("€", abi.MaxMessage/3) {
		t.Errorf("Failure() = %d bytes, want whole characters up to %d", len(got), abi.MaxMessage)
	}
	if got := f.Tags(); len(got[0][0]) != 255 || len(got[0][1]) != 255 {
		t.Errorf("Tags() = %d and %d bytes, want 255", len(got[0][0]), len(got[0][1]))
	}
	if len(f.Logs()) != abi.MaxLogLines || f.LogsDropped() != 5 || len(f.Logs()[0].Text) != 1023 {
		t.Errorf("Logs() = %d lines of %d bytes, %d dropped, want %d of 1023, 5", len(f.Logs()), len(f.Logs()[0].Text), f.LogsDropped(), abi.MaxLogLines)
	}
	f.Reason([]byte(strings.Repeat("\xff", 300)))
	if got, want := f.ReasonText(), strings.Repeat("\uFFFD", 85); got != want {
		t.Errorf("ReasonText() of invalid UTF-8 = %d bytes, want %d", len(got), len(want))
	}
	if f.Err() != nil {
		t.Errorf("Err() = %v, want nil", f.Err())
	}
	tests := []struct {
		name string
		kind func(*FrameInput)
		call func(f *Frame, i int)
		most int // calls that are in order
		want error
	}{
		{"targets", rule, func(f *Frame, i int) { f.Target([]byte("m")) }, abi.MaxTargets, ErrTargets},
		{"tags", rule, func(f *Frame, i int) { f.Tag(fmt.Append(nil, i), nil) }, abi.MaxTags, ErrTags},
		{"params", rule, func(f *Frame, i int) { f.Param(fmt.Append(nil, i), nil) }, abi.MaxTags, ErrTags},
		{"lossy", func(*FrameInput) {}, func(f *Frame, i int) { f.Lossy(fmt.Append(nil, i)) }, abi.MaxLossy, ErrLossy},
		{"headers", func(*FrameInput) {}, func(f *Frame, i int) { f.HTTPHeader(fmt.Append(nil, i), nil) }, abi.MaxHTTPField, ErrHeader},
		{"target too long", rule, func(f *Frame, i int) { f.Target(long[:256+i]) }, 1, ErrText},
		{"target node too long", rule, func(f *Frame, i int) {
			f.TargetNode(f.Slice(f.Doc(abi.DocContext), 0, int32(256+i)))
		}, 1, ErrText},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := frame(t, "1", tt.kind, func(in *FrameInput) { in.Context = String(strings.Repeat("x", 1000)).Root() })
			for i := range tt.most {
				if tt.call(f, i); f.Err() != nil {
					t.Fatalf("Err() after %d = %v, want nil", i+1, f.Err())
				}
			}
			if tt.call(f, tt.most); f.Err() != tt.want {
				t.Errorf("Err() after %d = %v, want %v", tt.most+1, f.Err(), tt.want)
			}
		})
	}
}
