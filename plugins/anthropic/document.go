package anthropic

import (
	"strings"
	"unicode/utf8"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// other writes a block that is not text, or refuses it.
func (c *conversation) other(m *chat.Message, part chat.Part) (ok bool) {
	if m.Role == chat.Assistant || m.Role == chat.System {
		m.RefusePart(part)
		return false
	}
	if img, ok := m.Image(part); ok {
		if img.URL != 0 {
			return c.fetched(m, part, "image", img.URL)
		}
		return c.inline(m, part, img.MediaType, img.Data, 0)
	}
	f, ok := m.File(part)
	switch {
	case !ok:
		m.RefusePart(part)
		return false
	case f.ID != 0:
		chat.Refuse(m.AtPart(part), "a file_id is known only to the service that gave it; send the file itself or its URL")
		return false
	case f.URL != 0:
		return c.fetched(m, part, "document", f.URL)
	}
	return c.inline(m, part, f.MediaType, f.Data, f.Name)
}

// fetched writes a block whose bytes Anthropic fetches itself.
func (c *conversation) fetched(m *chat.Message, part chat.Part, kind string, url sdk.Node) (ok bool) {
	if url.Slice(0, len("https")).Equal("http:") {
		chat.Refuse(m.AtPart(part), "Anthropic fetches only https URLs")
		return false
	}
	c.Emit(`{"type":"` + kind + `","source":{"type":"url","url":`)
	c.Node(url)
	c.Emit(`}`)
	c.rest(m, part)
	return true
}

// inline writes a block that holds its bytes: an image, a PDF, or a text, which the
// API wants as text.
func (c *conversation) inline(m *chat.Message, part chat.Part, media string, data, name sdk.Node) (ok bool) {
	switch {
	case media == "image/png", media == "image/jpeg", media == "image/gif", media == "image/webp":
		c.Emit(`{"type":"image","source":{"type":"base64","media_type":"` + media + `","data":`)
		c.Node(data)
	case media == "application/pdf":
		c.Emit(`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":`)
		c.Node(data)
	case strings.HasPrefix(media, "text/"), media == "application/json":
		c.Emit(`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"`)
		if !c.decoded(data) {
			chat.Refuse(m.AtPart(part), "the file says that it is text, and its data is not base64 of UTF-8")
			return false
		}
		c.Emit(`"`)
	default:
		chat.Refuse(m.AtPart(part), "Anthropic takes PNG, JPEG, GIF and WebP images, PDF and text")
		return false
	}
	c.Emit(`}`)
	// engine/wire gives this name to documents that have none.
	if name != 0 && name.Len() <= maxTitle && !name.Equal("document.pdf") && media[0] != 'i' {
		c.Emit(`,"title":`)
		c.Node(name)
	}
	c.rest(m, part)
	return true
}

// maxTitle is the longest title of a document, in bytes.
const maxTitle = 500

// decoded writes the text that base64 data holds (RFC 4648, section 4), escaped. It
// reads piece by piece, so that no file is ever whole in the guest.
func (c *conversation) decoded(data sdk.Node) (ok bool) {
	const step = 48 << 10 // a multiple of four
	size := data.Len()
	if size == 0 || size%4 != 0 || !c.r.Spend(3*(1+size/step)) {
		return false
	}
	var encoded, text []byte
	for from := 0; from < size; from += step {
		encoded = data.Slice(from, min(from+step, size)).AppendText(encoded[:0])
		if text, ok = appendBase64(text, encoded, from+step >= size); !ok {
			return false
		}
		whole := len(text)
		if from+step < size {
			whole = wholeRunes(text)
		}
		if !utf8.Valid(text[:whole]) {
			return false
		}
		c.Text(string(text[:whole]))
		text = append(text[:0], text[whole:]...)
	}
	return true
}

// wholeRunes is how much of the bytes is left when the beginning of a character at
// their end is cut off.
func wholeRunes(b []byte) int {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if utf8.FullRune(b[i:]) {
				return len(b)
			}
			return i
		}
	}
	return len(b)
}

// appendBase64 decodes whole groups of four; last allows padding at the end.
func appendBase64(dst, b []byte, last bool) (out []byte, ok bool) {
	if len(b)%4 != 0 {
		return dst, false // a character that is not ASCII has moved the bounds
	}
	padding := 0
	if last && len(b) > 0 && b[len(b)-1] == '=' {
		padding = 1
		b[len(b)-1] = 'A'
		if b[len(b)-2] == '=' {
			padding = 2
			b[len(b)-2] = 'A'
		}
	}
	for i := 0; i < len(b); i += 4 {
		group := uint32(0)
		for _, c := range b[i : i+4] {
			v := base64Value(c)
			if v > 63 {
				return dst, false
			}
			group = group<<6 | v
		}
		dst = append(dst, byte(group>>16), byte(group>>8), byte(group))
	}
	return dst[:len(dst)-padding], true
}

func base64Value(c byte) uint32 {
	switch {
	case 'A' <= c && c <= 'Z':
		return uint32(c - 'A')
	case 'a' <= c && c <= 'z':
		return uint32(c-'a') + 26
	case '0' <= c && c <= '9':
		return uint32(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return 64
}
