package document

import (
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Whatever shows something of what was not kept says so; what does not look there, does not.
func TestFrameUnkept(t *testing.T) {
	t.Parallel()
	const context = `{"request":{"text":"","metadata":{},"chars":4},"caller":{"user":"u"},"models":[]}`
	for _, c := range []struct {
		name string
		ask  func(f *Frame, root int32)
		want bool
	}{
		{"nothing", func(*Frame, int32) {}, false},
		{"another member", func(f *Frame, root int32) { f.Pointer(root, []byte("/request/chars")) }, false},
		{"the whole of another group", func(f *Frame, root int32) { f.Raw(f.Get(root, []byte("caller")), nil) }, false},
		{"the group itself", func(f *Frame, root int32) { f.Size(f.Get(root, []byte("request"))) }, false},
		{"names of members", func(f *Frame, root int32) { f.Key(f.Get(root, []byte("request")), 0, nil) }, false},
		{"the hash of another group", func(f *Frame, root int32) { f.Hash(f.Get(root, []byte("caller"))) }, false},
		{"a pointer to the text", func(f *Frame, root int32) { f.Pointer(root, []byte("/request/text")) }, true},
		{"the text by name", func(f *Frame, root int32) { f.Get(f.Get(root, []byte("request")), []byte("text")) }, true},
		{"the text by place", func(f *Frame, root int32) { f.At(f.Get(root, []byte("request")), 0) }, true},
		{"a pointer into metadata", func(f *Frame, root int32) { f.Pointer(root, []byte("/request/metadata/plan")) }, true},
		{"a pointer from the group", func(f *Frame, root int32) { f.Pointer(f.Get(root, []byte("request")), []byte("/metadata/plan")) }, true},
		{"the group's JSON", func(f *Frame, root int32) { f.Raw(f.Get(root, []byte("request")), nil) }, true},
		{"all JSON", func(f *Frame, root int32) { f.Raw(root, nil) }, true},
		{"the group's hash", func(f *Frame, root int32) { f.Hash(f.Get(root, []byte("request"))) }, true},
		{"the group emitted", func(f *Frame, root int32) { f.EmitNode(f.Get(root, []byte("request"))) }, true},
		{"its members emitted", func(f *Frame, root int32) { f.EmitMembers(f.Get(root, []byte("request")), nil) }, true},
		{"the group quoted", func(f *Frame, root int32) { f.EmitQuoted(f.Get(root, []byte("request"))) }, true},
		{"the request", func(f *Frame, _ int32) { f.Doc(abi.DocRequest) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := mustParse(t, context).Root()
			in := FrameInput{Request: mustParse(t, `{}`).Root(), Context: root}
			rule(&in)
			var f Frame
			f.Reset(in)
			c.ask(&f, f.Doc(abi.DocContext))
			if f.Missed() {
				t.Errorf("%s: Missed() = true where everything is there", c.name)
			}
			in.Unkept, in.UnkeptRequest = []Node{root.Pointer("/request/text"), root.Pointer("/request/metadata")}, true
			f.Reset(in)
			c.ask(&f, f.Doc(abi.DocContext))
			if f.Missed() != c.want {
				t.Errorf("%s: Missed() = %v, want %v", c.name, f.Missed(), c.want)
			}
			if len(f.Output()) > 0 && f.Output()[0] == '{' {
				t.Errorf("%s: emitted %q of what was not kept", c.name, f.Output())
			}
		})
	}
}
