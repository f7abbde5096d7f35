package wire

import (
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// open begins a message of the role, up to its content.
func (w *chatWriter) open(role string) {
	w.messages++
	w.next()
	w.emit(`{"role":"`)
	w.emit(role)
	w.emit(`","content":`)
}

// system writes the system member, or the content of a system turn, as one message.
func (w *chatWriter) system(content document.Node) *Error {
	switch content.Kind() {
	case abi.KindAbsent, abi.KindNull:
		return nil
	case abi.KindString, abi.KindArray:
		if content.Len() == 0 {
			return nil
		}
	}
	w.open("system")
	if e := w.content(content, "text", ""); e != nil {
		return e
	}
	w.emit(`}`)
	return nil
}

// turns writes the conversation.
func (w *chatWriter) turns(list document.Node) *Error {
	if e := list.Want(abi.KindArray); e != nil {
		return e
	}
	if list.Len() == 0 {
		return wrong("must hold at least one message")
	}
	for i, m := range list.Elements() {
		if e := w.turn(m); e != nil {
			return e.Item(i)
		}
		if w.messages > maxMessages {
			return wrong("holds more than " + strconv.Itoa(maxMessages) + " messages and tool results")
		}
	}
	if w.messages == 0 {
		return wrong("must hold at least one message that says something")
	}
	return nil
}

func (w *chatWriter) turn(m document.Node) *Error {
	if e := m.Want(abi.KindObject); e != nil {
		return e
	}
	role, content := m.Get("role"), m.Get("content")
	if e := role.Want(abi.KindString); e != nil {
		return e.Under("role")
	}
	if kind := content.Kind(); kind != abi.KindString && kind != abi.KindArray {
		if !content.Exists() {
			return wrong("is required and must be a string or an array of blocks").Under("content")
		}
		return wrong("must be a string or an array of blocks, not " + document.KindName(kind)).Under("content")
	}
	w.lossy.rest(m, "messages[].", "role", "content")
	switch {
	case is(role, "user"):
		return w.user(content).Under("content")
	case is(role, "assistant"):
		return w.assistant(content).Under("content")
	case is(role, "system"):
		return w.system(content).Under("content")
	}
	return wrong("must be one of 'user', 'assistant', 'system'").Under("role")
}

// user writes a user turn: a message for each tool result, then one with the rest.
// Anthropic wants the results first; where they are not, their place is lost.
func (w *chatWriter) user(content document.Node) *Error {
	if content.Kind() == abi.KindArray && content.Len() == 0 {
		return wrong("must hold at least one block")
	}
	results, others := 0, 0
	for i, block := range content.Elements() {
		if !is(block.Get("type"), "tool_result") {
			others++
			continue
		}
		if others > 0 {
			w.lossy.add("messages[].content.order")
		}
		results++
		if e := w.result(block); e != nil {
			return e.Item(i)
		}
	}
	if results > 0 && others == 0 {
		return nil
	}
	w.open("user")
	if e := w.content(content, "text, image, document", "tool_result"); e != nil {
		return e
	}
	w.emit(`}`)
	return nil
}

// result writes a tool message. is_error and cache_control, which Chat lacks, stay
// members of their own names.
func (w *chatWriter) result(block document.Node) *Error {
	id := block.Get("tool_use_id")
	if e := id.Want(abi.KindString); e != nil {
		return e.Under("tool_use_id")
	}
	w.lossy.rest(block, "messages[].content[].", "type", "tool_use_id", "content", "is_error", "cache_control")
	w.open("tool")
	content := block.Get("content")
	if !given(content) || content.Kind() == abi.KindArray && content.Len() == 0 {
		w.emit(`""`)
	} else if e := w.content(content, "text, image, document", ""); e != nil {
		return e.Under("content")
	}
	w.emit(`,"tool_call_id":`)
	w.raw(id.Raw())
	if failed := block.Get("is_error"); given(failed) {
		if e := failed.Want(abi.KindBool); e != nil {
			return e.Under("is_error")
		}
		if failed.Bool() {
			w.emit(`,"is_error":true`)
		}
	}
	w.member("cache_control", block.Get("cache_control"))
	w.emit(`}`)
	return nil
}

// assistant writes an assistant turn: content, reasoning, then tool calls, which is
// the order that a message of Chat has. See RATIONALE.md, "Where does thinking go?".
func (w *chatWriter) assistant(content document.Node) *Error {
	var texts, calls, signed, thoughts, place int
	for i, block := range content.Elements() {
		kind, rank := block.Get("type"), 0
		switch {
		case is(kind, "thinking"):
			if e := checkThinking(block); e != nil {
				return e.Item(i)
			}
			if block.Get("thinking").Len() > 0 {
				thoughts++
			}
			if block.Get("signature").Len() > 0 {
				signed++
			}
		case is(kind, "redacted_thinking"):
			if e := block.Get("data").Want(abi.KindString); e != nil {
				return e.Under("data").Item(i)
			}
			signed++
		case is(kind, "tool_use"):
			calls, rank = calls+1, 2
		default:
			texts, rank = texts+1, 1
		}
		if rank < place {
			w.lossy.add("messages[].content.order")
		}
		place = rank
	}
	w.open("assistant")
	switch {
	case content.Kind() == abi.KindString || texts > 0:
		if e := w.content(content, "text", "thinking, redacted_thinking, tool_use"); e != nil {
			return e
		}
	case calls > 0 || signed > 0:
		w.emit(`null`)
	default:
		w.emit(`""`)
	}
	if thoughts > 0 {
		w.reasoning(content)
	}
	if signed > 0 {
		w.thinking(content)
	}
	if calls > 0 {
		if e := w.calls(content); e != nil {
			return e
		}
	}
	w.emit(`}`)
	return nil
}
