package google

import (
	"strings"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// picture is an image that the model made. The canonical form has no place for one;
// it goes where other gateways put it, in "images" beside the content.
type picture struct {
	mediaType string // as "image/png", of letters, digits and a few signs
	data      sdk.Node
}

// pictureOf returns the image that a part is; ok is false for a part that is none,
// and for one that the model only thought of.
func pictureOf(part sdk.Node) (p picture, ok bool) {
	inline := part.Get("inlineData")
	if inline == 0 || part.Get("thought").Bool() {
		return p, false
	}
	p.mediaType, p.data = string(chat.Word(inline.Get("mimeType"))), inline.Get("data")
	name, isImage := strings.CutPrefix(p.mediaType, "image/")
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '+':
		default:
			return p, false
		}
	}
	return p, isImage && name != "" && chat.IsText(p.data)
}

// write writes the image as an image part; index is its place among the images.
func (p picture) write(w *chat.Writer, index int) {
	w.Emit(`{"type":"image_url","image_url":{"url":"data:`)
	w.Emit(p.mediaType)
	w.Emit(`;base64,`)
	w.Inner(p.data)
	w.Emit(`"},"index":`)
	w.Int(int64(index))
	w.Emit(`}`)
}
