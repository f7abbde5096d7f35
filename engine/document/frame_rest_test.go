package document

import (
	"fmt"
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
	const text = `"hi \"you\"\nthere"`
	const brief, whole = `{"request":{"model":"m","text":` + text + `,"chars":2},"time":{"hour":3}}`,
		`{"request":{"model":"m","text":` + text + `,"chars":2},"time":{"hour":3},"models":[{"id":"a"},{"id":"b"}]}`
	const empty = `{"request":{"model":"m","text":"","chars":2},"time":{"hour":3}}`
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
		{"its hash", func(f *Frame) string { return fmt.Sprint(f.Hash(root(f))) }, 1},
		{"the text", func(f *Frame) string {
			h := f.Pointer(root(f), []byte("/request/text"))
			f.EmitNode(h)
			f.EmitInner(h)
			f.EmitQuoted(h)
			f.EmitNode(f.Slice(h, 4, 9))
			return fmt.Sprint(f.Kind(h), f.Size(h), f.Hash(h), f.Mentions(h, []byte("you")), f.Find(h, []byte("there")), f.Equal(h, []byte("hi")),
				raw(f, h), read(t, func(b []byte) int { return f.Text(h, b) }), f.Parse(h), string(f.Output()))
		}, 0},
		{"the text in its turn", func(f *Frame) string { return raw(f, f.At(get(f, root(f), "request"), 1)) }, 0},
		{"beyond the text", func(f *Frame) string {
			return raw(f, f.Pointer(root(f), []byte("/request/text/0"))) + raw(f, f.At(get(f, root(f), "request"), 2))
		}, 0},
	}
	// What has the text inside is complete where it is, but for the text.
	inside := []struct {
		name string
		look func(f *Frame) string
	}{
		{"raw", func(f *Frame) string { return raw(f, get(f, root(f), "request")) }},
		{"written out", func(f *Frame) string { f.EmitNode(get(f, root(f), "request")); return string(f.Output()) }},
		{"its members", func(f *Frame) string {
			f.EmitMembers(get(f, root(f), "request"), []byte("chars"))
			return string(f.Output())
		}},
		{"quoted", func(f *Frame) string { f.EmitQuoted(get(f, root(f), "request")); return string(f.Output()) }},
		{"its hash", func(f *Frame) string { return fmt.Sprint(f.Hash(get(f, root(f), "request"))) }},
		{"after all the rest", func(f *Frame) string {
			request := get(f, root(f), "request")
			text := get(f, request, "text")
			models := get(f, root(f), "models")
			return raw(f, request) + raw(f, text) + raw(f, models) + raw(f, get(f, request, "text")) + raw(f, f.At(request, 1)) + raw(f, root(f))
		}},
	}
	for _, tt := range inside {
		t.Run("request: "+tt.name, func(t *testing.T) {
			ask := func(change func(in *FrameInput)) string {
				f := frame(t, `{}`, rule, change)
				out := tt.look(f)
				if f.Err() != nil {
					t.Fatalf("the call ended with %v", f.Err())
				}
				return out
			}
			want := ask(func(in *FrameInput) { in.Context = mustParse(t, whole).Root() })
			rest := &rest{whole: mustParse(t, whole).Root()}
			got := ask(func(in *FrameInput) {
				in.Context, in.Rest, in.Text = mustParse(t, empty).Root(), rest, mustParse(t, `{"a":`+text+`}`).Root().Get("a")
			})
			if got != want {
				t.Errorf("the text elsewhere: %q, whole: %q", got, want)
			}
			if rest.asked != 1 {
				t.Errorf("the rest was asked for %d times, want once", rest.asked)
			}
		})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rest := &rest{whole: mustParse(t, whole).Root()}
			ask := func(r Completer, context string, text Node) (out string, work int) {
				f := frame(t, `{}`, rule, func(in *FrameInput) { in.Context, in.Rest, in.Text = mustParse(t, context).Root(), r, text })
				out = tt.look(f)
				if f.Err() != nil {
					t.Fatalf("the call ended with %v", f.Err())
				}
				return out, f.work
			}
			want, _ := ask(nil, whole, Node{})
			got, work := ask(rest, brief, Node{})
			if got != want {
				t.Errorf("completed: %q, whole: %q", got, want)
			}
			if rest.asked != tt.asked {
				t.Errorf("the rest was asked for %d times, want %d", rest.asked, tt.asked)
			}
			got, left := ask(rest, empty, mustParse(t, `[`+text+`]`).Root().At(0))
			if got != want {
				t.Errorf("with the text elsewhere: %q, whole: %q", got, want)
			}
			if left != work {
				t.Errorf("with the text elsewhere %d of the work is left, in its place %d", left, work)
			}
			if rest.asked != 2*tt.asked {
				t.Errorf("with the text elsewhere the rest was asked for %d times, want %d", rest.asked-tt.asked, tt.asked)
			}
		})
	}
}
