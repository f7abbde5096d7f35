package wire

import (
	"bytes"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

func checkReasoning(item document.Node) *Error {
	if e := optional(item, "encrypted_content"); e != nil {
		return e
	}
	for _, name := range [...]string{"summary", "content"} {
		list := item.Get(name)
		if !given(list) {
			continue
		}
		if e := list.Want(abi.KindArray); e != nil {
			return e.Under(name)
		}
		for i, part := range list.Elements() {
			if e := part.Want(abi.KindObject); e != nil {
				return e.Item(i).Under(name)
			}
			if e := part.Get("text").Want(abi.KindString); e != nil {
				return e.Under("text").Item(i).Under(name)
			}
		}
	}
	return nil
}

// thoughtsOf yields the texts of a reasoning item: its own words, or else its summary.
func thoughtsOf(item document.Node) func(func(document.Node) bool) {
	list := item.Get("content")
	if list.Len() == 0 {
		list = item.Get("summary")
	}
	return func(yield func(document.Node) bool) {
		for _, part := range list.Elements() {
			if n := part.Get("text"); n.Len() > 0 && !yield(n) {
				return
			}
		}
	}
}

// thoughts writes the text of all reasoning for targets that know no blocks.
func (w *responsesWriter) thoughts(items []document.Node) {
	w.emit(`,"reasoning_content":"`)
	between := ""
	for _, item := range items {
		for n := range thoughtsOf(item) {
			w.emit(between)
			w.raw(inner(n))
			between = `\n\n`
		}
	}
	w.emit(`"`)
}

// hidden marks, in encrypted_content, redacted thinking of a provider that is not OpenAI.
const hidden = "pointsman-redacted:"

// ownReasoning reports whether OpenAI itself encrypted the item.
func ownReasoning(item document.Node) bool {
	content := inner(item.Get("encrypted_content"))
	if len(content) == 0 {
		return false
	}
	_, _, hid := sealed(content, hidden)
	_, _, signed := sealed(content, seal)
	return !hid && !signed
}

// ownID reports whether OpenAI made the id of the reasoning item. Ours, which name an
// answer and a place in it, mean nothing there.
func ownID(id document.Node) bool {
	const prefix, longest = "rs_", 128
	text := id.Text()
	if len(text) <= len(prefix) || len(text) > longest || text[:len(prefix)] != prefix {
		return false
	}
	for _, c := range []byte(text[len(prefix):]) {
		if c == '_' || c == '-' || !idByte(c) {
			return false
		}
	}
	return true
}

// signed writes the encrypted reasoning as blocks of who made them. OpenAI's keep their
// id, and after how many calls of the turn they came: an item has to stand before what it
// led to.
func (w *responsesWriter) signed(items []document.Node, after []int) {
	w.emit(`,"thinking_blocks":[`)
	for i, item := range items {
		content := inner(item.Get("encrypted_content"))
		if len(content) == 0 {
			continue
		}
		w.next()
		if provider, data, ok := sealed(content, hidden); ok {
			w.emit(`{"type":"redacted_thinking","data":"`)
			w.raw(data)
			w.by(provider)
			continue
		}
		provider, signature, ok := sealed(content, seal)
		if !ok {
			provider, signature = []byte("openai"), content
		}
		w.emit(`{"type":"thinking","thinking":"`)
		between := ""
		for n := range thoughtsOf(item) {
			w.emit(between)
			w.raw(inner(n))
			between = `\n\n`
		}
		w.emit(`","signature":"`)
		w.raw(signature)
		w.by(provider)
		if !ok {
			w.out = w.out[:len(w.out)-1]
			if id := item.Get("id"); ownID(id) {
				w.member("id", id)
			}
			if after[i] > 0 {
				w.emit(`,"after_calls":`)
				w.out = appendInt(w.out, after[i])
			}
			w.emit(`}`)
		}
	}
	w.emit(`]`)
}

// sealed takes the mark off escaped JSON text that carries it.
func sealed(content []byte, mark string) (provider, rest []byte, ok bool) {
	after, ok := bytes.CutPrefix(content, []byte(mark))
	if !ok {
		return nil, nil, false
	}
	provider, rest, ok = bytes.Cut(after, []byte(":"))
	if !ok || len(provider) == 0 || len(provider) > 64 || !sealable(provider) {
		return nil, nil, false
	}
	return provider, rest, true
}
