package openai

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// emit writes the messages; those before the first one as they came. ok is false after
// a failure was reported.
func (c *conversation) emit(messages sdk.Node, first int) (ok bool) {
	sdk.Emit(`,"messages":[`)
	wrote := false
	separate := func() {
		if wrote {
			sdk.Emit(`,`)
		}
		wrote = true
	}
	for i := range messages.Len() {
		message := messages.At(i)
		plain := i < first
		if i >= first {
			if plain, ok = c.plain(i, message); !ok {
				return false
			}
		}
		if !c.spend(copyMessage) || !plain && !c.spend(writeTurn) {
			return false
		}
		if len(c.pending) > 0 && message.Get("tool_call_id") == 0 {
			separate()
			if !c.emitAttachments() {
				return false
			}
		}
		separate()
		if plain {
			sdk.EmitNode(message)
		} else if !c.emitMessage(message) {
			return false
		}
	}
	if len(c.pending) > 0 {
		separate()
		if !c.emitAttachments() {
			return false
		}
	}
	sdk.Emit(`]`)
	return true
}

// emitMessage writes one message without what the server would refuse.
func (c *conversation) emitMessage(message sdk.Node) (ok bool) {
	room := [8]string{"role", "content", "is_error"}
	except := room[:3]
	sdk.Emit(`{"role":`)
	switch role := c.standIn(message); role {
	case "":
		emitString(message.Get("role"), `"user"`)
	case roles[1].instead:
		c.lose(lostRole)
		fallthrough
	default:
		sdk.Emit(role)
	}
	if !c.emitContent(message) {
		return false
	}
	if c.reasoning != "" || !c.extensions {
		except = append(except, "reasoning_content")
		if c.reasoning == "" || c.reasoning == "reasoning_content" || message.Get("reasoning") == 0 {
			c.emitReasoning(message.Get("reasoning_content"))
		}
	}
	if !c.extensions {
		// A seal of any maker; nobody reads one here.
		except = append(except, "thinking_blocks", "cache_control")
		if calls := message.Get("tool_calls"); calls.Kind() == abi.KindArray {
			except = append(except, "tool_calls")
			if !c.emitCalls(calls) {
				return false
			}
		}
	}
	sdk.EmitMembers(message, except...)
	sdk.Emit(`}`)
	return true
}

// emitReasoning writes what the assistant thought under the name that the server
// has for it.
func (c *conversation) emitReasoning(text sdk.Node) {
	if text.Kind() != abi.KindString || text.Len() == 0 {
		return
	}
	if c.reasoning == "" {
		c.lose(lostReasoning)
		return
	}
	sdk.Emit(`,"`)
	sdk.Emit(c.reasoning)
	sdk.Emit(`":`)
	sdk.EmitNode(text)
}

// emitCalls writes calls without what another provider said about them.
func (c *conversation) emitCalls(calls sdk.Node) (ok bool) {
	if !c.spend(writeCall * calls.Len()) {
		return false
	}
	for k := range calls.Len() {
		if k == 0 {
			sdk.Emit(`,"tool_calls":[{`)
		} else {
			sdk.Emit(`,{`)
		}
		sdk.EmitMembers(calls.At(k), "extra_content")
		sdk.Emit(`}`)
	}
	if calls.Len() > 0 {
		sdk.Emit(`]`)
	}
	return true
}

// emitContent writes the content of a message, if it has one or needs one: null
// beside calls, "" for an assistant who says nothing at all.
func (c *conversation) emitContent(message sdk.Node) (ok bool) {
	content := message.Get("content")
	if message.Get("tool_call_id") != 0 {
		return c.emitResult(message, content)
	}
	called := message.Get("tool_calls").Len() > 0
	switch kind := content.Kind(); {
	case kind == abi.KindArray:
		sdk.Emit(`,"content":[`)
		for j := range content.Len() {
			if !c.spend(writePart) {
				return false
			}
			if j > 0 {
				sdk.Emit(`,`)
			}
			c.emitPart(content.At(j))
		}
		sdk.Emit(`]`)
	case kind == abi.KindString && content.Len() == 0 && called:
		sdk.Emit(`,"content":null`)
	case kind == abi.KindString:
		sdk.Emit(`,"content":`)
		sdk.EmitNode(content)
	case !called && message.Get("role").Equal("assistant") && silent(message):
		sdk.Emit(`,"content":""`)
	case kind != abi.KindAbsent:
		sdk.Emit(`,"content":`)
		sdk.EmitNode(content)
	}
	return true
}

// emitPart writes a part. A mark of the end of a cached prefix becomes OpenAI's own
// where the model has it (gpt-5.6 and later, API reference of 2026-08).
func (c *conversation) emitPart(part sdk.Node) {
	if !c.marks(part) {
		sdk.EmitNode(part)
		return
	}
	sdk.Emit(`{`)
	if part.Get("prompt_cache_breakpoint") == 0 && c.breaks() {
		sdk.Emit(breakpoint)
	}
	sdk.EmitMembers(part, "cache_control")
	sdk.Emit(`}`)
}

const breakpoint = `"prompt_cache_breakpoint":{"mode":"explicit"}`

// emitResult writes the content of a tool message. It has no member for a failure,
// which is said in words, and no place for anything but text: that goes into a
// user message behind the results.
func (c *conversation) emitResult(message, content sdk.Node) (ok bool) {
	failed := message.Get("is_error").Bool()
	if content.Kind() != abi.KindArray {
		sdk.Emit(`,"content":"`)
		if failed {
			sdk.Emit(failure)
		}
		sdk.EmitInner(content)
		sdk.Emit(`"`)
		return true
	}
	sdk.Emit(`,"content":[`)
	first, attached := true, false
	if failed {
		sdk.Emit(`{"type":"text","text":"` + failure + `"}`)
		first = false
	}
	for j := range content.Len() {
		if !c.spend(writePart) {
			return false
		}
		part := content.At(j)
		if !part.Get("type").Equal("text") {
			attached = true
			continue
		}
		if !first {
			sdk.Emit(`,`)
		}
		first = false
		c.emitPart(part)
	}
	if attached {
		if first {
			sdk.Emit(`{"type":"text","text":"The result is attached to the user message that follows."}`)
		}
		c.pending = append(c.pending, message)
	}
	sdk.Emit(`]`)
	return true
}

// failure goes before the result of a tool that failed.
const failure = `Error: `

// emitAttachments writes what the tool messages before could not hold, as a message of
// the user: tool messages have to follow their calls without anything in between.
func (c *conversation) emitAttachments() (ok bool) {
	sdk.Emit(`{"role":"user","content":[`)
	for i, message := range c.pending {
		if i > 0 {
			sdk.Emit(`,`)
		}
		sdk.Emit(`{"type":"text","text":"Attached to the result of tool call `)
		sdk.EmitInner(message.Get("tool_call_id"))
		sdk.Emit(`:"}`)
		content := message.Get("content")
		for j := range content.Len() {
			if !c.spend(writePart) {
				return false
			}
			if part := content.At(j); !part.Get("type").Equal("text") {
				sdk.Emit(`,`)
				c.emitPart(part)
			}
		}
	}
	sdk.Emit(`]}`)
	c.pending = c.pending[:0]
	return true
}
