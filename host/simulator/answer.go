package simulator

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxEcho bounds how much of the last user message an answer repeats, in bytes.
const maxEcho = 200

// answer is what the model says, the same for the same request.
type answer struct {
	thought    string // empty: none is shown
	text       string
	calls      []call
	refusal    string // in place of text
	prompt     int    // tokens
	completion int    // tokens, thoughts and all choices with them
	reasoning  int    // tokens of the thoughts
	cached     int    // tokens of the prompt that were read from the cache
	written    int    // tokens of the prompt that were written to it
	choices    int    // how many times it is said; at least 1
	finish     string // stop, length, content_filter or tool_calls
	stop       string // the stop sequence that ended it
	logprobs   bool
}

// compose makes the answer to a question.
func (x *exchange) compose(q question) answer {
	last := bounded(q.last)
	words := x.s.cfg.Words
	if x.fault.Words > 0 {
		words = x.fault.Words
	}
	a := answer{prompt: max(tokens(q.bytes), 1), finish: "stop", calls: q.calls(), choices: min(max(q.choices, 1), 128)}
	if q.think {
		a.thought = "The simulated model thinks about what was written: " + last
	}
	switch {
	case x.fault.Refuse:
		a.refusal, a.calls = "I'm sorry, but I can't assist with that simulated request.", nil
	case len(a.calls) > 0:
		a.finish = "tool_calls"
		if q.preface && q.choice == "auto" {
			a.text = "I will call " + a.calls[0].name + "."
		}
	case q.format != nil:
		a.text = string(encode(instance(q.format)))
	case q.json:
		a.text = string(encode(fields{"answer", "This is a simulated answer of " + x.row.Model + "."}))
	default:
		a.text = fmt.Sprintf("This is a simulated answer of %s at %s. No model was asked, and nothing was billed.%s You wrote: %s", x.row.Model, x.provider, q.told(), last)
		if words > 0 {
			a.text = stretch(a.text, words)
		}
	}
	a.shorten(q)
	a.reasoning = tokens(len(a.thought))
	a.completion = a.choices * (tokens(len(a.text)+len(a.refusal)+a.argBytes()) + a.reasoning)
	a.reasoning *= a.choices
	if x.fault.Finish != "" {
		a.finish = x.fault.Finish
	}
	if q.cached != nil && q.marked > 0 {
		a.cached, a.written = x.s.cache(x.provider, x.row.Model, q)
	}
	return a
}

// shorten ends the answer at a stop sequence, or at the limit.
func (a *answer) shorten(q question) {
	for _, stop := range q.stops {
		if i := strings.Index(a.text, stop); i >= 0 && stop != "" {
			a.text, a.stop = a.text[:i], stop
		}
	}
	left := q.limit
	if left <= 0 {
		return
	}
	if tokens(len(a.thought)) > left {
		a.thought, a.text, a.calls = strings.ToValidUTF8(a.thought[:left*4], ""), "", nil
		a.finish, a.stop = "length", ""
	}
	left -= tokens(len(a.thought))
	if tokens(len(a.text)) > left {
		a.text = strings.ToValidUTF8(a.text[:left*4], "")
		a.finish, a.stop = "length", ""
	}
}

func (a answer) argBytes() int {
	n := 0
	for _, c := range a.calls {
		n += len(c.args)
	}
	return n
}

// size is how many bytes the answer says, thoughts and arguments too.
func (a answer) size() int {
	return a.choices * (len(a.thought) + len(a.text) + len(a.refusal) + a.argBytes())
}

// tokens is the size of a text of so many bytes: ⌈bytes/4⌉.
func tokens(bytes int) int { return (bytes + 3) / 4 }

// stretch returns the text with exactly n words.
func stretch(text string, n int) string {
	words := strings.Fields(text)
	for i := 1; len(words) < n; i++ {
		words = append(words, fmt.Sprintf("word%d", i))
	}
	return strings.Join(words[:n], " ")
}

// pieces cuts a text into n parts of about one length, never inside a character.
// Fewer when the text is too short; always one at least.
func (x *exchange) pieces(text string) []string {
	n := x.s.cfg.Chunks
	if x.fault.Chunks > 0 {
		n = x.fault.Chunks
	}
	var out []string
	for ; text != ""; n-- {
		cut := min(max((len(text)+n-1)/max(n, 1), 1), len(text))
		for cut < len(text) && !utf8.RuneStart(text[cut]) {
			cut++
		}
		out, text = append(out, text[:cut]), text[cut:]
	}
	if out == nil {
		return []string{""}
	}
	return out
}

// maxCached bounds how many prompts the caches remember.
const maxCached = 10_000

// cache returns how many tokens of the prompt are read from the provider's cache,
// and how many are written: a prompt is written once and read from then on.
func (s *Simulator) cache(provider, model string, q question) (read, written int) {
	at := provider + " " + model + " " + fingerprint(q.marked, encode(q.cached))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.caches[at] {
		return tokens(q.marked), 0
	}
	if len(s.caches) >= maxCached {
		clear(s.caches)
	}
	s.caches[at] = true
	return 0, tokens(q.marked)
}
