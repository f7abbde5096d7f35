package engine

import (
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxTokens bounds what is believed of a provider's counters: no model has a
// window near it, and a sum of a few of them stays far inside an int64.
const maxTokens = 1 << 40

// readUsage reads an OpenAI usage object. ok is false when it holds no usable
// counts, so that they must be estimated. An explicit 0 is a count. Counters out
// of range are clamped, and parts never exceed their whole.
func readUsage(usage document.Node) (t Tokens, ok bool) {
	prompt, hasPrompt := counter(usage.Get("prompt_tokens"))
	completion, hasCompletion := counter(usage.Get("completion_tokens"))
	if !hasPrompt && !hasCompletion {
		return Tokens{}, false
	}
	t.Prompt, t.Completion = prompt, completion
	in := usage.Get("prompt_tokens_details")
	left := t.Prompt
	for _, part := range [...]struct {
		name string
		to   *int64
	}{{"cached_tokens", &t.Cached}, {"cache_write_tokens", &t.CacheWrite}, {"cache_write_1h_tokens", &t.CacheWrite1h}} {
		v, _ := counter(in.Get(part.name))
		*part.to = min(v, left)
		left -= *part.to
	}
	reasoning, _ := counter(usage.Get("completion_tokens_details").Get("reasoning_tokens"))
	t.Reasoning = min(reasoning, t.Completion)
	return t, true
}

func counter(n document.Node) (int64, bool) {
	if n.Kind() != abi.KindNumber {
		return 0, false
	}
	return min(max(n.Int(), 0), maxTokens), true
}

// estimateTokens is the count for text when the provider gives none: a token is
// about four bytes of UTF-8.
func estimateTokens(bytes int64) int64 { return (bytes + 3) / 4 }
