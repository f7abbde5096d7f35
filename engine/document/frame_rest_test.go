package document

import (
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// rest completes a document and counts how often it was asked.
type rest struct {
	whole Node
	asked int
}

func (r *rest) Whole() Node { r.asked++; return r.whole }

// A guest sees no difference between a context that is whole and one that is completed when it
// is looked at.
func TestFrameRest(t *testing.T) {
	const brief, whole = `{"request":{"text":"hi"},"time":{"hour":3}}`, `{"request":{"text":"hi"},"time":{"hour":3},"models":[{"id":"a"},{"id":"b"}]}`
	root := func(f *Frame) int32 { return f.Doc(abi.DocContext) }
	get := func(f *Frame, h int32, path ...string) int32 {
		for _, name := range path {
			h = f.Get(h, []byte(name))
		}
		return h
	}
	raw := func(f *Frame, h int32) string { return read(t, func(b []byte) int { return f.Raw(h, b) }) }
	tests := []struct {
		name  string
		look  func(f *Frame) string
		asked int
	}{
		{"a member", func(f *Frame) string { return raw(f, get(f, root(f), "request", "text")) }, 0},
		{"a member that is not there", func(f *Frame) string { return raw(f, get(f, root(f), "mode")) }, 0},
		{"a pointer", func(f *Frame) string { return raw(f, f.Pointer(root(f), []byte("/time/hour"))) }, 0},
		{"its kind", func(f *Frame) string { return string(rune(f.Kind(root(f)))) }, 0},
		{"the rest", func(f *Frame) string { return raw(f, f.At(get(f, root(f), "models"), 1)) }, 1},
		{"the rest twice", func(f *Frame) string {
			return raw(f, get(f, root(f), "models")) + raw(f, get(f, root(f), "models"))
		}, 1},
		{"a pointer into the rest", func(f *Frame) string { return raw(f, f.Pointer(root(f), []byte("/models/0/id"))) }, 1},
		{"a pointer beside the rest", func(f *Frame) string { return raw(f, f.Pointer(root(f), []byte("/modelsx"))) }, 1},
		{"all", func(f *Frame) string { return raw(f, root(f)) }, 1},
		{"its size", func(f *Frame) string { return string(rune('0' + f.Size(root(f)))) }, 1},
		{"its members in turn", func(f *Frame) string {
			out := ""
			for i := range int32(f.Size(root(f))) {
				out += read(t, func(b []byte) int { return f.Key(root(f), i, b) }) + raw(f, f.At(root(f), i))
			}
			return out
		}, 1},
		{"a member kept from before", func(f *Frame) string {
			h := get(f, root(f), "request")
			models := get(f, root(f), "models")
			return raw(f, h) + raw(f, models) + raw(f, get(f, h, "text"))
		}, 1},
		{"another handle of the root from before", func(f *Frame) string {
			second := f.Pointer(root(f), nil)
			_ = get(f, root(f), "models")
			return raw(f, second) + raw(f, get(f, second, "models"))
		}, 1},
		{"the root written out", func(f *Frame) string { f.EmitNode(root(f)); return string(f.Output()) }, 1},
		{"its hash", func(f *Frame) string { return string(rune(f.Hash(root(f)) & 0xffff)) }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rest := &rest{whole: mustParse(t, whole).Root()}
			ask := func(r Completer, context string) string {
				f := frame(t, `{}`, rule, func(in *FrameInput) { in.Context, in.Rest = mustParse(t, context).Root(), r })
				out := tt.look(f)
				if f.Err() != nil {
					t.Fatalf("the call ended with %v", f.Err())
				}
				return out
			}
			want := ask(nil, whole)
			if got := ask(rest, brief); got != want {
				t.Errorf("completed: %q, whole: %q", got, want)
			}
			if rest.asked != tt.asked {
				t.Errorf("the rest was asked for %d times, want %d", rest.asked, tt.asked)
			}
		})
	}
}
