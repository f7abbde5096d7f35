package anthropic

import (
	"strings"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxCacheMarks is how many cache_control marks one request may hold.
const maxCacheMarks = 4

// conversation writes tools, system and messages.
type conversation struct {
	*chat.Writer
	r      *chat.Request
	last   int   // index of the last turn in the list
	end    int   // of the message at hand: the index of the last part that is written
	marks  int   // cache_control marks written
	before int   // what the last turn was
	placed []int // indexes of the system messages that stay in their place
}

// conversation writes the messages; place says whether a system message may stand
// between turns. ok is false after a refusal.
func (c *conversation) conversation(messages []chat.Message, place bool, answer format) (ok bool) {
	c.last = lastTurn(c.r, messages)
	if place {
		c.place(messages)
	}
	return c.system(messages, answer) && c.turns(messages)
}

// turns writes the user and assistant messages. Consecutive ones of a role stay
// apart: the API merges them.
func (c *conversation) turns(messages []chat.Message) (ok bool) {
	for i := range messages {
		m := &messages[i]
		if m.Role == chat.Answer || m.Role == chat.System && !c.stays(i) {
			continue // answers stand with their calls
		}
		calls := m.Calls()
		if m.Role == chat.Assistant && c.before == nothing {
			chat.Refuse(chat.At(m.Index), "Anthropic needs a user message before the first of the assistant")
			return false
		}
		// A plain text, as most messages are, takes two host calls.
		if text := m.Plain(); text != 0 && len(calls) == 0 && m.Thinking == 0 && m.Cache == 0 && m.Role != chat.System &&
			(i != c.last || m.Role == chat.User) && (m.Len() > maxBlank || !chat.Blank(text)) {
			c.openText(m.Role)
			c.Node(text)
			continue
		}
		if m.Thinking != 0 && !says(c.r, m) {
			c.r.Lossy("messages[].thinking_blocks") // a turn may not end with them
			continue
		}
		empty := !c.thoughts(m)
		c.end = noPart
		if i == c.last || m.Cache != 0 {
			c.end = lastPart(c.r, m)
		}
		for j := range m.Parts() {
			part, ok := m.Part(j)
			if !ok || blank(part) {
				continue
			}
			if empty {
				c.open(m.Role)
				empty = false
			} else {
				c.Emit(`,`)
			}
			if part.Text == 0 {
				if !c.other(m, part) {
					return false
				}
				continue
			}
			if i == c.last && m.Role == chat.Assistant && part.Index == c.end && len(calls) == 0 {
				part.Text = c.trimRight(part.Text)
			}
			c.text(m, part)
		}
		if empty && m.Role == chat.User {
			chat.Refuse(chat.At(m.Index), "Anthropic takes no empty user message")
			return false
		}
		if len(calls) > 0 && !c.exchange(messages, m, empty) {
			return false
		}
	}
	c.closeTurn()
	c.Emit(`]`)
	return true
}

// What stands before the next turn: the brackets of the turn before are closed with
// its opening, so that the two go out together.
const (
	nothing = iota
	plainTurn
	partsTurn
	resultsTurn // of the user, and open for what the user says next
	systemTurn  // and open for another
)

// says reports whether the message has a call or a part that is written.
func says(r *chat.Request, m *chat.Message) bool {
	return len(m.Calls()) > 0 || lastPart(r, m) != noPart
}

// lastPart is the index of the last part that is written. It spends of what reading
// has, which is found out before the request is sent.
func lastPart(r *chat.Request, m *chat.Message) int {
	for j := m.Parts() - 1; j >= 0 && r.Spend(partCost); j-- {
		if part, ok := m.Part(j); ok && !blank(part) {
			return part.Index
		}
	}
	return noPart
}

const (
	noPart   = -2 // -1 is a content that is one text
	partCost = 8  // host calls to look whether a part is written
)

// thoughts writes the thinking that an assistant turn begins with, where it is
// Anthropic's own, and reports whether there was any.
func (c *conversation) thoughts(m *chat.Message) (any bool) {
	thoughts := m.Thoughts(provider)
	for i, t := range thoughts {
		if i == 0 {
			c.open(m.Role)
		} else {
			c.Emit(`,`)
		}
		if t.Data != 0 {
			c.Emit(`{"type":"redacted_thinking","data":`)
			c.Node(t.Data)
			c.Emit(`}`)
			continue
		}
		c.Emit(`{"type":"thinking","thinking":`)
		if t.Text != 0 {
			c.Node(t.Text)
		} else {
			c.Emit(`""`)
		}
		c.Emit(`,"signature":`)
		c.Node(t.Signature)
		c.Emit(`}`)
	}
	if len(thoughts) == 0 {
		c.r.Lose("messages[].reasoning_content", m.Reasoning)
	}
	return len(thoughts) > 0
}

// openText opens a turn that is one text block, up to the text.
func (c *conversation) openText(role chat.Role) {
	const block = `{"type":"text","text":`
	switch {
	case c.before == plainTurn && role == chat.User:
		c.Const(`}]},{"role":"user","content":[` + block)
	case c.before == plainTurn:
		c.Const(`}]},{"role":"assistant","content":[` + block)
	default:
		c.open(role)
		c.Emit(block)
	}
	c.before = plainTurn
}

// open opens a turn, up to the bracket of its blocks.
func (c *conversation) open(role chat.Role) {
	switch {
	case c.before == nothing:
		c.Emit(`,"messages":[`)
	case c.before == resultsTurn && role == chat.User:
		c.Emit(`,`)
		c.before = partsTurn
		return
	case c.before == systemTurn && role == chat.System:
		c.Emit(`,`)
		return
	default:
		c.closeTurn()
		c.Emit(`,`)
	}
	c.before = partsTurn
	switch role {
	case chat.User:
		c.Emit(`{"role":"user","content":[`)
	case chat.Assistant:
		c.Emit(`{"role":"assistant","content":[`)
	default:
		c.Emit(`{"role":"system","content":[`)
		c.before = systemTurn
	}
}

func (c *conversation) closeTurn() {
	switch c.before {
	case plainTurn:
		c.Emit(`}]}`)
	case partsTurn, resultsTurn, systemTurn:
		c.Emit(`]}`)
	}
}

// text writes a text block, with the cache mark that the part carries.
func (c *conversation) text(m *chat.Message, part chat.Part) {
	c.Emit(`{"type":"text","text":`)
	c.Node(part.Text)
	c.rest(m, part)
}

// rest closes a block with what the part has besides its type and its content. The
// mark of a whole message is that of its last block.
func (c *conversation) rest(m *chat.Message, part chat.Part) {
	marked := false
	if m.More(part) {
		for name, value := range m.Rest(part) {
			object := value.Kind() == abi.KindObject
			switch {
			case name == "cache_control" && object && !marked:
				marked = c.mark(value, "messages[].content[].cache_control")
			case name == "prompt_cache_breakpoint" && object && !marked && c.marks < maxCacheMarks:
				c.Emit(`,"cache_control":{"type":"ephemeral"}`)
				c.marks++
				marked = true
			default:
				c.r.Lose("messages[].content[]."+name, value)
			}
		}
	}
	if m.Cache != 0 && !marked && m.Role != chat.Answer && part.Index == c.end && len(m.Calls()) == 0 {
		c.mark(m.Cache, "messages[].cache_control")
	}
	c.Emit(`}`)
}

// mark writes a cache_control mark. It is a hint: one more than the API takes, which
// would be its 400, is reported as lost.
func (c *conversation) mark(mark sdk.Node, name string) (written bool) {
	if mark == 0 || mark.Kind() != abi.KindObject {
		return false
	}
	if c.marks >= maxCacheMarks {
		c.r.Lossy(name)
		return false
	}
	c.marks++
	c.Emit(`,"cache_control":`)
	c.Node(mark)
	return true
}

// blank reports whether the part is a text of white space, which the API refuses
// anywhere. Only short ones are looked at.
func blank(part chat.Part) bool {
	return part.Text != 0 && part.Text.Len() <= maxBlank && chat.Blank(part.Text)
}

const maxBlank = 64

// trimRight drops white space from the end of the last assistant message, which
// the model is to continue: the API refuses it there. A text of nothing else stays.
func (c *conversation) trimRight(text sdk.Node) sdk.Node {
	const step = 4 << 10
	whole := text.Len()
	for end := whole; end > 0; {
		tail := text.Slice(max(end-step, 0), end).Text()
		kept := strings.TrimRight(tail, " \t\r\n")
		end -= len(tail) - len(kept)
		switch {
		case kept != "" && end == whole:
			return text
		case kept != "":
			c.r.Lossy("messages[].content[].trailing_space")
			return text.Slice(0, end)
		case tail == "":
			return text
		}
	}
	return text
}
