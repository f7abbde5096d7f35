package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// emitItem writes the i-th message as input items: what the model thought, what was
// said, unless that is nothing, which OpenAI refuses, then the calls. A tool message is
// the output of a call. ok is false after a failure was reported, for what would change
// the conversation's meaning, as content that the wire has no part for.
func (t *translation) emitItem(i int, message sdk.Node) (ok bool) {
	if !t.spend(messageCost) {
		return false
	}
	var room [16]byte
	role, content := message.Get("role").AppendText(room[:0]), message.Get("content")
	item := item{translation: t, index: i, role: asUser, text: `{"type":"input_text","text":`}
	switch string(role) {
	case "assistant":
		return t.emitAssistant(&item, message, content)
	case "tool":
		if item.call = message.Get("tool_call_id"); item.call.Kind() != abi.KindString {
			chat.Refuse(chat.At(i)+".tool_call_id", "a tool message needs one")
			return false
		}
		item.output, item.failed = true, message.Get("is_error").Bool()
	case "function":
		item.output = true
	case "user":
	case "system":
		item.role = asSystem
	case "developer":
		item.role = asDeveloper
	default:
		chat.Refuse(chat.At(i)+".role", "it is not carried on the Responses wire")
		return false
	}
	if item.output && (content.Kind() != abi.KindArray || content.Len() == 0) {
		t.emitOutput(item.call, content, item.failed)
		return true
	}
	if !item.output {
		if t.noRole[0] && item.role == asDeveloper {
			item.role = asSystem
		}
		if t.noRole[1] && item.role == asSystem {
			item.role = asUser
			t.lose("messages[].role", message.Get("role"))
		}
		t.lose("messages[].name", message.Get("name"))
	}
	return item.emitContent(content) && item.end()
}

// emitAssistant writes what the model said itself: its text is output_text; the
// other kind is refused with a 400.
func (t *translation) emitAssistant(item *item, message, content sdk.Node) (ok bool) {
	item.role, item.text = asAssistant, `{"type":"output_text","text":`
	item.said = true
	calls, call := message.Get("tool_calls"), message.Get("function_call")
	thoughts := thoughts{translation: t, list: message.Get("thinking_blocks"), reasoning: message.Get("reasoning_content")}
	if thoughts.list != 0 && calls.Len() == 0 && call.Len() == 0 && !speaks(message, content) {
		thoughts.list = 0 // without a follower they are refused
	}
	if !thoughts.emit(0) {
		return false
	}
	t.lose("messages[].name", message.Get("name"))
	if !item.emitContent(content) {
		return false
	}
	if refusal := message.Get("refusal"); refusal != 0 {
		item.emit(refusalPart, refusal, 0)
	}
	if !item.end() || !t.emitCalls(item.index, calls, &thoughts) {
		return false
	}
	if !thoughts.given {
		t.lose("messages[].reasoning_content", thoughts.reasoning)
	}
	return call == 0 || call.Len() == 0 || t.emitLegacyCall(item.index, call)
}

// speaks reports whether an assistant message becomes an item of its own.
func speaks(message, content sdk.Node) bool {
	if content.Kind() == abi.KindString || content == 0 {
		return content.Len() > 0 || chat.IsText(message.Get("refusal"))
	}
	if content.Len() > 0 {
		first := content.At(0) // an empty text is the only part that says nothing
		return chat.IsText(first.Get("text")) || chat.IsText(first.Get("refusal"))
	}
	return chat.IsText(message.Get("refusal"))
}

// How a message of each role begins.
const (
	asUser      = `{"role":"user","content":[`
	asSystem    = `{"role":"system","content":[`
	asDeveloper = `{"role":"developer","content":[`
	asAssistant = `{"role":"assistant","content":[`
	refusalPart = `{"type":"refusal","refusal":`
)

// item is an input item while its parts are written. It opens with the first.
type item struct {
	*translation
	index  int
	role   string   // how a message begins
	text   string   // how a text part begins
	call   sdk.Node // whose output it is
	output bool     // of a call, not a message
	failed bool     // the output is that of a tool that failed
	said   bool     // by the model itself
	open   bool
}

// emitContent writes the parts of a content.
func (m *item) emitContent(content sdk.Node) (ok bool) {
	switch content.Kind() {
	case abi.KindString:
		if content.Len() > 0 {
			m.begin()
			sdk.Emit(m.text)
			sdk.EmitNode(content)
			sdk.Emit(`}`)
		}
	case abi.KindArray:
		if m.failed {
			m.begin()
			sdk.Emit(`{"type":"input_text","text":"` + failure + `"}`)
		}
		for j := range content.Len() {
			if !m.spend(pieceCost) || !m.emitPart(content.At(j)) {
				return false
			}
		}
	}
	return true
}

// end closes the item. An output without any part is an empty text.
func (m *item) end() (ok bool) {
	switch {
	case m.open:
		sdk.Emit(`]}`)
	case m.output:
		m.emitOutput(m.call, 0, false)
	}
	return true
}

// begin writes what goes before a part.
func (m *item) begin() {
	if m.open {
		sdk.Emit(`,`)
		return
	}
	m.open = true
	if m.output {
		m.beginOutput(m.call)
		sdk.Emit(`[`)
		return
	}
	m.separate()
	sdk.Emit(m.role)
}

// emit writes a part that consists of one text; part is where it was, 0 for a plain one.
// Empty texts say nothing.
func (m *item) emit(opening string, text, part sdk.Node) {
	if !chat.IsText(text) {
		return
	}
	m.begin()
	sdk.Emit(opening)
	sdk.EmitNode(text)
	m.mark(part)
	sdk.Emit(`}`)
}

// mark writes where a cached prefix is to end, for the models that can be told.
func (m *item) mark(part sdk.Node) {
	if m.said || part == 0 {
		return
	}
	if own := part.Get("prompt_cache_breakpoint"); own != 0 {
		emitMember("prompt_cache_breakpoint", own)
	} else if part.Get("cache_control") != 0 && m.breaks() {
		sdk.Emit(`,` + breakpoint)
	}
}

// emitPart writes one part of a content list. ok is false after a refusal.
func (m *item) emitPart(part sdk.Node) (ok bool) {
	kind := part.Get("type")
	image, file := part.Get("image_url"), part.Get("file")
	switch {
	case kind.Equal("text"):
		m.emit(m.text, part.Get("text"), part)
	case kind.Equal("refusal"):
		m.emit(refusalPart, part.Get("refusal"), 0)
	case kind.Equal("image_url") && chat.IsText(image.Get("url")):
		if !m.imageURL && image.Get("url").Slice(0, 5).Find("data:") < 0 {
			chat.Refuse(chat.At(m.index)+".content", "this server takes images as data URLs only")
			return false
		}
		m.begin()
		sdk.Emit(`{"type":"input_image","image_url":`)
		sdk.EmitNode(image.Get("url"))
		if detail := image.Get("detail"); chat.IsText(detail) {
			sdk.Emit(`,"detail":`)
			sdk.EmitNode(detail)
		}
		m.mark(part)
		sdk.Emit(`}`)
	case kind.Equal("file") && file.Len() > 0:
		m.begin()
		sdk.Emit(`{"type":"input_file"`)
		sdk.EmitMembers(file, "type")
		m.mark(part)
		sdk.Emit(`}`)
	default:
		chat.Refuse(chat.At(m.index)+".content", "content of type '"+kind.Slice(0, 64).Text()+"' is not carried on the Responses wire")
		return false
	}
	return true
}
