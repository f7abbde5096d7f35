package chat

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
	AudioInput   int64 // of the input
	AudioOutput  int64 // of Output
}

// write writes the usage object. Its prompt_tokens are all input, cached or not;
// cache_write_tokens are the writes of five minutes or of unsaid duration.
func (u *Usage) write(w *Writer) {
	number(w, `{"prompt_tokens":`, u.prompt())
	number(w, `,"completion_tokens":`, u.Output)
	number(w, `,"total_tokens":`, u.prompt()+u.Output)
	u.writeInput(w)
	number(w, `,"completion_tokens_details":{"reasoning_tokens":`, min(u.Reasoning, u.Output))
	if u.AudioOutput > 0 {
		number(w, `,"audio_tokens":`, min(u.AudioOutput, u.Output))
	}
	w.Emit(`}`)
	if u.ServerCalls > 0 {
		number(w, `,"server_tool_calls":`, u.ServerCalls)
	}
	w.Emit(`}`)
}

// writeInput writes what kinds of tokens the input was.
func (u *Usage) writeInput(w *Writer) {
	hour := min(u.CacheWrite1h, u.CacheWrite)
	number(w, `,"prompt_tokens_details":{"cached_tokens":`, u.CacheRead)
	if u.CacheWrite > 0 {
		number(w, `,"cache_write_tokens":`, u.CacheWrite-hour)
		if hour > 0 {
			number(w, `,"cache_write_1h_tokens":`, hour)
		}
	}
	if u.AudioInput > 0 {
		number(w, `,"audio_tokens":`, min(u.AudioInput, u.prompt()))
	}
	w.Emit(`}`)
}

func (u *Usage) prompt() int64 { return u.Uncached + u.CacheRead + u.CacheWrite }

func number(w *Writer, name string, v int64) {
	w.Emit(name)
	w.Int(v)
}
