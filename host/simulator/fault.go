package simulator

import (
	"regexp"
	"strconv"
	"strings"
)

// Fault is how one answer goes wrong. The zero value of a member means that it
// does not. Faults are scripted (Script, POST /_simulator/faults), or written into
// the last user message: [[simulate provider=openai status=429 retry_after=2]].
// A piece is an event that carries text.
type Fault struct {
	Provider string `json:"provider,omitempty"` // openai, anthropic, google, raptor; empty: any
	Model    string `json:"model,omitempty"`    // upstream id; empty: any
	Count    int    `json:"count,omitempty"`    // how many requests of a script it holds for; 0: one, -1: all

	// Of a script alone.
	Of     string `json:"of,omitempty"`    // answers (default), lists: those of models, or all
	Key    string `json:"key,omitempty"`   // the credential that the request carries; empty: any
	Share  int    `json:"share,omitempty"` // percent of the requests that it would hold for, evenly spread; 0: all
	spread int    // what of Share the requests that were spared have added up

	Status     int    `json:"status,omitempty"`      // an error answer with this status, in the provider's words
	Kind       string `json:"kind,omitempty"`        // what the error says, of Status and Error: quota, rate_limit, overloaded, context_length, content_filter, server, too_large
	RetryAfter int    `json:"retry_after,omitempty"` // seconds, told in the provider's way
	RetryDate  int    `json:"retry_date,omitempty"`  // the same as a date, so many seconds from now; may be negative
	Body       string `json:"body,omitempty"`        // html, empty, array, error or truncated: a 200 with that instead of the answer
	Type       string `json:"type,omitempty"`        // another Content-Type of the answer
	Stall      string `json:"stall,omitempty"`       // headers: before them; a number: after so many pieces. Until Release
	Drop       bool   `json:"drop,omitempty"`        // close the connection without an answer
	Cut        int    `json:"cut,omitempty"`         // close it after so many pieces; in a plain answer, in the middle of the body
	Mode       string `json:"mode,omitempty"`        // of Drop and Cut: fin (default) or rst
	Malformed  int    `json:"malformed,omitempty"`   // broken JSON in place of the piece after so many
	Error      int    `json:"error,omitempty"`       // an error event after so many pieces, then the end
	Oversize   int    `json:"oversize,omitempty"`    // an event of so many bytes first
	NoUsage    bool   `json:"no_usage,omitempty"`    // leave the usage out
	NoEnd      bool   `json:"no_end,omitempty"`      // end the body without the terminal events
	Open       bool   `json:"open,omitempty"`        // keep the connection open after the last event
	Delay      int    `json:"delay,omitempty"`       // milliseconds before the headers
	Slow       int    `json:"slow,omitempty"`        // milliseconds before each piece but the first
	Chunks     int    `json:"chunks,omitempty"`      // pieces of the text
	Words      int    `json:"words,omitempty"`       // words of the text
	Finish     string `json:"finish,omitempty"`      // length or content_filter instead of stop
	Refuse     bool   `json:"refuse,omitempty"`      // the model refuses: Google blocks the prompt, the others say so
	Redacted   bool   `json:"redacted,omitempty"`    // Anthropic's thinking comes redacted
}

// Script adds faults for the next requests that match them. It copies them.
func (s *Simulator) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Scripted returns the scripted faults that are left.
func (s *Simulator) Scripted() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Fault{}, s.faults...)
}

// ClearScript forgets the scripted faults that are left.
func (s *Simulator) ClearScript() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault returns what is to go wrong with this request: scripted before written.
func (s *Simulator) fault(provider, model, key, text string) Fault {
	if f, ok := s.scripted(asked{provider: provider, model: model, key: key}); ok {
		return f
	}
	for _, m := range directive.FindAllStringSubmatch(text, 16) {
		if f := parseFault(m[1]); f.matches(provider, model) {
			return f
		}
	}
	return Fault{}
}

// asked is what a scripted fault is looked for by.
type asked struct {
	provider, model, key string
	list                 bool // of models
}

func (s *Simulator) scripted(a asked) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		f := &s.faults[i]
		if !f.holds(a) {
			continue
		}
		hit := *f
		if f.Count >= 0 {
			if f.Count--; f.Count <= 0 {
				s.faults = append(s.faults[:i], s.faults[i+1:]...)
			}
		}
		return hit, true
	}
	return Fault{}, false
}

// holds reports whether the fault is that of the request. A Share is counted.
func (f *Fault) holds(a asked) bool {
	if !f.matches(a.provider, a.model) || f.Key != "" && f.Key != a.key || f.Of != "all" && (f.Of == "lists") != a.list {
		return false
	}
	if f.Share <= 0 || f.Share >= 100 {
		return true
	}
	if f.spread += f.Share; f.spread < 100 {
		return false
	}
	f.spread -= 100
	return true
}

func (f Fault) matches(provider, model string) bool {
	return (f.Provider == "" || f.Provider == provider) && (f.Model == "" || f.Model == model)
}

var directive = regexp.MustCompile(`\[\[simulate ([^\[\]]{0,256})\]\]`)

// parseFault reads the words of a directive. Unknown words and numbers that are
// none are passed over: a prompt is not a program.
func parseFault(words string) Fault {
	var f Fault
	texts := map[string]*string{"provider": &f.Provider, "model": &f.Model, "kind": &f.Kind, "body": &f.Body, "type": &f.Type,
		"stall": &f.Stall, "mode": &f.Mode, "finish": &f.Finish}
	numbers := map[string]*int{"status": &f.Status, "retry_after": &f.RetryAfter, "retry_date": &f.RetryDate, "cut": &f.Cut,
		"malformed": &f.Malformed, "error": &f.Error, "oversize": &f.Oversize, "delay": &f.Delay, "slow": &f.Slow,
		"chunks": &f.Chunks, "words": &f.Words}
	flags := map[string]*bool{"no_usage": &f.NoUsage, "no_end": &f.NoEnd, "open": &f.Open, "drop": &f.Drop,
		"refuse": &f.Refuse, "redacted": &f.Redacted}
	for _, word := range strings.Fields(words) {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case texts[name] != nil:
			*texts[name] = value
		case numbers[name] != nil:
			if n, err := strconv.Atoi(value); err == nil {
				*numbers[name] = n
			}
		case flags[name] != nil:
			*flags[name] = value != "false"
		}
	}
	return f
}

// Bounds of what a fault may ask for. A prompt may ask for anything.
const (
	maxOversize   = 64 << 20
	maxChunks     = 10_000
	maxWords      = 100_000
	maxDelay      = 3_600_000
	maxRetryAfter = 1 << 40
)

// bounded returns f with every number inside its bounds.
func (f Fault) bounded() Fault {
	clamp := func(n *int, low, high int) { *n = min(max(*n, low), high) }
	clamp(&f.RetryAfter, 0, maxRetryAfter)
	clamp(&f.RetryDate, -maxRetryAfter>>10, maxRetryAfter>>10)
	clamp(&f.Cut, 0, maxChunks)
	clamp(&f.Malformed, 0, maxChunks)
	clamp(&f.Error, 0, maxChunks)
	clamp(&f.Oversize, 0, maxOversize)
	clamp(&f.Delay, 0, maxDelay)
	clamp(&f.Slow, 0, maxDelay)
	clamp(&f.Chunks, 0, maxChunks)
	clamp(&f.Words, 0, maxWords)
	if f.Status < 300 || f.Status > 599 {
		f.Status = 0
	}
	return f
}
