package wire

import (
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// turn gathers the items that are one assistant message in Chat: everything between
// two items of others. The nodes are checked.
type turn struct {
	reasoning, messages, calls []document.Node
	after                      []int // of each reasoning: how many calls came before it
}

func (t *turn) empty() bool { return len(t.reasoning)+len(t.messages)+len(t.calls) == 0 }

const carriedItems = "'message', 'function_call', 'function_call_output', 'custom_tool_call', 'custom_tool_call_output', 'reasoning'"

// item takes one item of the input. Ids and states of items name what the provider
// stored; the content is here.
func (w *responsesWriter) item(item document.Node) *Error {
	if e := item.Want(abi.KindObject); e != nil {
		return e
	}
	kind := item.Get("type")
	name := "message"
	if given(kind) || !item.Get("role").Exists() {
		if e := kind.Want(abi.KindString); e != nil {
			return e.Under("type")
		}
		name = kind.Text()
	}
	t := &w.turn
	switch name {
	case "message":
		return w.said(item)
	case "reasoning":
		if e := checkReasoning(item); e != nil {
			return e
		}
		if len(t.messages) > 0 || len(t.calls) > 0 && !ownReasoning(item) {
			w.lossy.add("input.order")
		}
		w.lossy.rest(item, "input[].", "type", "id", "status", "summary", "content", "encrypted_content")
		if item.Get("summary").Len() > 0 && item.Get("content").Len() > 0 {
			w.lossy.add("input[].summary")
		}
		t.reasoning, t.after = append(t.reasoning, item), append(t.after, len(t.calls))
	case "function_call", "custom_tool_call":
		text := "arguments"
		if name == "custom_tool_call" {
			text = "input"
		}
		for _, member := range [...]string{"call_id", "name", text} {
			if e := item.Get(member).Want(abi.KindString); e != nil {
				return e.Under(member)
			}
		}
		w.lossy.rest(item, "input[].", "type", "id", "status", "call_id", "name", text, "extra_content")
		t.calls = append(t.calls, item)
	case "function_call_output", "custom_tool_call_output":
		w.flush()
		return w.output(item)
	case "item_reference":
		return w.only("cannot be 'item_reference', for no item is stored here; send the item itself").Under("type")
	default:
		return w.only("must be one of " + carriedItems + ": an item of type '" + clip(name) + "' cannot be carried").Under("type")
	}
	return nil
}

// said takes a message.
func (w *responsesWriter) said(item document.Node) *Error {
	role, content := item.Get("role"), item.Get("content")
	if e := role.Want(abi.KindString); e != nil {
		return e.Under("role")
	}
	w.lossy.rest(item, "input[].", "type", "id", "status", "role", "content")
	if is(role, "assistant") {
		if e := w.checkParts(content, answerParts); e != nil {
			return e.Under("content")
		}
		if len(w.turn.calls) > 0 {
			w.lossy.add("input.order")
		}
		if content.Len() > 0 {
			w.turn.messages = append(w.turn.messages, content)
		}
		return nil
	}
	allowed := "input_text"
	switch {
	case is(role, "user"):
		allowed = "input_text, input_image, input_file"
	case !is(role, "system") && !is(role, "developer"):
		return wrong("must be one of 'user', 'assistant', 'system', 'developer'").Under("role")
	}
	if e := w.checkParts(content, allowed); e != nil {
		return e.Under("content")
	}
	if content.Kind() == abi.KindArray && content.Len() == 0 {
		return wrong("must hold at least one part").Under("content")
	}
	w.flush()
	w.open(role.Text())
	w.parts(content, allowed)
	w.emit(`}`)
	return nil
}

// output writes the result of a call.
func (w *responsesWriter) output(item document.Node) *Error {
	id, output := item.Get("call_id"), item.Get("output")
	if e := id.Want(abi.KindString); e != nil {
		return e.Under("call_id")
	}
	if e := w.checkParts(output, outputParts); e != nil {
		return e.Under("output")
	}
	w.lossy.rest(item, "input[].", "type", "id", "status", "call_id", "output")
	w.open("tool")
	w.parts(output, outputParts)
	w.emit(`,"tool_call_id":`)
	w.raw(id.Raw())
	w.emit(`}`)
	return nil
}

// checkParts faults content that is not a string or an array of parts of the allowed types.
func (w *responsesWriter) checkParts(content document.Node, allowed string) *Error {
	switch content.Kind() {
	case abi.KindString:
		return nil
	case abi.KindArray:
	case abi.KindAbsent:
		return wrong("is required and must be a string or an array of parts")
	default:
		return wrong("must be a string or an array of parts, not " + document.KindName(content.Kind()))
	}
	for i, part := range content.Elements() {
		if e := w.checkPart(part, allowed); e != nil {
			return e.Item(i)
		}
	}
	return nil
}

func (w *responsesWriter) checkPart(part document.Node, allowed string) *Error {
	if e := part.Want(abi.KindObject); e != nil {
		return e
	}
	kind := part.Get("type")
	if e := kind.Want(abi.KindString); e != nil {
		return e.Under("type")
	}
	name := kind.Text()
	if !listed(allowed, name) {
		return w.only("must be one of " + allowed + ": a part of type '" + clip(name) + "' cannot be carried here").Under("type")
	}
	const at = "input[].content[]."
	switch name {
	case "input_image":
		w.lossy.rest(part, at, "type", "image_url", "detail")
		url := part.Get("image_url")
		if given(part.Get("file_id")) && !given(url) {
			return w.only("cannot be carried: a file id is known to one provider only; send 'image_url'").Under("file_id")
		}
		if e := url.Want(abi.KindString); e != nil {
			return e.Under("image_url")
		}
		if url.Len() == 0 {
			return wrong("must not be empty").Under("image_url")
		}
		return optional(part, "detail")
	case "input_file":
		w.lossy.rest(part, at, "type", "file_id", "file_data", "filename", "file_url")
		if !given(part.Get("file_id")) && !given(part.Get("file_data")) && !given(part.Get("file_url")) {
			return wrong("must have 'file_data', 'file_id' or 'file_url'")
		}
		for _, member := range [...]string{"file_id", "file_data", "file_url", "filename"} {
			if e := optional(part, member); e != nil {
				return e
			}
		}
		return nil
	case "refusal":
		w.lossy.rest(part, at, "type", "refusal")
		return part.Get("refusal").Want(abi.KindString).Under("refusal")
	}
	for member, n := range part.Members() {
		empty := n.Kind() == abi.KindArray && n.Len() == 0 // annotations and logprobs of most answers
		if given(n) && !empty && member != "type" && member != "text" {
			w.lossy.add(at + member)
		}
	}
	return part.Get("text").Want(abi.KindString).Under("text")
}

// optional faults a member that is given and no string.
func optional(object document.Node, name string) *Error {
	if n := object.Get(name); given(n) {
		return n.Want(abi.KindString).Under(name)
	}
	return nil
}

// Types of the parts that an answer and a call's output have.
const (
	answerParts = "output_text, refusal"
	outputParts = "input_text, input_image, input_file"
)

// parts writes checked content: one text as a string, everything else as parts. What is
// not of the allowed types was let pass, and is left out.
func (w *responsesWriter) parts(content document.Node, allowed string) {
	switch {
	case content.Kind() == abi.KindString:
		w.raw(content.Raw())
	case content.Len() == 0:
		w.emit(`""`)
	case content.Len() == 1 && isText(content.At(0), allowed):
		w.raw(content.At(0).Get("text").Raw())
	default:
		w.emit(`[`)
		for _, part := range content.Elements() {
			w.flatPart(part, allowed)
		}
		w.emit(`]`)
	}
}

func isText(part document.Node, allowed string) bool {
	kind := part.Get("type")
	return (is(kind, "input_text") || is(kind, "output_text")) && listed(allowed, kind.Text())
}

func (w *responsesWriter) flatPart(part document.Node, allowed string) {
	w.next()
	switch kind := part.Get("type"); {
	case !listed(allowed, kind.Text()):
		w.emit(`{"type":"text","text":""}`)
	case is(kind, "input_image") && given(part.Get("image_url")):
		w.emit(`{"type":"image_url","image_url":{"url":`)
		w.raw(part.Get("image_url").Raw())
		w.member("detail", part.Get("detail"))
		w.emit(`}}`)
	case is(kind, "input_file"):
		w.emit(`{"type":"file","file":{`)
		comma := ""
		for _, name := range [...]string{"file_id", "filename", "file_data", "file_url"} {
			if n := part.Get(name); given(n) {
				w.emit(comma + `"` + name + `":`)
				w.raw(n.Raw())
				comma = ","
			}
		}
		w.emit(`}}`)
	case is(kind, "refusal"):
		w.emit(`{"type":"refusal","refusal":`)
		w.raw(part.Get("refusal").Raw())
		w.emit(`}`)
	case part.Get("text").Kind() == abi.KindString:
		w.plainPart(part.Get("text"))
	default: // not portable: see checkPart
		w.emit(`{"type":"text","text":""}`)
	}
}

func (w *responsesWriter) plainPart(text document.Node) {
	w.emit(`{"type":"text","text":`)
	w.raw(text.Raw())
	w.emit(`}`)
}

// flush writes the gathered turn as one assistant message.
func (w *responsesWriter) flush() {
	t := &w.turn
	if t.empty() {
		return
	}
	signed, thoughts := 0, 0
	for _, item := range t.reasoning {
		if item.Get("encrypted_content").Len() > 0 {
			signed++
		}
		for n := range thoughtsOf(item) {
			thoughts += n.Len()
		}
	}
	if len(t.messages)+len(t.calls)+signed+thoughts > 0 {
		w.open("assistant")
		switch {
		case len(t.messages) == 1:
			w.parts(t.messages[0], answerParts)
		case len(t.messages) > 1:
			w.emit(`[`)
			for _, content := range t.messages {
				if content.Kind() == abi.KindString {
					w.next()
					w.plainPart(content)
				}
				for _, part := range content.Elements() {
					w.flatPart(part, answerParts)
				}
			}
			w.emit(`]`)
		case len(t.calls)+signed > 0:
			w.emit(`null`)
		default:
			w.emit(`""`)
		}
		if thoughts > 0 {
			w.thoughts(t.reasoning)
		}
		if signed > 0 {
			w.signed(t.reasoning, t.after)
		}
		if len(t.calls) > 0 {
			w.flatCalls(t.calls)
		}
		w.emit(`}`)
	}
	t.reasoning, t.messages, t.calls, t.after = t.reasoning[:0], t.messages[:0], t.calls[:0], t.after[:0]
}

func (w *responsesWriter) flatCalls(calls []document.Node) {
	w.emit(`,"tool_calls":[`)
	for _, call := range calls {
		w.next()
		w.emit(`{"id":`)
		w.raw(call.Get("call_id").Raw())
		if is(call.Get("type"), "custom_tool_call") {
			w.emit(`,"type":"custom","custom":{"name":`)
			w.raw(call.Get("name").Raw())
			w.member("input", call.Get("input"))
		} else {
			w.emit(`,"type":"function","function":{"name":`)
			w.raw(call.Get("name").Raw())
			w.member("arguments", call.Get("arguments"))
		}
		w.emit(`}`)
		w.member("extra_content", call.Get("extra_content"))
		w.emit(`}`)
	}
	w.emit(`]`)
}
