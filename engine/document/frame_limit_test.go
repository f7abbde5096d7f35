package document

import (
	"errors"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestFrameHandles(t *testing.T) {
	t.Parallel()
	f := frame(t, readBody)
	old := at(f, "/s")
	f.Reset(f.in)
	fresh := at(f, "/s")
	if f.Kind(fresh) != abi.KindString {
		t.Fatalf("Kind(fresh handle) = %v, want a string", f.Kind(fresh))
	}
	for _, h := range []int32{0, old, -1, 1, 5, fresh + 1, fresh + 1000, -fresh, fresh ^ 1<<20, 1<<31 - 1, -1 << 31} {
		if f.Kind(h) != abi.KindAbsent || f.Get(h, []byte("s")) != 0 || f.At(h, 0) != 0 || f.Size(h) != 0 || f.Pointer(h, nil) != 0 ||
			f.Text(h, make([]byte, 9)) != 0 || f.Raw(h, make([]byte, 9)) != 0 || f.Int(h) != 0 || f.Num(h) != 0 || f.Bool(h) || f.Equal(h, nil) ||
			f.Find(h, nil) != -1 || f.Mentions(h, []byte("a")) || f.Hash(h) != 0 || f.Parse(h) != 0 || f.Slice(h, 0, 1) != 0 || f.Key(h, 0, nil) != 0 {
			t.Errorf("handle %#x answers, want it absent", h)
		}
		f.EmitNode(h)
		f.EmitMembers(h, nil)
		f.EmitKey(h, 0)
		f.EmitInner(h)
		f.TargetNode(h)
	}
	if len(f.Output()) != 0 || f.Err() != nil {
		t.Errorf("Output() = %q, Err() = %v, want nothing", f.Output(), f.Err())
	}
	f.EmitQuoted(0)
	if got := string(f.Output()); got != `""` {
		t.Errorf("EmitQuoted(0) = %s, want \"\"", got)
	}
}

func TestFrameBudgets(t *testing.T) {
	t.Parallel()
	long := `{"t":"` + strings.Repeat("word ", 20_000) + `","e":"` + strings.Repeat(`\n`, 50_000) + `","a":[` + strings.Repeat("1,", 20_000) + `1],"o":{` + numbered(2000) + `},"n":` + strings.Repeat("1", 300) + `}`
	tests := []struct {
		name string
		call func(f *Frame)
		want error
	}{
		{"kind is free", func(f *Frame) { f.Kind(0) }, ErrCalls},
		{"get", func(f *Frame) { f.Get(at(f, "/o"), []byte("k1999")) }, ErrWork},
		{"pointer", func(f *Frame) { at(f, "/a/20000") }, ErrWork},
		{"at, backwards", func(f *Frame) { h := at(f, "/a"); f.At(h, 20_000); f.At(h, 19_999) }, ErrWork},
		{"text", func(f *Frame) { f.Text(at(f, "/t"), make([]byte, 200_000)) }, ErrWork},
		{"raw", func(f *Frame) { f.Raw(at(f, "/t"), make([]byte, 200_000)) }, ErrWork},
		{"find", func(f *Frame) { f.Find(at(f, "/t"), []byte("x")) }, ErrWork},
		{"find in escapes", func(f *Frame) { f.Find(at(f, "/e"), []byte("x")) }, ErrWork},
		{"mentions", func(f *Frame) { f.Mentions(at(f, "/t"), []byte("word wordy")) }, ErrWork},
		{"equal", func(f *Frame) { f.Equal(at(f, "/e"), []byte(strings.Repeat("\n", 50_000))) }, ErrWork},
		{"hash", func(f *Frame) { f.Hash(at(f, "/a")) }, ErrWork},
		{"slice", func(f *Frame) { f.Slice(at(f, "/e"), 49_000, 49_001) }, ErrWork},
		{"members", func(f *Frame) { f.EmitMembers(at(f, "/o"), []byte("nothing")) }, ErrOutput},
		{"parse again and again", func(f *Frame) { f.Parse(f.Slice(at(f, "/t"), int32(f.calls), 100_000)) }, ErrParse},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := frame(t, long, rule)
			for i := 0; f.Err() == nil; i++ {
				if i > abi.RuleHostCalls {
					t.Fatal("the call never ends")
				}
				tt.call(f)
			}
			if f.Err() != tt.want {
				t.Errorf("Err() = %v, want %v", f.Err(), tt.want)
			}
			// It stays, and everything answers as for absent.
			f.Emit([]byte("x"))
			f.Fail(1, []byte("x"))
			if _, _, failed := f.Failure(); f.Err() != tt.want || f.Doc(1) != 0 || failed || f.NowMS() != 0 || f.Find(0, nil) != -1 {
				t.Errorf("after %v a method still answers", tt.want)
			}
			f.Reset(f.in)
			if f.Err() != nil || f.Calls() != 0 || f.Kind(f.Doc(1)) != abi.KindObject {
				t.Errorf("Reset does not begin anew: %v", f.Err())
			}
		})
	}
}

func TestFrameCallLimit(t *testing.T) {
	t.Parallel()
	f := frame(t, "1", func(in *FrameInput) { in.MaxCalls = 3 })
	for i := range 3 {
		if f.NowMS(); f.Err() != nil {
			t.Fatalf("Err() after %d calls = %v, want nil", i+1, f.Err())
		}
	}
	if f.NowMS(); !errors.Is(f.Err(), ErrCalls) {
		t.Errorf("Err() after 4 calls = %v, want %v", f.Err(), ErrCalls)
	}
	f = frame(t, "[1]", func(in *FrameInput) { in.MaxCalls = 1 << 20 })
	a := f.Doc(abi.DocRequest)
	for f.Err() == nil {
		f.At(a, 0)
	}
	if f.Err() != ErrHandles || f.Calls() < maxRefs-2 {
		t.Errorf("Err() = %v after %d calls, want %v", f.Err(), f.Calls(), ErrHandles)
	}
}

func TestFrameUseAfterRelease(t *testing.T) {
	t.Parallel()
	d := mustParse(t, `{"a":[1]}`)
	var f Frame
	f.Reset(FrameInput{Request: d.Root(), Kind: abi.KindProvider, Entry: abi.EntryRequest})
	h := at(&f, "/a")
	d.Release()
	if f.Kind(h) != abi.KindAbsent || f.At(h, 0) != 0 {
		t.Errorf("a handle into a released document answers")
	}
}
