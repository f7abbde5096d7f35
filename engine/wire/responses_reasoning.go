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
		if e := want(list, abi.KindArray); e != nil {
			return e.under(name)
		}
		for i, part := range list.Elements() {
			if e := want(part, abi.KindObject); e != nil {
				return e.item(i).under(name)
			}
			if e := want(part.Get("text"), abi.KindString); e != nil {
				return e.under("text").item(i).under(name)
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

// signed writes the encrypted reasoning as blocks of who made them.
func (w *responsesWriter) signed(items []document.Node) {
	w.emit(`,"thinking_blocks":[`)
	for _, item := range items {
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
