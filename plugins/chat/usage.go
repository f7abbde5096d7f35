package chat

import (
	"strconv"

	"github.com/pointsman/pointsman/sdk"
)

// Usage is what a call used, in counters that do not overlap except where said.
// None is negative. The zero value, with Known false, means that the provider said nothing.
type Usage struct {
	Known        bool
	Uncached     int64 // input that was neither read from nor written to a cache
	CacheRead    int64
	CacheWrite   int64 // all cache writes
	CacheWrite1h int64 // those of CacheWrite that live an hour
	Output       int64 // reasoning included
	Reasoning    int64 // of Output
	ServerCalls  int64 // calls of tools that the provider ran itself
}

// emit writes the usage object. Its prompt_tokens are all input, cached or not;
// cache_write_tokens are the writes of five minutes or of unsaid duration.
func (u *Usage) emit() {
	prompt := u.prompt()
	hour := min(u.CacheWrite1h, u.CacheWrite)
	b := make([]byte, 0, 320)
	b = number(b, `{"prompt_tokens":`, prompt)
	b = number(b, `,"completion_tokens":`, u.Output)
	b = number(b, `,"total_tokens":`, prompt+u.Output)
	b = number(b, `,"prompt_tokens_details":{"cached_tokens":`, u.CacheRead)
	if u.CacheWrite > 0 {
		b = number(b, `,"cache_write_tokens":`, u.CacheWrite-hour)
		if hour > 0 {
			b = number(b, `,"cache_write_1h_tokens":`, hour)
		}
	}
	b = number(b, `},"completion_tokens_details":{"reasoning_tokens":`, min(u.Reasoning, u.Output))
	b = append(b, '}')
	if u.ServerCalls > 0 {
		b = number(b, `,"server_tool_calls":`, u.ServerCalls)
	}
	sdk.Emit(string(append(b, '}')))
}

func (u *Usage) prompt() int64 { return u.Uncached + u.CacheRead + u.CacheWrite }

func number(b []byte, name string, v int64) []byte {
	return strconv.AppendInt(append(b, name...), v, 10)
}
