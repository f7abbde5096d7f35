package wire

import (
	"bytes"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

func checkThinking(block document.Node) *Error {
	if e := block.Get("thinking").Want(abi.KindString); e != nil {
		return e.Under("thinking")
	}
	if signature := block.Get("signature"); given(signature) {
		return signature.Want(abi.KindString).Under("signature")
	}
	return nil
}

// reasoning writes the text of all thinking blocks for targets that know no blocks.
func (w *chatWriter) reasoning(content document.Node) {
	w.emit(`,"reasoning_content":"`)
	between := ""
	for _, block := range content.Elements() {
		if !is(block.Get("type"), "thinking") || block.Get("thinking").Len() == 0 {
			continue
		}
		w.emit(between)
		w.raw(inner(block.Get("thinking")))
		between = `\n\n`
	}
	w.emit(`"`)
}

// thinking writes the signed blocks, whose text a provider may want back byte by byte.
func (w *chatWriter) thinking(content document.Node) {
	w.emit(`,"thinking_blocks":[`)
	for _, block := range content.Elements() {
		kind := block.Get("type")
		switch {
		case is(kind, "thinking") && block.Get("signature").Len() > 0:
			provider, signature := signer(inner(block.Get("signature")))
			w.next()
			w.emit(`{"type":"thinking","thinking":`)
			w.raw(block.Get("thinking").Raw())
			w.emit(`,"signature":"`)
			w.raw(signature)
			w.by(provider)
		case is(kind, "redacted_thinking"):
			provider, data := signer(inner(block.Get("data")))
			w.next()
			w.emit(`{"type":"redacted_thinking","data":"`)
			w.raw(data)
			w.by(provider)
		}
	}
	w.emit(`]`)
}

func (w *chatWriter) by(provider []byte) {
	w.emit(`","provider":"`)
	w.raw(provider)
	w.emit(`"}`)
}

// seal marks, in a signature, a provider that is not Anthropic: "pointsman:google:…".
// Base64, which signatures are, has no colon.
const seal = "pointsman:"

// signer splits a signature into who made it and what it is. Both are escaped JSON text.
func signer(signature []byte) (provider, rest []byte) {
	if after, ok := bytes.CutPrefix(signature, []byte(seal)); ok {
		provider, rest, ok = bytes.Cut(after, []byte(":"))
		if ok && len(provider) > 0 && len(provider) <= 64 && bytes.IndexByte(provider, '\\') < 0 {
			return provider, rest
		}
	}
	return []byte("anthropic"), signature
}
