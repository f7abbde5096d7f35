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
	text       string
	prompt     int // tokens
	completion int // tokens
	finish     string
}

// compose makes the answer to a request whose last user message is last and whose
// texts have promptBytes together. limit is the most tokens it may have; 0 means no limit.
func (x *exchange) compose(last string, promptBytes, limit int) answer {
	last = strings.Join(strings.Fields(directive.ReplaceAllString(last, "")), " ")
	if len(last) > maxEcho {
		last = strings.ToValidUTF8(last[:maxEcho], "") + "…"
	}
	words := x.s.cfg.Words
	if x.fault.Words > 0 {
		words = x.fault.Words
	}
	a := answer{
		text:   fmt.Sprintf("This is a simulated answer of %s at %s. No model was asked, and nothing was billed. You wrote: %s", x.row.Model, x.provider, last),
		prompt: max(tokens(promptBytes), 1),
		finish: "stop",
	}
	if words > 0 {
		a.text = stretch(a.text, words)
	}
	a.completion = tokens(len(a.text))
	if limit > 0 && a.completion > limit {
		a.text = strings.ToValidUTF8(a.text[:limit*4], "")
		a.completion, a.finish = limit, "length"
	}
	if x.fault.Finish != "" {
		a.finish = x.fault.Finish
	}
	return a
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
