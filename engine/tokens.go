package engine

import (
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxTokens bounds what is believed of a provider's counters: no model has a
// window near it, and a sum of a few of them stays far inside an int64.
const maxTokens = 1 << 40

// meter is what one attempt has used so far: the provider's own counts, and how much
// text came, for whatever it does not count. The zero value has used nothing.
type meter struct {
	tokens     Tokens
	prompt     bool  // tokens has the provider's count of the prompt
	completion bool  // and of the output
	odd        bool  // one of its counts was out of range and is clamped
	output     int64 // bytes of text that came
	covered    int64 // of output: what had come when the completion was last counted
	native     nativeUsage
}

// counted reports whether the provider has counted both.
func (m *meter) counted() bool { return m.prompt && m.completion }

// read takes an OpenAI usage object; anything else changes nothing. Counters are
// cumulative on every wire, so that the last one wins; an explicit 0 is a count, what is
// negative or no number is none. Parts never exceed their whole. The text of the
// chunk that holds the usage must have been added to output before.
func (m *meter) read(usage document.Node) {
	if v, ok := m.counter(usage.Get("prompt_tokens")); ok {
		m.prompt = true
		m.tokens.Prompt = v
		details := usage.Get("prompt_tokens_details")
		for _, part := range [...]struct {
			name string
			to   *int64
		}{{"cached_tokens", &m.tokens.Cached}, {"cache_write_tokens", &m.tokens.CacheWrite}, {"cache_write_1h_tokens", &m.tokens.CacheWrite1h}} {
			n, _ := m.counter(details.Get(part.name))
			*part.to = min(n, v)
			v -= *part.to
		}
	}
	if v, ok := m.counter(usage.Get("completion_tokens")); ok {
		m.readOutput(v, usage.Get("completion_tokens_details").Get("reasoning_tokens"))
	}
}

func (m *meter) counter(n document.Node) (v int64, ok bool) {
	if n.Kind() != abi.KindNumber {
		return 0, false
	}
	f := n.Float()
	if f < 0 {
		m.odd = true
		return 0, false
	}
	v = min(n.Int(), maxTokens)
	if float64(v) != f {
		m.odd = true
	}
	return v, true
}

// total is the provider's counts, completed by estimates where it gave none: prompt
// is the estimate of the request, and a token is about four bytes of text.
// estimated reports whether any of it is not the provider's own.
func (m *meter) total(prompt int64) (t Tokens, estimated bool) {
	t, estimated = m.tokens, m.odd
	if !m.prompt {
		t.Prompt, estimated = prompt, true
	}
	if !m.completion || m.output > m.covered {
		// A count can be older than the text: of a stream that was cut, or of a server
		// that counts once, at its beginning.
		t.Completion, estimated = t.Completion+estimateTokens(m.output-m.covered), true
	}
	return t, estimated
}

// estimateTokens is the count for text when the provider gives none.
func estimateTokens(bytes int64) int64 { return (bytes + 3) / 4 }

// outputBytes is how much text a message or delta carries.
func outputBytes(message document.Node) int64 {
	n := int64(0)
	for _, name := range [...]string{"content", "refusal"} {
		n += textBytes(message.Get(name))
	}
	// Servers name it one way or the other; some send both, with the same text.
	n += max(textBytes(message.Get("reasoning_content")), textBytes(message.Get("reasoning")))
	for _, call := range message.Get("tool_calls").Elements() {
		n += callBytes(call.Get("function"))
	}
	return n + callBytes(message.Get("function_call"))
}

func textBytes(text document.Node) int64 {
	if text.Kind() != abi.KindString {
		return 0
	}
	return int64(text.Len())
}

func callBytes(function document.Node) int64 {
	return textBytes(function.Get("name")) + textBytes(function.Get("arguments"))
}
