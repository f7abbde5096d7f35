package engine

import (
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// nativeUsage are the counts of a Messages answer, which come in parts that overwrite
// each other, never add up (Anthropic's streaming reference, MessageDeltaUsage).
type nativeUsage struct{ input, read, write, write1h int64 }

// readNative takes a usage object of that wire. As with read, what is no count changes
// nothing, and the text that came with it must have been added to output before.
func (m *meter) readNative(wire API, usage document.Node) {
	if usage.Kind() != abi.KindObject {
		return
	}
	if wire == APIMessages {
		m.readMessages(usage)
		return
	}
	if v, ok := m.counter(usage.Get("input_tokens")); ok {
		details := usage.Get("input_tokens_details")
		m.prompt, m.tokens.Prompt = true, v
		n, _ := m.counter(details.Get("cached_tokens"))
		m.tokens.Cached = min(n, v)
		n, _ = m.counter(details.Get("cache_write_tokens"))
		m.tokens.CacheWrite = min(n, v-m.tokens.Cached)
	}
	if v, ok := m.counter(usage.Get("output_tokens")); ok {
		m.readOutput(v, usage.Get("output_tokens_details").Get("reasoning_tokens"))
	}
}

func (m *meter) readOutput(v int64, reasoning document.Node) {
	m.completion, m.covered = true, m.output
	m.tokens.Completion = v
	n, _ := m.counter(reasoning)
	m.tokens.Reasoning = min(n, v)
}

// readMessages takes Anthropic's counts: its input is what was neither read from nor
// written to a cache.
func (m *meter) readMessages(usage document.Node) {
	u, told := &m.native, false
	take := func(to *int64, n document.Node) {
		if v, ok := m.counter(n); ok {
			*to, told = v, true
		}
	}
	take(&u.input, usage.Get("input_tokens"))
	take(&u.read, usage.Get("cache_read_input_tokens"))
	take(&u.write, usage.Get("cache_creation_input_tokens"))
	take(&u.write1h, usage.Get("cache_creation").Get("ephemeral_1h_input_tokens"))
	if told {
		hour := min(u.write1h, u.write)
		m.prompt = true
		m.tokens.Prompt = u.input + u.read + u.write
		m.tokens.Cached, m.tokens.CacheWrite, m.tokens.CacheWrite1h = u.read, u.write-hour, hour
	}
	if v, ok := m.counter(usage.Get("output_tokens")); ok {
		m.readOutput(v, usage.Get("output_tokens_details").Get("thinking_tokens"))
	}
}

// nativeBytes is how much text a Messages or Responses answer carries.
func nativeBytes(wire API, root document.Node) (n int64) {
	if wire == APIMessages {
		for _, block := range root.Get("content").Elements() {
			n += blockBytes(block)
		}
		return n
	}
	for _, item := range root.Get("output").Elements() {
		n += textBytes(item.Get("name")) + textBytes(item.Get("arguments")) + textBytes(item.Get("input"))
		for _, list := range [...]string{"content", "summary"} {
			for _, part := range item.Get(list).Elements() {
				n += textBytes(part.Get("text")) + textBytes(part.Get("refusal"))
			}
		}
	}
	return n
}

// blockBytes is that of a content block of Anthropic's, or of a delta of one.
func blockBytes(block document.Node) (n int64) {
	for _, name := range [...]string{"text", "thinking", "partial_json", "name"} {
		n += textBytes(block.Get(name))
	}
	if input := block.Get("input"); input.Len() > 0 {
		n += int64(len(input.Raw()))
	}
	return n
}

// nativeWhole reports whether a plain answer is one of its wire, and no failure in the form
// of one.
func nativeWhole(wire API, root document.Node) bool {
	if wire == APIMessages {
		return root.Get("content").Kind() == abi.KindArray && root.Get("type").Text() != "error"
	}
	switch root.Get("status").Text() {
	case "failed", "cancelled", "queued", "in_progress":
		return false
	}
	return root.Get("output").Kind() == abi.KindArray && root.Get("error").Len() == 0
}

// appendWithModel appends the document with the member model of the object replaced,
// where it has one.
func appendWithModel(dst []byte, doc *document.Doc, object document.Node, model string) []byte {
	if n := object.Get("model"); n.Exists() {
		start, end := n.Span()
		return document.Splice(dst, doc, document.Edit{Start: start, End: end, With: document.AppendString(nil, model)})
	}
	return append(dst, doc.Bytes()...)
}

// nativeModel is what a native answer names: what the caller wrote, for auto what served.
func (x *execution) nativeModel(t Target) string {
	if asked := x.r.Source.Root().Get("model").Text(); asked != ModelAuto {
		return asked
	}
	return t.Model.ID
}
