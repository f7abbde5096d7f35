package chat

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// A custom tool takes one text instead of arguments. Adapters that carry such tools
// set [Request.FreeText]; for the others they are lost like any tool that is no function.

// readCustom reads a custom tool. ok is false for one without a name, which is lost.
func (r *Request) readCustom(node sdk.Node) (tool Tool, ok bool) {
	tool.Free = true
	for name, value := range r.members(node.Get("custom")) {
		switch {
		case name == "name" && IsText(value):
			tool.Name = value
		case name == "description" && IsText(value):
			tool.Description = value
		case name == "format" && value.Get("type").Equal("text"):
		case name == "format" && value.Get("grammar").Kind() == abi.KindObject:
			tool.Grammar = value.Get("grammar")
		default:
			r.Lose("tools[].custom."+name, value)
		}
	}
	for name, value := range r.members(node) {
		switch {
		case name == "type", name == "custom":
		case name == "cache_control" && value.Kind() == abi.KindObject:
			tool.Cache = value
		default:
			r.Lose("tools[]."+name, value)
		}
	}
	if tool.Name == 0 {
		r.Lossy("tools[].custom.name")
	}
	return tool, tool.Name != 0
}

// named returns the name in a reference to a tool; 0 when it names none.
func (r *Request) named(reference sdk.Node) sdk.Node {
	name := reference.Get("function").Get("name")
	if name == 0 && r.FreeText {
		name = reference.Get("custom").Get("name")
	}
	return textNode(name)
}

// Len returns how many bytes the content has that is one text, or how many parts.
func (m *Message) Len() int { return m.size }

// Cache returns the call's cache_control, an object; 0 when there is none.
func (c *Call) Cache() sdk.Node {
	const known = 3 // id, type and function
	if c.node.Len() <= known {
		return 0
	}
	if mark := c.node.Get("cache_control"); mark.Kind() == abi.KindObject {
		return mark
	}
	return 0
}

// writeFree writes the rest of a call of a custom tool, after its id.
func (c *ToolCall) writeFree(w *Writer) {
	w.Emit(`,"type":"custom","custom":{"name":`)
	if IsText(c.Name) {
		w.Node(c.Name)
	} else {
		w.Emit(`""`)
	}
	w.Emit(`,"input":`)
	switch {
	case IsText(c.Arguments):
		w.Node(c.Arguments)
	case c.Arguments.Kind() == abi.KindObject:
		w.Quoted(c.Arguments) // not what was asked for; nothing of it is dropped
	default:
		w.Emit(`""`)
	}
	w.Emit(`}`)
	c.writeSignature(w)
	w.Emit(`}`)
}

// Input sends a piece of the input of the custom tool's call that was opened with
// the key. It does nothing for an empty piece or an unknown key.
func (s *Stream) Input(index, key int, piece string) {
	at := s.findCall(index, key)
	if piece == "" || at < 0 || s.finished&(1<<index) != 0 {
		return
	}
	s.openCall(index, s.numberOf(at))
	s.w.Emit(`,"custom":{"input":`)
	s.w.String(piece)
	s.w.Emit(`}}`)
	s.endCall()
}

// Say sends a text of the adapter's own as a piece of the choice's.
func (s *Stream) Say(index int, text string) {
	if s.finished&(1<<index) != 0 {
		return
	}
	s.Start(index)
	s.open(index, `"content":`)
	s.w.String(text)
	s.w.Emit(`},"finish_reason":null}]}`)
	s.w.EndChunk()
	s.spoke |= 1 << index
}

// Spend takes host calls from those that reading has, for an adapter that looks into
// a member by itself. ok is false when there are no more: the request is to be refused.
func (r *Request) Spend(calls int) (ok bool) {
	r.left -= calls
	return r.left >= 0
}

func textNode(n sdk.Node) sdk.Node {
	if IsText(n) {
		return n
	}
	return 0
}
