package wire

import (
	"hash/fnv"
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// ToMessage turns a canonical chat.completion into the answer of POST /v1/messages.
// model is what the answer says served it; empty takes the completion's own. Of several
// choices the first is the answer. What no completion should lack (id, choices, usage)
// is answered as empty, for whoever waits for the answer has paid for it.
// Safe for concurrent use.
func ToMessage(doc *document.Doc, model string) []byte {
	root := doc.Root()
	choice := root.Get("choices").At(0)
	message := choice.Get("message")
	w := messageWriter{out: make([]byte, 0, len(doc.Bytes())+512), seed: root.Get("id").Text()}
	w.head(root, model)
	w.blocks(message, is(choice.Get("finish_reason"), "content_filter"))
	w.emit(`],`)
	w.out = appendStop(w.out, choice.Get("finish_reason").Text(), w.calls > 0, inner(message.Get("refusal")))
	w.emit(`,"usage":`)
	w.out = readUsage(root.Get("usage")).append(w.out)
	w.emit(`}`)
	return w.out
}

// messageWriter writes a message that is whole.
type messageWriter struct {
	out   []byte
	seed  string // of made-up ids
	calls int    // tool_use blocks written
}

func (w *messageWriter) emit(s string) { w.out = append(w.out, s...) }

func (w *messageWriter) head(root document.Node, model string) {
	w.emit(`{"id":`)
	w.out = appendMessageID(w.out, w.seed)
	w.emit(`,"type":"message","role":"assistant","model":`)
	w.out = appendModel(w.out, model, root.Get("model"))
	w.emit(`,"content":[`)
}

// open begins a block of the type.
func (w *messageWriter) open(kind string) {
	if w.out[len(w.out)-1] != '[' {
		w.emit(`,`)
	}
	w.emit(`{"type":"` + kind + `"`)
}

func (w *messageWriter) blocks(message document.Node, filtered bool) {
	w.thinking(message)
	for text := range texts(message.Get("content")) {
		w.text(text)
	}
	if refusal := message.Get("refusal"); !filtered && refusal.Len() > 0 {
		w.text(refusal)
	}
	for i, call := range message.Get("tool_calls").Elements() {
		w.call(call, i)
	}
}

func (w *messageWriter) text(n document.Node) {
	if n.Kind() != abi.KindString || n.Len() == 0 {
		return // the API itself refuses an empty block when it comes back
	}
	w.open("text")
	w.emit(`,"text":`)
	w.out = append(w.out, n.Raw()...)
	w.emit(`}`)
}

func (w *messageWriter) thinking(message document.Node) {
	written := false
	for _, block := range message.Get("thinking_blocks").Elements() {
		switch kind := block.Get("type"); {
		case is(kind, "redacted_thinking"):
			w.open("redacted_thinking")
			w.emit(`,"data":"`)
			w.out = appendSealed(w.out, block.Get("provider"), block.Get("data"))
			w.emit(`"}`)
		case is(kind, "thinking"):
			w.thought(block.Get("thinking"), block)
		default:
			continue
		}
		written = true
	}
	if text := reasoningOf(message); !written && text.Len() > 0 {
		w.thought(text, document.Node{})
	}
}

func (w *messageWriter) thought(text, block document.Node) {
	w.open("thinking")
	w.emit(`,"thinking":"`)
	w.out = append(w.out, inner(text)...)
	w.emit(`","signature":"`)
	w.out = appendSealed(w.out, block.Get("provider"), block.Get("signature"))
	w.emit(`"}`)
}

func (w *messageWriter) call(call document.Node, i int) {
	w.calls++
	name, arguments := called(call)
	w.open("tool_use")
	w.emit(`,"id":`)
	w.out = appendCallID(w.out, call.Get("id").Text(), w.seed, i)
	w.emit(`,"name":"`)
	w.out = append(w.out, inner(name)...)
	w.emit(`","input":`)
	w.out = appendInput(w.out, arguments, is(call.Get("type"), "custom"))
	w.out = appendMember(w.out, "extra_content", call.Get("extra_content"))
	w.emit(`}`)
}

// called returns name and arguments of a call, whichever type it is.
func called(call document.Node) (name, arguments document.Node) {
	if custom := call.Get("custom"); custom.Exists() {
		return custom.Get("name"), custom.Get("input")
	}
	function := call.Get("function")
	return function.Get("name"), function.Get("arguments")
}

// appendInput appends a call's arguments, which must be an object here. Text that is
// none, as of a call that was cut off, is kept in one: a tool that gets {} would run.
func appendInput(dst []byte, arguments document.Node, custom bool) []byte {
	if arguments.Kind() == abi.KindObject {
		return append(dst, arguments.Raw()...)
	}
	if custom {
		return appendWrapped(dst, "input", arguments)
	}
	text := arguments.Text()
	if blank(text) {
		return append(dst, `{}`...)
	}
	doc, err := document.Parse([]byte(text), document.Limits{})
	if err != nil || doc.Root().Kind() != abi.KindObject {
		return appendWrapped(dst, "invalid_arguments", arguments)
	}
	dst = append(dst, doc.Root().Raw()...)
	doc.Release()
	return dst
}

func appendWrapped(dst []byte, name string, n document.Node) []byte {
	dst = append(dst, `{"`...)
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	if n.Exists() {
		dst = append(dst, n.Raw()...)
	} else {
		dst = append(dst, `""`...)
	}
	return append(dst, '}')
}

// appendMember appends a member with the node as it stands, if it is given.
func appendMember(dst []byte, name string, n document.Node) []byte {
	if !given(n) {
		return dst
	}
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return append(dst, n.Raw()...)
}

// texts yields the texts of content, which some servers send as parts.
func texts(content document.Node) func(func(document.Node) bool) {
	return func(yield func(document.Node) bool) {
		if content.Kind() == abi.KindString {
			yield(content)
			return
		}
		for _, part := range content.Elements() {
			n := part.Get("text")
			if is(part.Get("type"), "refusal") {
				n = part.Get("refusal")
			}
			if n.Kind() == abi.KindString && !yield(n) {
				return
			}
		}
	}
}

// reasoningOf returns a message's or delta's reasoning text; Ollama and newer vLLM
// call it reasoning.
func reasoningOf(n document.Node) document.Node {
	if text := n.Get("reasoning_content"); text.Kind() == abi.KindString {
		return text
	}
	if text := n.Get("reasoning"); text.Kind() == abi.KindString {
		return text
	}
	return document.Node{}
}

// appendSealed appends the inside of a signature, marked with its provider unless that
// is Anthropic. See signer.
func appendSealed(dst []byte, provider, signature document.Node) []byte {
	if name := inner(provider); len(name) > 0 && len(name) <= 64 && !is(provider, "anthropic") && signature.Len() > 0 && sealable(name) {
		dst = append(append(append(dst, seal...), name...), ':')
	}
	return append(dst, inner(signature)...)
}

func sealable(name []byte) bool {
	for _, c := range name {
		if !idByte(c) && c != '.' {
			return false
		}
	}
	return true
}

// appendMessageID appends the id as a JSON string with Anthropic's prefix.
func appendMessageID(dst []byte, id string) []byte {
	const prefix, foreign, longest = "msg_", "chatcmpl-", 128
	switch {
	case len(id) > len(prefix) && id[:len(prefix)] == prefix:
		id = id[len(prefix):]
	case len(id) > len(foreign) && id[:len(foreign)] == foreign:
		id = id[len(foreign):]
	}
	dst = append(dst, `"msg_`...)
	if len(id) == 0 || len(id) > longest {
		dst = appendHash(dst, id, 0)
	} else {
		dst = document.AppendEscaped(dst, id)
	}
	return append(dst, '"')
}

// appendModel appends model, or else what the answer says.
func appendModel(dst []byte, model string, own document.Node) []byte {
	if model == "" && own.Kind() == abi.KindString {
		return append(dst, own.Raw()...)
	}
	return document.AppendString(dst, model)
}

// appendCallID appends the id of a call as a JSON string. Anthropic's alphabet is
// ^[a-zA-Z0-9_-]+$; an id beyond it becomes its hash, always the same, and one that is
// missing is made of the answer's and the call's place.
func appendCallID(dst []byte, id, seed string, i int) []byte {
	dst = append(dst, '"')
	ok := len(id) > 0 && len(id) <= 256
	for j := 0; ok && j < len(id); j++ {
		ok = idByte(id[j])
	}
	switch {
	case ok:
		dst = append(dst, id...)
	case id != "":
		dst = appendHash(append(dst, `toolu_`...), id, 0)
	default:
		dst = appendHash(append(dst, `toolu_`...), seed, i+1)
	}
	return append(dst, '"')
}

func appendHash(dst []byte, s string, n int) []byte {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	_, _ = h.Write(strconv.AppendInt([]byte{0}, int64(n), 10))
	return strconv.AppendUint(dst, h.Sum64(), 16)
}

// appendStop appends stop_reason, stop_sequence and stop_details. refusal is the escaped
// text of the model's own refusal. Chat does not tell which stop sequence ended an
// answer, so that is end_turn.
func appendStop(dst []byte, finish string, calls bool, refusal []byte) []byte {
	reason := "end_turn"
	filtered := finish == "content_filter"
	switch {
	case filtered, len(refusal) > 0:
		reason = "refusal"
	case finish == "length":
		reason = "max_tokens"
	case calls:
		reason = "tool_use" // also where finish_reason is stop: forced calls, llama.cpp
	}
	dst = append(append(append(dst, `"stop_reason":"`...), reason...), `","stop_sequence":null`...)
	if !filtered || len(refusal) == 0 {
		return append(dst, `,"stop_details":null`...)
	}
	dst = append(dst, `,"stop_details":{"type":"refusal","category":null,"explanation":"`...)
	return append(append(dst, refusal...), `"}`...)
}
