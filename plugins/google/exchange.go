package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// exchange writes the calls of a model's turn after its texts, and all their results
// in the user's: the API wants as many of these as of those. seal is the signature
// of the message, for a first call that has lost its own.
func (b *body) exchange(messages []chat.Message, calls []chat.Call, seal sdk.Node) (ok bool) {
	for i := range calls {
		call := &calls[i]
		b.next(chat.Assistant)
		b.Emit(`{"functionCall":{"id":`)
		b.String(call.ID)
		b.Emit(`,"name":`)
		b.Node(call.Name)
		b.Emit(`,"args":`)
		b.arguments(call)
		b.Emit(`}`)
		switch signature := call.Extra(maker).Get("thought_signature"); {
		case chat.IsText(signature):
			b.sign(signature)
		case i == 0 && seal != 0:
			b.sign(seal)
		case i == 0 && b.model.signs():
			b.Emit(`,"thoughtSignature":` + noSignature)
		}
		b.Emit(`}`)
	}
	for i := range calls {
		b.next(chat.User)
		b.Emit(`{"functionResponse":{"id":`)
		b.String(calls[i].ID)
		b.Emit(`,"name":`)
		b.Node(calls[i].Name)
		if !b.result(calls[i].Answer(messages)) {
			return false
		}
		b.Emit(`}}`)
	}
	if b.model.signs() {
		return true
	}
	// Earlier models take the media of a result only as the user's own.
	for i := range calls {
		m := calls[i].Answer(messages)
		for j := range m.Parts() {
			if part, ok := m.Part(j); ok && part.Text == 0 {
				b.next(chat.User)
				if !b.media(m, part) {
					return false
				}
			}
		}
	}
	return true
}

// result writes the response of a function, which has to be an object: that which
// the tool message holds, or one with its text.
func (b *body) result(m *chat.Message) (ok bool) {
	open := `,"response":{"output":`
	if m.Failed {
		open = `,"response":{"error":`
	}
	if text := m.Plain(); text != 0 {
		if !m.Failed && text.Slice(0, 1).Equal("{") {
			if object := text.Parse(); object.Kind() == abi.KindObject {
				b.Emit(`,"response":`)
				b.Node(object)
				return true
			}
		}
		b.Emit(open)
		b.Node(text)
		b.Emit(`}`)
		return true
	}
	texts, media := make([]sdk.Node, 0, 4), false
	for i := range m.Parts() {
		part, ok := m.Part(i)
		if ok && part.Text != 0 {
			texts = append(texts, part.Text)
		}
		media = media || ok && part.Text == 0
	}
	b.Emit(open)
	b.Joined(texts)
	b.Emit(`}`)
	if !media || !b.model.signs() {
		return true
	}
	open = `,"parts":[`
	for i := range m.Parts() {
		if part, ok := m.Part(i); ok && part.Text == 0 {
			b.Emit(open)
			open = `,`
			if !b.media(m, part) {
				return false
			}
		}
	}
	b.Emit(`]`)
	return true
}
