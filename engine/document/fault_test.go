package document

import (
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestFault(t *testing.T) {
	t.Parallel()
	doc, err := Parse([]byte(`{"messages":[{"content":7}],"none":null}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	root := doc.Root()
	content := root.Pointer("/messages/0/content")
	for _, tt := range []struct {
		name string
		got  *Fault
		want string
	}{
		{"of another kind", content.Want(abi.KindString).Under("content").Item(0).Under("messages"), "'messages[0].content' must be a string, not a number."},
		{"missing", root.Get("model").Want(abi.KindString).Under("model"), "'model' is required and must be a string."},
		{"null", root.Get("none").Want(abi.KindArray).Under("none"), "'none' must be an array, not null."},
		{"of the document itself", &Fault{Why: "It is too long."}, "It is too long."},
	} {
		if tt.got == nil || tt.got.Error() != tt.want {
			t.Errorf("%s: fault = %v, want %s", tt.name, tt.got, tt.want)
		}
	}
	if f := content.Want(abi.KindNumber).Under("content").Item(0); f != nil {
		t.Errorf("Want(number) = %v, want nil through every step", f)
	}
}
