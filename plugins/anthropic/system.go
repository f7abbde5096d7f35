package anthropic

import "github.com/pointsman/pointsman/plugins/chat"

// lastTurn is the index of the last message that is written as a turn.
func lastTurn(r *chat.Request, messages []chat.Message) int {
	last := len(messages) - 1
	for last > 0 && (messages[last].Role == chat.System || messages[last].Role == chat.Assistant && !says(r, &messages[last])) {
		last--
	}
	return last
}

// place finds the system messages that may stay where they are: the API wants the
// user or a tool before them, and after them the assistant or nothing.
func (c *conversation) place(messages []chat.Message) {
	before := chat.Role(0)
	for i := range messages {
		m := &messages[i]
		if m.Role != chat.System {
			if m.Role != chat.Assistant || says(c.r, m) {
				before = m.Role
			}
			continue
		}
		if before != chat.User && before != chat.Answer {
			continue
		}
		next := i + 1
		for next < len(messages) && messages[next].Role == chat.System {
			next++
		}
		if next == len(messages) || messages[next].Role == chat.Assistant && says(c.r, &messages[next]) {
			c.placed = append(c.placed, i)
		}
	}
}

func (c *conversation) stays(i int) bool {
	for _, at := range c.placed {
		if at == i {
			return true
		}
	}
	return false
}

// system writes the system and developer messages, in order, as blocks of the
// system member. One that follows a turn, and cannot stay there, loses its place,
// which is reported.
func (c *conversation) system(messages []chat.Message, answer format) (ok bool) {
	open, turns := `,"system":[`, false
	for i := range messages {
		m := &messages[i]
		if m.Role != chat.System {
			turns = true
			continue
		}
		if c.stays(i) {
			continue
		}
		c.end = noPart
		if m.Cache != 0 {
			c.end = lastPart(c.r, m)
		}
		for j := range m.Parts() {
			part, ok := m.Part(j)
			if !ok || blank(part) {
				continue
			}
			if part.Text == 0 {
				m.RefusePart(part)
				return false
			}
			if turns {
				c.r.Lossy("messages[].position")
				turns = false
			}
			c.Emit(open)
			c.text(m, part)
			open = ","
		}
	}
	if answer.by == byWord {
		c.Emit(open)
		c.Emit(instruction)
		open = ","
	}
	if open == "," {
		c.Emit(`]`)
	}
	return true
}
