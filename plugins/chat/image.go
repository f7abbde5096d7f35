package chat

import "github.com/pointsman/pointsman/sdk"

// Image is where the bytes of an image part are: inline, then Data is base64 and
// MediaType is set, or at URL.
type Image struct {
	MediaType string   // lower case, as "image/png"
	Data      sdk.Node // base64 text
	URL       sdk.Node // https or http
}

// maxMediaType bounds what is looked at of a data URL for its media type.
const maxMediaType = 128

// imageCost is what reading and writing an image costs in host calls beyond a text.
const imageCost = 24

// Image reads an image_url part. ok is false when the part is something else, holds
// a URL that no provider could follow, or is one image more than can be read in a call.
func (m *Message) Image(p Part) (img Image, ok bool) {
	if m.request.left -= imageCost; m.request.left < 0 || !p.Node.Get("type").Equal("image_url") {
		return Image{}, false
	}
	image := p.Node.Get("image_url")
	if detail := image.Get("detail"); !detail.Equal("auto") {
		m.request.Lose("messages[].content[].image_url.detail", detail)
	}
	url := image.Get("url")
	if media, data, ok := dataURL(url); ok {
		if media == "image/jpg" {
			media = "image/jpeg"
		}
		return Image{MediaType: media, Data: data}, true
	}
	return Image{URL: url}, isHTTP(lower(url.Slice(0, maxMediaType).Text()))
}

// lower changes ASCII letters only, so that offsets stay those of the original.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
