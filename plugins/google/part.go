package google

import (
	"strings"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// part writes a part, or refuses it. Of its members besides type and content none
// can be carried.
func (b *body) part(m *chat.Message, part chat.Part) (ok bool) {
	if m.More(part) {
		for name, value := range m.Rest(part) {
			b.r.Lose("messages[].content[]."+name, value)
		}
	}
	if part.Text != 0 {
		b.Emit(`{"text":`)
		b.Node(part.Text)
		b.Emit(`}`)
		return true
	}
	if m.Role == chat.Assistant || m.Role == chat.System {
		m.RefusePart(part)
		return false
	}
	return b.media(m, part)
}

// media writes an image, audio or a file, or refuses the part.
func (b *body) media(m *chat.Message, part chat.Part) (ok bool) {
	switch kind := part.Node.Get("type"); {
	case kind.Equal("input_audio"):
		return b.audio(m, part)
	case kind.Equal("file"):
		return b.file(m, part)
	}
	img, isImage := m.Image(part)
	switch {
	case !isImage:
		m.RefusePart(part)
		return false
	case img.URL == 0:
		b.inline(img.MediaType, img.Data)
		return true
	case !b.stored(img.URL):
		chat.Refuse(m.AtPart(part), "Gemini takes images as data URLs only")
		return false
	}
	return true
}

// audio writes audio. The API knows mp3 by that name, not as mpeg.
func (b *body) audio(m *chat.Message, part chat.Part) (ok bool) {
	audio, ok := m.Audio(part)
	if !ok {
		m.RefusePart(part)
		return false
	}
	if audio.Format == "" {
		audio.Format = "wav"
	}
	b.inline("audio/"+audio.Format, audio.Data)
	return true
}

// file writes a file: its bytes, or where the Files API keeps it.
func (b *body) file(m *chat.Message, part chat.Part) (ok bool) {
	file, ok := m.File(part)
	if ok {
		b.r.Lose("messages[].content[].file.filename", file.Name)
	}
	switch {
	case !ok:
		m.RefusePart(part)
		return false
	case file.Data != 0:
		b.inline(file.MediaType, file.Data)
	case file.URL != 0 && b.stored(file.URL):
	case file.ID != 0 && file.ID.Slice(0, len(storedName)).Equal(storedName):
		b.Emit(`{"fileData":{"fileUri":"` + storedAt)
		b.Inner(file.ID.Slice(len(storedName), file.ID.Len()))
		b.Emit(`"}}`)
	default:
		chat.Refuse(m.AtPart(part), "Gemini takes files inline or from its own Files API only")
		return false
	}
	return true
}

const (
	storedName = "files/"
	storedAt   = "https://generativelanguage.googleapis.com/v1beta/files/"
)

// stored writes what is kept where the API itself can read it: its Files API, or a
// public video. ok is false, and nothing written, for any other URL.
func (b *body) stored(url sdk.Node) (ok bool) {
	head := url.Slice(0, 64).Text()
	rest, isOwn := strings.CutPrefix(head, "https://generativelanguage.googleapis.com/")
	isOwn = isOwn && strings.Contains(rest, storedName)
	if !isOwn && !strings.HasPrefix(head, "https://www.youtube.com/watch?v=") && !strings.HasPrefix(head, "https://youtu.be/") {
		return false
	}
	b.Emit(`{"fileData":{"fileUri":`)
	b.Node(url)
	b.Emit(`}}`)
	return true
}

func (b *body) inline(mediaType string, data sdk.Node) {
	b.Emit(`{"inlineData":{"mimeType":`)
	b.String(mediaType)
	b.Emit(`,"data":`)
	b.Node(data)
	b.Emit(`}}`)
}
