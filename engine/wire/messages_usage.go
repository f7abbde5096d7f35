package wire

import (
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
)

// usage are the counts of Anthropic's usage object: input is what was neither read
// from nor written to a cache, where Chat's prompt_tokens are all of it.
type usage struct {
	input, read, write, write1h, output, thinking int64
}

func readUsage(n document.Node) usage {
	prompt, details := n.Get("prompt_tokens"), n.Get("prompt_tokens_details")
	u := usage{
		read:     tokens(details.Get("cached_tokens")),
		write:    tokens(details.Get("cache_write_tokens")),
		write1h:  tokens(details.Get("cache_write_1h_tokens")),
		output:   tokens(n.Get("completion_tokens")),
		thinking: tokens(n.Get("completion_tokens_details").Get("reasoning_tokens")),
	}
	u.input = max(tokens(prompt)-u.read-u.write-u.write1h, 0)
	return u
}

// tokens reads a count, as 0 when it makes no sense.
func tokens(n document.Node) int64 {
	const most = 1 << 40
	return min(max(n.Int(), 0), most)
}

func (u usage) append(dst []byte) []byte {
	member := func(before string, v int64) {
		dst = strconv.AppendInt(append(dst, before...), v, 10)
	}
	member(`{"input_tokens":`, u.input)
	member(`,"cache_creation_input_tokens":`, u.write+u.write1h)
	member(`,"cache_read_input_tokens":`, u.read)
	if u.write+u.write1h > 0 {
		member(`,"cache_creation":{"ephemeral_5m_input_tokens":`, u.write)
		member(`,"ephemeral_1h_input_tokens":`, u.write1h)
		dst = append(dst, '}')
	}
	member(`,"output_tokens":`, u.output)
	if u.thinking > 0 {
		member(`,"output_tokens_details":{"thinking_tokens":`, min(u.thinking, u.output))
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendInt appends a decimal number.
func appendInt(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(n), 10) }
