package google

import "github.com/pointsman/pointsman/plugins/chat"

// contents opens the body with the turns. Consecutive messages of a role are one
// turn: the API wants the roles to alternate.
func (b *body) contents(messages []chat.Message) (ok bool) {
	for i := range messages {
		m := &messages[i]
		if m.Role == chat.System || m.Role == chat.Answer {
			continue // answers stand with their calls
		}
		calls := m.Calls()
		seal := b.seal(m)
		// A plain text, as most messages are, takes two host calls.
		if text := m.Plain(); text != 0 && len(calls) == 0 && seal == 0 {
			b.openText(m.Role)
			b.Node(text)
			continue
		}
		empty, sealed := true, false
		for j := range m.Parts() {
			part, ok := m.Part(j)
			if !ok {
				continue
			}
			b.next(m.Role)
			empty = false
			if seal != 0 && part.Text != 0 && m.Last(part) {
				b.sealedText(part.Text, seal)
				sealed = true
			} else if !b.part(m, part) {
				return false
			}
		}
		if seal != 0 && !sealed && (!empty || len(calls) == 0) {
			b.next(m.Role)
			b.sealedText(0, seal)
			empty, sealed = false, true
		}
		if sealed {
			seal = 0
		}
		if empty && m.Role == chat.User {
			chat.Refuse(chat.At(m.Index), "Gemini takes no empty user message")
			return false
		}
		if len(calls) > 0 && !b.exchange(messages, calls, seal) {
			return false
		}
	}
	if b.turn == 0 {
		chat.Refuse("messages", "there is nothing to answer")
		return false
	}
	b.closePart()
	b.Emit(`]}]`)
	return true
}

// openText opens a part that is one text, up to the text; its brace is closed with
// what follows, so that the two go out together.
func (b *body) openText(role chat.Role) {
	switch {
	case b.inText && b.turn == role:
		b.Const(`},{"text":`)
	case b.inText && role == chat.User:
		b.Const(`}]},{"role":"user","parts":[{"text":`)
	case b.inText:
		b.Const(`}]},{"role":"model","parts":[{"text":`)
	default:
		b.next(role)
		b.Emit(`{"text":`)
	}
	b.turn, b.inText = role, true
}

// next opens a part: after another one of its turn, or with a turn of its own.
func (b *body) next(role chat.Role) {
	b.closePart()
	switch {
	case b.turn == role:
		b.Emit(`,`)
		return
	case b.turn == 0:
		b.Emit(b.open)
	default:
		b.Emit(`]},`)
	}
	if role == chat.User {
		b.Emit(`{"role":"user","parts":[`)
	} else {
		b.Emit(`{"role":"model","parts":[`)
	}
	b.turn = role
}

func (b *body) closePart() {
	if b.inText {
		b.Emit(`}`)
		b.inText = false
	}
}

// system writes the system and developer messages, in order, as parts of the
// system instruction. One that follows a turn loses its place, which is reported.
func (b *body) system(messages []chat.Message) (ok bool) {
	open, turns := `,"systemInstruction":{"parts":[`, false
	for i := range messages {
		m := &messages[i]
		if m.Role != chat.System {
			turns = true
			continue
		}
		for j := range m.Parts() {
			part, ok := m.Part(j)
			if !ok {
				continue
			}
			if turns {
				b.r.Lossy("messages[].position")
				turns = false
			}
			b.Emit(open)
			open = ","
			if !b.part(m, part) {
				return false
			}
		}
	}
	if open == "," {
		b.Emit(`]}`)
	}
	return true
}
