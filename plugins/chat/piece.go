package chat

import "github.com/pointsman/pointsman/sdk"

// Key appends the name of an object's i-th member as a JSON string.
func (w *Writer) Key(object sdk.Node, i int) {
	w.push()
	sdk.EmitKey(object, i)
}

// Inner appends a string node's content, escaped but without quotes.
func (w *Writer) Inner(n sdk.Node) {
	w.push()
	sdk.EmitInner(n)
}

// Text appends s, escaped but without quotes. s is valid UTF-8.
func (w *Writer) Text(s string) {
	w.push()
	sdk.EmitText(s)
}
