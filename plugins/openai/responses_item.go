package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// emitItem writes the i-th message as an input item, unless it has no content:
// OpenAI refuses an empty list. ok is false after a failure was reported, for what
// would change the conversation's meaning: tool turns, and content that is neither
// text nor image.
func (t *translation) emitItem(i int, message sdk.Node, first bool) (wrote, ok bool) {
	if !t.spend(pieceCost) {
		return false, false
	}
	role, content := message.Get("role"), message.Get("content")
	assistant := role.Equal("assistant")
	switch {
	case assistant:
		if message.Get("tool_calls").Len() > 0 || message.Get("function_call").Len() > 0 {
			chat.Refuse(chat.At(i)+".tool_calls", "tool calls are not carried on the Responses wire")
			return false, false
		}
	case role.Equal("user"), role.Equal("system"), role.Equal("developer"):
	default:
		chat.Refuse(chat.At(i)+".role", "it is not carried on the Responses wire")
		return false, false
	}
	t.lose("messages[].name", message.Get("name"))

	item := item{translation: t, index: i, role: role, first: first, text: `{"type":"input_text","text":`}
	if assistant {
		// What the model said itself is output_text; the other kind is refused with a 400.
		item.text = `{"type":"output_text","text":`
	}
	switch content.Kind() {
	case abi.KindString:
		item.emit(item.text, content)
	case abi.KindArray:
		for j := range content.Len() {
			if !t.spend(pieceCost) || !item.emitPart(content.At(j)) {
				return false, false
			}
		}
	}
	if assistant {
		item.emit(refusalPart, message.Get("refusal"))
	}
	if item.open {
		sdk.Emit(`]}`)
	}
	return item.open, true
}

const refusalPart = `{"type":"refusal","refusal":`

// item is an input item while its parts are written. It opens with the first.
type item struct {
	*translation
	index int
	role  sdk.Node
	text  string // how a text part begins
	first bool   // of all items
	open  bool
}

// begin writes what goes before a part.
func (m *item) begin() {
	if m.open {
		sdk.Emit(`,`)
		return
	}
	m.open = true
	if !m.first {
		sdk.Emit(`,`)
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
