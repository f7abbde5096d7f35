package chat

import (
	"strings"

	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// File is where the bytes of a file part are: inline, then Data is base64 and
// MediaType is set, at URL, or kept by a vendor under ID. Exactly one is set.
type File struct {
	Name      sdk.Node // text; 0 when it has none
	MediaType string   // lower case, as "application/pdf"
	Data      sdk.Node // base64 text
	URL       sdk.Node // https or http
	ID        sdk.Node // text, which only its vendor knows
}

// File reads a file part. ok is false when the part is something else, holds none
// of the three, or is one file more than can be read in a call.
func (m *Message) File(p Part) (f File, ok bool) {
	if m.request.left -= imageCost; m.request.left < 0 || !p.Node.Get("type").Equal("file") {
		return File{}, false
	}
	file := p.Node.Get("file")
	if name := file.Get("filename"); IsText(name) {
		f.Name = name
	}
	if data := file.Get("file_data"); IsText(data) {
		f.MediaType, f.Data, ok = dataURL(data)
		return f, ok
	}
	if url := file.Get("file_url"); IsText(url) {
		f.URL = url
		return f, isHTTP(lower(url.Slice(0, maxMediaType).Text()))
	}
	f.ID = file.Get("file_id")
	return f, IsText(f.ID)
}

// Audio is an audio part, always inline.
type Audio struct {
	Format string   // lower case, as "wav" or "mp3"; "" when unsaid
	Data   sdk.Node // base64 text
}

// Audio reads an input_audio part. ok is false when the part is something else or
// holds no data, or is one more than can be read in a call.
func (m *Message) Audio(p Part) (a Audio, ok bool) {
	if m.request.left -= imageCost; m.request.left < 0 || !p.Node.Get("type").Equal("input_audio") {
		return Audio{}, false
	}
	audio := p.Node.Get("input_audio")
	a.Data = audio.Get("data")
	a.Format = lower(string(Word(audio.Get("format"))))
	return a, IsText(a.Data)
}

// dataURL reads a data URL whose content is base64.
func dataURL(url sdk.Node) (mediaType string, data sdk.Node, ok bool) {
	if url.Kind() != abi.KindString {
		return "", 0, false
	}
	head := lower(url.Slice(0, maxMediaType).Text())
	if !strings.HasPrefix(head, "data:") {
		return "", 0, false
	}
	media, _, found := strings.Cut(head[len("data:"):], ";base64,")
	if !found {
		return "", 0, false
	}
	data = url.Slice(len("data:")+len(media)+len(";base64,"), url.Len())
	media, _, _ = strings.Cut(media, ";")
	return media, data, true
}

func isHTTP(head string) bool {
	return strings.HasPrefix(head, "https://") || strings.HasPrefix(head, "http://")
}
