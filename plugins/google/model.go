package google

import (
	"strings"

	"github.com/pointsman/pointsman/sdk"
)

// model is what a model's id says of it (Google's model pages, November 2026).
type model struct {
	generation int  // 25 for gemini-2.5, 30 for gemini-3; 0 when the id does not say
	pro        bool // of the large ones, which cannot be kept from thinking
}

// newest is the generation that the "-latest" names stand for.
const newest = 35

// modelOf reads the upstream id, as "gemini-3.5-flash" or "gemini-flash-latest".
func modelOf(upstreamID sdk.Node) (m model) {
	id := upstreamID.Slice(0, len(path)).Text()
	rest, isGemini := strings.CutPrefix(id, "gemini-")
	if !isGemini {
		return m
	}
	m.pro = strings.Contains(rest, "pro-") || strings.HasSuffix(rest, "pro")
	switch {
	case rest != "" && rest[0] >= '1' && rest[0] <= '9' && (len(rest) == 1 || rest[1] == '.' || rest[1] == '-'):
		m.generation = int(rest[0]-'0') * 10
		if len(rest) > 2 && rest[1] == '.' && rest[2] >= '0' && rest[2] <= '9' {
			m.generation += int(rest[2] - '0')
		}
	case strings.HasSuffix(rest, "-latest"):
		m.generation = newest
	}
	return m
}

// signs reports whether the model wants its signatures back, takes media in a
// function's response and thinks in levels: from the third generation on.
func (m model) signs() bool { return m.generation >= 30 }

// budgets reports whether the model thinks by a number of tokens.
func (m model) budgets() bool { return m.generation >= 25 && m.generation < 30 }

// jsonSchema reports whether the model takes JSON Schema. Earlier ones know only a
// subset of OpenAPI's; of a model whose generation is unknown it is assumed.
func (m model) jsonSchema() bool { return m.generation == 0 || m.generation >= 25 }

// eitherOr reports whether the model refuses an answer as JSON beside tools.
func (m model) eitherOr() bool { return m.generation > 0 && m.generation < 30 }
