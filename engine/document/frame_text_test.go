package document

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestFrameFindAndMentions(t *testing.T) {
	t.Parallel()
	f := frame(t, `{"p":"one two two","e":"\ttab \u00e9 two\n","n":1}`)
	tests := []struct {
		pointer, needle string
		wantFind        int
		wantMentions    bool
	}{
		{"/p", "two", 4, true}, {"/p", "wo", 5, false}, {"/p", "TWO", -1, true}, {"/p", "three", -1, false}, {"/p", "", 0, false},
		{"/e", "é", 5, true}, {"/e", "two", 8, true}, {"/e", "\n", 11, false}, {"/e", "é two", 5, true},
		{"/n", "1", -1, false}, {"/x", "", -1, false},
	}
	for _, tt := range tests {
		if got := f.Find(at(f, tt.pointer), []byte(tt.needle)); got != tt.wantFind {
			t.Errorf("Find(%s, %q) = %d, want %d", tt.pointer, tt.needle, got, tt.wantFind)
		}
		if got := f.Mentions(at(f, tt.pointer), []byte(tt.needle)); got != tt.wantMentions {
			t.Errorf("Mentions(%s, %q) = %v, want %v", tt.pointer, tt.needle, got, tt.wantMentions)
		}
	}
}

func TestFrameSlice(t *testing.T) {
	t.Parallel()
	const plain, escaped = "ab é 😀 z", `"a\u0062 \u00e9 \ud83d\ude00 \u007a"`
	f := frame(t, `{"p":"`+plain+`","e":`+escaped+`,"n":123}`)
	for _, pointer := range []string{"/p", "/e"} {
		for from := int32(-2); from < int32(len(plain))+3; from++ {
			for to := int32(-2); to < int32(len(plain))+3; to++ {
				a := clamp(plain, int(from))
				want := plain[a:max(a, clamp(plain, int(to)))]
				f.Reset(f.in)
				h := f.Slice(at(f, pointer), from, to)
				if got := read(t, func(b []byte) int { return f.Text(h, b) }); got != want || f.Size(h) != len(want) || f.Kind(h) != abi.KindString {
					t.Fatalf("Slice(%s, %d, %d) = %q (Size %d), want %q", pointer, from, to, got, f.Size(h), want)
				}
				if !f.Equal(h, []byte(want)) || f.Find(h, []byte(want)) != 0 {
					t.Fatalf("Slice(%s, %d, %d) is not equal to %q", pointer, from, to, want)
				}
				f.EmitNode(h)
				if got := decoded(t, f.Output()); got != want {
					t.Fatalf("EmitNode(Slice(%s, %d, %d)) = %q, want %q", pointer, from, to, got, want)
				}
				if got := read(t, func(b []byte) int { return f.Raw(h, b) }); got != string(f.Output()) {
					t.Fatalf("Raw(Slice(%s, %d, %d)) = %q, want %q", pointer, from, to, got, f.Output())
				}
				f.Reset(f.in)
				h = f.Slice(at(f, pointer), from, to)
				f.EmitQuoted(h)
				if got := decoded(t, []byte(decoded(t, f.Output()))); got != want {
					t.Fatalf("EmitQuoted(Slice(%s, %d, %d)) = %q, want %q", pointer, from, to, got, want)
				}
			}
		}
	}
	f.Reset(f.in)
	part := f.Slice(f.Slice(at(f, "/e"), 2, 100), 1, 3)
	if got := read(t, func(b []byte) int { return f.Text(part, b) }); got != "é" {
		t.Errorf("Slice of a Slice = %q, want é", got)
	}
	if f.Hash(part) == 0 || f.Pointer(part, nil) == 0 || f.Pointer(part, []byte("/0")) != 0 || f.Get(part, []byte("x")) != 0 || f.At(part, 0) != 0 {
		t.Errorf("a part does not answer as a string")
	}
	if f.Slice(at(f, "/n"), 0, 1) != 0 || f.Slice(0, 0, 1) != 0 {
		t.Errorf("Slice of what is not a string gives a handle")
	}
}

// clamp moves an offset to where Slice takes it.
func clamp(s string, i int) int {
	i = min(max(i, 0), len(s))
	for i > 0 && i < len(s) && s[i]&0xC0 == 0x80 {
		i--
	}
	return i
}

func decoded(t testing.TB, b []byte) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("json.Unmarshal(%q) = %v, want no error", b, err)
	}
	return s
}

func TestFrameParse(t *testing.T) {
	t.Parallel()
	f := frame(t, readBody)
	for range 3 {
		h := f.Parse(at(f, "/q"))
		if got := f.Int(f.Pointer(h, []byte("/x/0"))); got != 1 {
			t.Errorf("Parse(q)/x/0 = %d, want 1", got)
		}
		if f.Parse(at(f, "/bad")) != 0 || f.Parse(at(f, "/s")) != 0 || f.Parse(at(f, "/n")) != 0 || f.Parse(0) != 0 {
			t.Errorf("Parse of what is not JSON in a string gives a handle")
		}
	}
	if f.parsedUsed != 3 {
		t.Errorf("parsed %d texts, want each once: 3", f.parsedUsed)
	}
	// A document inside a document inside a document, and a part of a string.
	inner := string(AppendString(nil, string(AppendString(nil, `[true]`))))
	f = frame(t, `{"a":`+inner+`,"b":"x{\"y\":2}z"}`)
	if h := f.Parse(f.Parse(at(f, "/a"))); !f.Bool(f.At(h, 0)) {
		t.Errorf("Parse(Parse(a))[0] = false, want true")
	}
	if h := f.Parse(f.Slice(at(f, "/b"), 1, 8)); f.Int(f.Get(h, []byte("y"))) != 2 {
		t.Errorf("Parse(Slice(b)) has no y of 2")
	}
	// Duplicates and depth are refused as everywhere.
	f = frame(t, `["{\"a\":1,\"a\":2}","`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`"]`)
	if f.Parse(at(f, "/0")) != 0 || f.Parse(at(f, "/1")) != 0 || f.Err() != nil {
		t.Errorf("Parse accepts what Parse refuses, or Err() = %v", f.Err())
	}
}
