package chat

import "github.com/pointsman/pointsman/sdk"

// Thought is one block of thinking that a provider has signed, or hidden, and wants
// back as it came.
type Thought struct {
	Text      sdk.Node   // 0 for a hidden one
	Texts     []sdk.Node // in place of Text: several, which are joined
	Signature sdk.Node   // of a text; 0 for a hidden one
	Data      sdk.Node   // a hidden one, sealed
	Calls     int        // how many tool calls of the answer came before it
}

// Thoughts returns the blocks of an assistant message that the provider can read
// again: its own. Those of others are left out, as nobody else knows their seals.
func (m *Message) Thoughts(provider string) (thoughts []Thought) {
	if m.Thinking == 0 {
		return nil
	}
	n := m.Thinking.Len()
	for i := range n {
		if m.request.left -= callCost; m.request.left < 0 {
			m.request.Lossy("messages[].thinking_blocks")
			break
		}
		block := m.Thinking.At(i)
		if by := block.Get("provider"); by != 0 && !by.Equal(provider) {
			continue
		}
		t := Thought{Text: block.Get("thinking"), Signature: block.Get("signature"), Data: block.Get("data")}
		switch {
		case IsText(t.Data):
			t.Text, t.Signature = 0, 0
		case !IsText(t.Signature):
			continue
		case n == 1 && !IsText(t.Text) && IsText(m.Reasoning):
			// A stream brings the text as reasoning and the signature by itself.
			t.Text, t.Data = m.Reasoning, 0
		default:
			t.Data = 0
			if !IsText(t.Text) {
				t.Text = 0
			}
		}
		thoughts = append(thoughts, t)
	}
	return thoughts
}

// write writes a block of thinking_blocks; provider is its maker.
func (t *Thought) write(w *Writer, provider string) {
	if t.Data != 0 {
		w.Emit(`{"type":"redacted_thinking","data":`)
		w.Node(t.Data)
	} else {
		w.Emit(`{"type":"thinking","thinking":`)
		switch {
		case len(t.Texts) > 0:
			w.Joined(t.Texts)
		case IsText(t.Text):
			w.Node(t.Text)
		default:
			w.Emit(`""`)
		}
		w.Emit(`,"signature":`)
		w.Node(t.Signature)
	}
	w.Emit(`,"provider":`)
	w.String(provider)
	if t.Calls > 0 {
		number(w, `,"after_calls":`, int64(t.Calls))
	}
	w.Emit(`}`)
}

// Thought sends what a provider wants back of the thinking that was sent before, or
// a hidden thought. The text was sent as reasoning and is not sent again.
func (s *Stream) Thought(index int, provider string, t Thought) {
	if s.finished&(1<<index) != 0 || !IsText(t.Data) && !IsText(t.Signature) {
		return
	}
	s.Start(index)
	s.open(index, `"thinking_blocks":[`)
	t.write(s.w, provider)
	s.w.Emit(`]},"finish_reason":null}]}`)
	s.w.EndChunk()
}
