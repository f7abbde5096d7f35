package anthropic

import (
	"strings"
	"unsafe"

	"github.com/pointsman/pointsman/plugins/chat"
)

// generation is what a model knows of thinking and of formats (API reference,
// November 2026). An id that is not known here is taken for one of the newest.
type generation uint8

const (
	gen3   generation = iota // no thinking, no format
	gen4                     // a budget of thinking tokens; no format
	gen45                    // a budget; formats
	newest                   // thinks as it sees fit, by an effort; formats
)

// family is what the beginning of an id says about a model.
type family struct {
	prefix string
	generation
	// place: a system message may stand after a turn, where it was said. Told by
	// Anthropic of Opus 4.8 and later ones (May 2026).
	place bool
	// fixed: temperature, top_p and top_k are refused unless they are the default.
	fixed bool
	// quiet: thinking can be turned off, and has to be told to be.
	quiet bool
}

// families are looked through in order. What a target lists as unsupported is left
// out before they are asked.
var families = [...]family{
	{"claude-opus-4-5", gen45, false, false, false},
	{"claude-sonnet-4-5", gen45, false, false, false},
	{"claude-haiku-4-5", gen45, false, false, false},
	{"claude-opus-4-6", newest, false, false, true},
	{"claude-sonnet-4-6", newest, false, false, true},
	{"claude-opus-4-7", newest, false, true, true},
	{"claude-opus-4-8", newest, true, true, true},
	{"claude-opus-4", gen4, false, false, false},
	{"claude-sonnet-4", gen4, false, false, false},
	{"claude-3-7", gen4, false, false, false},
	{"claude-3", gen3, false, false, false},
	{"claude-2", gen3, false, false, false},
	{"claude-instant", gen3, false, false, false},
	{"claude-opus-", newest, true, true, true},
	{"claude-sonnet-", newest, false, false, true},
	{"claude-haiku-", newest, false, false, true},
	{"claude-fable-", newest, false, true, false},
	{"claude-mythos-", newest, false, true, false},
}

// modelID receives the target's id, which is only looked at while the call runs.
var modelID [96]byte

// familyOf reads the target's id, which others may write with a prefix and with dots,
// as "anthropic/claude-opus-4.5".
func familyOf(r *chat.Request) (f family, id string) {
	b := chat.Beginning(r.UpstreamID, modelID[:])
	id = unsafe.String(unsafe.SliceData(b), len(b))
	f.generation = newest
	const maker = "claude-"
	at := len(id) - len(maker)
	for at >= 0 && (id[at] != maker[0] || !strings.HasPrefix(id[at:], maker)) {
		at--
	}
	if at >= 0 {
		name := strings.ReplaceAll(id[at:], ".", "-")
		for i := range families {
			if strings.HasPrefix(name, families[i].prefix) {
				f = families[i]
				break
			}
		}
	}
	if f.generation > gen4 && (r.Rejects("output_config") || lacks("output_config")) {
		f.generation = gen4 // a server that speaks this wire for models of its own
	}
	return f, id
}
