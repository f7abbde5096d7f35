package chat

import (
	"iter"
	"strconv"

	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Role of a message. System stands for developer as well.
type Role uint8

// Roles.
const (
	System Role = iota + 1
	User
	Assistant
	Answer // of a tool
)

// Message is one message of the request.
type Message struct {
	Index   int
	Role    Role
	Content sdk.Node // string, array, null, or absent

	Thinking  sdk.Node // an assistant's thinking_blocks, an array; 0 when there are none
	Reasoning sdk.Node // an assistant's reasoning_content; 0 when there is none
	Failed    bool     // an answer's is_error: the tool failed
	Cache     sdk.Node // cache_control of the whole message, an object; 0 when there is none

	request *Request
	kind    abi.Kind // of Content
	size    int      // of Content: bytes or parts
	refusal sdk.Node // an assistant's, where Content holds nothing

	firstCall, callCount int // of an assistant's, in calls
}

// Messages reads the request's messages; they are valid until the entry point
// returns. ok is false after a failure was reported: tool calls and tool messages
// that do not match, a message of another role, or no conversation at all.
func (r *Request) Messages() (messages []Message, ok bool) {
	n := r.messages.Len()
	messages = turns[:0]
	calls, ids = calls[:0], ids[:0]
	if cap(calls) > keepTurns || cap(ids) > keepIDs {
		calls, ids = make([]Call, 0, 32), make([]byte, 0, 2<<10)
	}
	var pairs pairing
	said := 0
	for i := range n {
		node := r.messages.At(i)
		messages = append(messages, Message{Index: i, Content: node.Get("content"), request: r})
		m := &messages[len(messages)-1]
		if m.size = m.Content.ReadText(nil); m.size > 0 {
			m.kind = abi.KindString
		} else {
			m.kind, m.size = m.Content.Kind(), m.Content.Len()
		}
		if m.kind == abi.KindArray {
			r.left -= m.size * pieceCost
		}
		if r.left -= pieceCost; r.left < 0 {
			Refuse("messages", "there are more messages and parts than can be carried")
			return nil, false
		}
		size, known := node.Len(), 2
		if m.Content == 0 {
			known = 1
		}
		role := Word(node.Get("role"))
		if pairs.left > 0 && (string(role) == "user" || string(role) == "assistant") {
			pairs.closed()
			return nil, false
		}
		switch string(role) {
		case "user":
			m.Role = User
			said++
		case "assistant":
			m.Role = Assistant
			said++
			if size > known {
				if list := node.Get("tool_calls"); list != 0 {
					known++
					if !r.readCalls(m, list) {
						return nil, false
					}
				}
			}
			pairs.begin(m)
		case "tool":
			m.Role = Answer
			known++
			if !pairs.answer(m, keepID(node.Get("tool_call_id")), len(messages)-1) {
				return nil, false
			}
		case "system", "developer":
			m.Role = System
		default:
			Refuse(At(i), "the role '"+string(role)+"' is not carried to this provider")
			return nil, false
		}
		if size > known && !m.readRest(node) {
			return nil, false
		}
	}
	if !pairs.closed() {
		return nil, false
	}
	if said == 0 {
		Refuse("messages", "there is no user or assistant message")
		return nil, false
	}
	if cap(messages) <= keepTurns {
		turns = messages
	}
	return messages, true
}

// turns is the memory of the list of messages, which holds handles only.
var turns = make([]Message, 0, 64)

const keepTurns = 1 << 10

// readRest looks at what a message has besides role and content.
func (m *Message) readRest(node sdk.Node) (ok bool) {
	for name, value := range m.request.members(node) {
		switch name {
		case "role", "content":
		case "refusal":
			if IsText(value) {
				m.refusal = value
			}
		case "thinking_blocks":
			if m.Role == Assistant && value.Kind() == abi.KindArray {
				m.Thinking = value
			} else {
				m.request.Lose("messages[].thinking_blocks", value)
			}
		case "reasoning_content":
			if m.Role == Assistant {
				m.Reasoning = value
			}
		case "cache_control":
			if m.request.CacheMarks && value.Kind() == abi.KindObject {
				m.Cache = value
			} else {
				m.request.Lose("messages[].cache_control", value)
			}
		case "is_error":
			if m.Role != Answer {
				m.request.Lose("messages[].is_error", value)
			}
			m.Failed = m.Role == Answer && value.Bool()
		case "tool_calls":
			if m.Role != Assistant {
				m.request.Lose("messages[].tool_calls", value)
			}
		case "tool_call_id":
			if m.Role != Answer {
				m.request.Lose("messages[].tool_call_id", value)
			}
		case "function_call":
			if Asks(name, value) {
				Refuse(At(m.Index)+"."+name, "calls in this older form are not carried to this provider")
				return false
			}
		default:
			m.request.Lose("messages[]."+name, value)
		}
	}
	return true
}

// Part is a piece of a message. Exactly one of Text and Node is set, or both for
// a text that came as a part: Node then holds what else was said about it.
type Part struct {
	Index int      // in the content array; -1 when the content is a plain string
	Text  sdk.Node // a string with at least one byte; 0 when the part is no text
	Node  sdk.Node // the part as it came; 0 when the content is a plain string
}

// Parts returns how many parts there are to ask [Message.Part] for.
func (m *Message) Parts() int {
	switch {
	case m.kind == abi.KindArray && m.size > 0:
		return m.size
	case m.kind == abi.KindString && m.size > 0, m.refusal != 0:
		return 1
	}
	return 0
}

// Plain returns the content of a message that is one text with at least one byte
// and nothing else; 0 for any other.
func (m *Message) Plain() sdk.Node {
	if m.kind == abi.KindString && m.size > 0 {
		return m.Content
	}
	return 0
}

// Part returns the i-th part. ok is false for an empty text, which says nothing and
// which most wires refuse. A refusal is the assistant's text.
func (m *Message) Part(i int) (part Part, ok bool) {
	switch {
	case m.size == 0:
		return Part{Index: -1, Text: m.refusal}, true
	case m.kind == abi.KindString:
		return Part{Index: -1, Text: m.Content}, true
	}
	part = Part{Index: i, Node: m.Content.At(i)}
	text, isText := textOf(part.Node)
	if isText {
		part.Text = text
		return part, text.Len() > 0
	}
	return part, true
}

// More reports whether the part has members besides its type and its content.
func (m *Message) More(p Part) bool { return p.Node != 0 && p.Node.Len() > 2 }

// Rest yields what a part says beside its type and its content: a hint to a cache,
// or a member that is not known here.
func (m *Message) Rest(p Part) iter.Seq2[string, sdk.Node] {
	return func(yield func(string, sdk.Node) bool) {
		for name, value := range m.request.members(p.Node) {
			switch name {
			case "type", "text", "refusal", "image_url", "input_audio", "file":
				continue
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// Last reports whether the part ends the message.
func (m *Message) Last(p Part) bool { return p.Index < 0 || p.Index == m.size-1 }

// textOf returns the text of a part that is one.
func textOf(part sdk.Node) (text sdk.Node, ok bool) {
	kind := part.Get("type")
	switch {
	case kind.Equal("text"):
		text = part.Get("text")
	case kind.Equal("refusal"):
		text = part.Get("refusal")
	default:
		return 0, false
	}
	return text, text.Kind() == abi.KindString
}

// At names a message for a failure text, as "messages[3]".
func At(i int) string { return "messages[" + strconv.Itoa(i) + "]" }

// AtPart names a part of a message, as "messages[3].content[0]".
func (m *Message) AtPart(p Part) string {
	if p.Index < 0 {
		return At(m.Index) + ".content"
	}
	return At(m.Index) + ".content[" + strconv.Itoa(p.Index) + "]"
}

// Refuse ends the call because the request cannot be carried: where names the
// member at fault, why is shown to the caller.
func Refuse(where, why string) sdk.Result {
	return sdk.Fail(400, where+": "+why)
}

// RefusePart ends the call because the part is of a type that the wire does not take.
func (m *Message) RefusePart(p Part) sdk.Result {
	kind := string(Word(p.Node.Get("type")))
	return Refuse(m.AtPart(p), "content of type '"+kind+"' is not carried to this provider")
}
