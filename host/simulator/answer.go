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

// compose makes the answer of a model to the texts of a request. limit is the most
// tokens it may have; 0 means no limit.
func compose(provider, model, last string, promptBytes, limit int, f Fault) answer {
	last = strings.Join(strings.Fields(directive.ReplaceAllString(last, "")), " ")
	if len(last) > maxEcho {
		last = strings.ToValidUTF8(last[:maxEcho], "") + "…"
	}
	a := answer{
		text:   fmt.Sprintf("This is a simulated answer of %s at %s. No model was asked, and nothing was billed. You wrote: %s", model, provider, last),
		prompt: max((promptBytes+3)/4, 1),
		finish: "stop",
	}
	a.completion = (len(a.text) + 3) / 4
	if limit > 0 && a.completion > limit {
		a.text = strings.ToValidUTF8(a.text[:limit*4], "")
		a.completion, a.finish = limit, "length"
	}
	if f.Finish != "" {
		a.finish = f.Finish
	}
	return a
}

// pieces cuts a text into n parts of about one length, never inside a character.
// Fewer when the text is too short.
func pieces(text string, n int) []string {
	var out []string
	for size := max((len(text)+n-1)/n, 1); text != ""; {
		cut := min(size, len(text))
		for cut < len(text) && !utf8.RuneStart(text[cut]) {
			cut++
		}
		out, text = append(out, text[:cut]), text[cut:]
	}
	return out
}
