package engine

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Token estimate: message text and tool schemas by length, attachments at a flat rate.
const (
	bytesPerToken       = 4
	tokensPerAttachment = 1_000
)

// ExtractFeatures reads what rules and plugins see of a canonical chat body
// in one walk over its messages. A text that is one JSON string without
// escapes and without reminders is a view of doc's bytes; nothing is copied then, and
// at most 64 user messages are kept track of without allocating.
//
// The turn that text, image, audio and code are read from begins at the last user
// message that has text beside its <system-reminder> elements, and goes on through
// the user messages after it. See RATIONALE.md, "Which message do rules look at?".
//
// doc need not have passed CheckChat: what is not of the expected kind counts as
// absent. Needs is shared between requests and read-only. Safe for concurrent use.
func ExtractFeatures(doc *document.Doc, h Hints) Features {
	root := doc.Root()
	metadata := root.Get("metadata")
	if metadata.Kind() != abi.KindObject {
		metadata = document.Node{}
	}
	tools := root.Get("tools")
	f := Features{
		Model:    root.Get("model").Text(),
		TaskType: h.TaskType,
		Stream:   root.Get("stream").Bool(),
		HasTools: tools.Kind() == abi.KindArray && tools.Len() > 0,
		Metadata: metadata,
	}
	if f.TaskType == "" {
		f.TaskType = metadata.Get("task_type").Text()
	}
	f.TimeSensitive = h.TimeSensitive || saysTrue(metadata.Get("time_sensitive")) ||
		root.Get("service_tier").Text() == "priority"

	var w walk
	var memory [64]document.Node
	users := memory[:0] // contents of user messages; not in w, whose memory would be on the heap
	for _, message := range root.Get("messages").Elements() {
		f.Messages++
		content := message.Get("content")
		switch message.Get("role").Text() {
		case "user":
			users = append(users, content)
		case "tool":
			w.needs |= needTools
		}
		w.message(message, content)
	}
	for _, tool := range tools.Elements() {
		w.bytes += int64(len(tool.Raw()))
	}
	f.Tokens = (w.bytes+bytesPerToken-1)/bytesPerToken + tokensPerAttachment*w.attachments
	f.Images = w.images

	f.turn(users)
	f.Chars = codePoints(f.Text)
	f.Command = command(f.Text)
	f.HasCode = f.HasCode || hasFence(f.Text) || namesSource(f.Text)

	if f.HasTools {
		w.needs |= needTools
	}
	if root.Get("response_format").Get("type").Text() == "json_schema" {
		w.needs |= needStructured
	}
	f.Needs = needs[w.needs]
	return f
}

// saysTrue reads a metadata value: "true", or true itself.
func saysTrue(n document.Node) bool { return n.Bool() || n.Text() == "true" }

// walk is the state of one pass over the messages.
type walk struct {
	bytes       int64 // of message text and tool schemas
	attachments int64
	images      int64 // of them
	needs       need
}

func (w *walk) message(m, content document.Node) {
	switch content.Kind() {
	case abi.KindString:
		w.bytes += int64(content.Len())
	case abi.KindArray:
		for _, part := range content.Elements() {
			w.part(part)
		}
	}
	if refusal := m.Get("refusal"); refusal.Kind() == abi.KindString {
		w.bytes += int64(refusal.Len())
	}
	for _, call := range m.Get("tool_calls").Elements() {
		w.needs |= needTools
		function := call.Get("function")
		for _, name := range [...]string{"name", "arguments"} {
			if text := function.Get(name); text.Kind() == abi.KindString {
				w.bytes += int64(text.Len())
			}
		}
	}
}

func (w *walk) part(p document.Node) {
	switch p.Get("type").Text() {
	case partText:
		if text := p.Get("text"); text.Kind() == abi.KindString {
			w.bytes += int64(text.Len())
		}
	case "refusal":
		if text := p.Get("refusal"); text.Kind() == abi.KindString {
			w.bytes += int64(text.Len())
		}
	case partImage:
		w.attachments++
		w.images++
		w.needs |= needVision
		if url := p.Get("image_url").Get("url"); url.Kind() == abi.KindString && !isDataURL(url) {
			w.needs |= needImageURL
		}
	case partAudio:
		w.needs |= needAudio
	case partFile:
		w.attachments++
		w.needs |= needFiles
	}
}

// isDataURL looks at the scheme only: an image may be megabytes long.
func isDataURL(url document.Node) bool {
	const scheme = `"data:`
	raw := url.Raw()
	return len(raw) >= len(scheme) && strings.EqualFold(string(raw[:len(scheme)]), scheme)
}

// Types of the content parts of a user message.
const (
	partText  = "text"
	partImage = "image_url"
	partAudio = "input_audio"
	partFile  = "file"
)

// turn sets what is read from the last turn: Text, HasImage, HasAudio, and HasCode
// as far as file parts tell.
func (f *Features) turn(users []document.Node) {
	from := len(users) - 1
	for i := from; i >= 0; i-- {
		if text, said := userText(users[i]); !blank(text) {
			f.Text, f.said, from = text, said, i
			break
		}
	}
	for i := max(from, 0); i < len(users); i++ {
		for _, part := range users[i].Elements() {
			switch part.Get("type").Text() {
			case partImage:
				f.HasImage = true
			case partAudio:
				f.HasAudio = true
			case partFile:
				f.HasCode = f.HasCode || isSourceFile(part.Get("file").Get("filename").Text())
			}
		}
	}
}

// userText joins a content's text parts by newlines and leaves reminders out. said is the
// JSON string that has just this text, absent when there is none.
func userText(content document.Node) (text string, said document.Node) {
	if content.Kind() == abi.KindString {
		return oneText(content)
	}
	var only document.Node
	count, size, first := 0, 0, true
	for _, part := range content.Elements() {
		if text := part.Get("text"); text.Kind() == abi.KindString && part.Get("type").Text() == partText {
			only = text
			count++
			size += text.Len() + 1
		}
	}
	if count <= 1 {
		return oneText(only)
	}
	var b strings.Builder
	b.Grow(size)
	for _, part := range content.Elements() {
		if text := part.Get("text"); text.Kind() == abi.KindString && part.Get("type").Text() == partText {
			if first {
				first = false
			} else {
				b.WriteByte('\n')
			}
			b.WriteString(text.Text())
		}
	}
	return withoutReminders(b.String()), document.Node{}
}

func oneText(said document.Node) (string, document.Node) {
	whole := said.Text()
	text := withoutReminders(whole)
	if len(text) != len(whole) {
		said = document.Node{}
	}
	return text, said
}

// Reminders are what coding agents put into user messages for the model's eyes; they
// are not what the user asked.
const (
	reminderOpen  = "<system-reminder>"
	reminderClose = "</system-reminder>"
)

// withoutReminders returns text without its <system-reminder> elements. An element
// ends at the first closing tag; without one it is no element and stays.
func withoutReminders(text string) string {
	at := strings.Index(text, reminderOpen)
	if at < 0 {
		return text
	}
	var b strings.Builder
	for at >= 0 {
		end := strings.Index(text[at:], reminderClose)
		if end < 0 {
			break
		}
		b.WriteString(text[:at])
		text = text[at+end+len(reminderClose):]
		at = strings.Index(text, reminderOpen)
	}
	if b.Len() == 0 {
		return text
	}
	b.WriteString(text)
	return b.String()
}

func blank(text string) bool {
	for _, r := range text {
		if !unicode.IsSpace(r) {
			return false
		}
	}
	return true
}

// codePoints counts them in valid UTF-8, which a document's text is: every byte but
// the continuation bytes (10xxxxxx) begins one. ASCII is passed 32 bytes at a time.
func codePoints(s string) int {
	const each, highs = 0x0101010101010101, 0x8080808080808080
	n, i := len(s), 0
	for ; i+32 <= len(s); i += 32 {
		b := s[i : i+32]
		v, w, x, y := eight(b), eight(b[8:]), eight(b[16:]), eight(b[24:])
		if (v|w|x|y)&highs == 0 {
			continue
		}
		v, w, x, y = v>>7&^(v>>6), w>>7&^(w>>6), x>>7&^(x>>6), y>>7&^(y>>6)
		// A count of each byte's place: up to 4, so that one multiplication adds them up.
		n -= int((v&each + w&each + x&each + y&each) * each >> 56)
	}
	for ; i < len(s); i++ {
		if s[i]&0xC0 == 0x80 {
			n--
		}
	}
	return n
}

// eight is the first eight bytes as a number: one load.
func eight(b string) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// command returns the slash command that the text starts with, or "".
func command(text string) string {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if !strings.HasPrefix(text, "/") {
		return ""
	}
	end := 1
	for end < len(text) && isCommandByte(text[end]) {
		end++
	}
	if end == 1 {
		return ""
	}
	if end < len(text) {
		if r, _ := utf8.DecodeRuneInString(text[end:]); !unicode.IsSpace(r) {
			return ""
		}
	}
	return text[:end]
}

func isCommandByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// need is a set of capabilities as bits.
type need uint8

const (
	needVision need = 1 << iota
	needAudio
	needTools
	needStructured
	needFiles
	needImageURL

	needAll need = 1<<iota - 1
)

// needs holds the capabilities of every set, so that no request makes a list of its own.
var needs = func() (lists [needAll + 1][]Capability) {
	names := [...]Capability{CapVision, CapAudio, CapTools, CapStructured, CapFiles, CapImageURL}
	for set := range lists {
		for bit, name := range names {
			if set&(1<<bit) != 0 {
				lists[set] = append(lists[set], name)
			}
		}
	}
	return lists
}()
