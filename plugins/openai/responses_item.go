package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// emitItem writes the i-th message as input items: what it says, unless that is
// nothing, which OpenAI refuses; then the calls that it makes. A tool message is the
// output of a call. ok is false after a failure was reported, for what would change
// the conversation's meaning, as content that is neither text nor image.
func (t *translation) emitItem(i int, message sdk.Node) (ok bool) {
	if !t.spend(pieceCost) {
		return false
	}
	role, content := message.Get("role"), message.Get("content")
	item := item{translation: t, index: i, role: role, text: `{"type":"input_text","text":`}
	assistant := role.Equal("assistant")
	switch {
	case assistant:
		// What the model said itself is output_text; the other kind is refused with a 400.
		item.text = `{"type":"output_text","text":`
		t.lose("messages[].reasoning_content", message.Get("reasoning_content"))
		if message.Get("function_call").Len() > 0 {
			chat.Refuse(chat.At(i)+".function_call", "calls in this older form are not carried on the Responses wire")
			return false
		}
	case role.Equal("tool"):
		if item.call = message.Get("tool_call_id"); item.call.Kind() != abi.KindString {
			chat.Refuse(chat.At(i)+".tool_call_id", "a tool message needs one")
			return false
		}
		if content.Kind() != abi.KindArray || content.Len() == 0 {
			t.emitOutput(item.call, content)
			return true
		}
	case role.Equal("user"), role.Equal("system"), role.Equal("developer"):
	default:
		chat.Refuse(chat.At(i)+".role", "it is not carried on the Responses wire")
		return false
	}
	t.lose("messages[].name", message.Get("name"))

	switch content.Kind() {
	case abi.KindString:
		item.emit(item.text, content)
	case abi.KindArray:
		for j := range content.Len() {
			if !t.spend(pieceCost) || !item.emitPart(content.At(j)) {
				return false
			}
		}
	}
	if assistant {
		item.emit(refusalPart, message.Get("refusal"))
	}
	switch {
	case item.open:
		sdk.Emit(`]}`)
	case item.call != 0:
		t.emitOutput(item.call, 0)
	}
	return !assistant || t.emitCalls(i, message.Get("tool_calls"))
}

const refusalPart = `{"type":"refusal","refusal":`

// item is an input item while its parts are written. It opens with the first.
type item struct {
	*translation
	index int
	role  sdk.Node
	text  string   // how a text part begins
	call  sdk.Node // whose output it is; 0 for a message
	open  bool
}

// begin writes what goes before a part.
func (m *item) begin() {
	if m.open {
		sdk.Emit(`,`)
		return
	}
	m.open = true
	m.separate()
	if m.call != 0 {
		sdk.Emit(`{"type":"function_call_output","call_id":`)
		emitCallID(m.call)
		sdk.Emit(`,"output":[`)
		return
	}
	sdk.Emit(`{"role":`)
	sdk.EmitNode(m.role)
	sdk.Emit(`,"content":[`)
}

// emit writes a part that consists of one text. Empty texts say nothing.
func (m *item) emit(opening string, text sdk.Node) {
	if !chat.IsText(text) {
		return
	}
	m.begin()
	sdk.Emit(opening)
	sdk.EmitNode(text)
	sdk.Emit(`}`)
}

// emitPart writes one part of a content list. ok is false after a refusal.
func (m *item) emitPart(part sdk.Node) (ok bool) {
	switch kind := part.Get("type"); {
	case kind.Equal("text"):
		m.emit(m.text, part.Get("text"))
	case kind.Equal("refusal"):
		m.emit(refusalPart, part.Get("refusal"))
	case kind.Equal("image_url") && chat.IsText(part.Pointer("/image_url/url")):
		image := part.Get("image_url")
		m.begin()
		sdk.Emit(`{"type":"input_image","image_url":`)
		sdk.EmitNode(image.Get("url"))
		if detail := image.Get("detail"); chat.IsText(detail) {
			sdk.Emit(`,"detail":`)
			sdk.EmitNode(detail)
		}
		sdk.Emit(`}`)
	default:
		chat.Refuse(chat.At(m.index)+".content", "content of type '"+kind.Slice(0, 64).Text()+"' is not carried on the Responses wire")
		return false
	}
	return true
}
