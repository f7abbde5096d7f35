package row

import (
	"strings"
	"time"
	"unicode"

	"github.com/pointsman/pointsman/engine"
)

// Sizes of an engine.Page.
const (
	pageSize    = 50
	maxPageSize = 200
)

// Span is what a query of a page asks for.
type Span struct {
	AfterAccount string // rows after this key
	AfterID      string
	Search       string // folded; a part of search_text
	Now          time.Time
	Size         int64
}

// ParsePage reads a page and its filter. ok is false when no row can be on it, because the
// database could not even hold what is asked for. A forged After is just a place in the list.
func ParsePage(f engine.TenantFilter, p engine.Page) (span Span, ok bool) {
	for _, text := range []string{f.AccountID, f.TeamID, f.UserID, string(f.Role), f.Search, p.After} {
		if !storable(text) {
			return Span{}, false
		}
	}
	span = Span{Search: Fold(f.Search), Now: Time(f.Now), Size: int64(p.Limit)}
	span.AfterAccount, span.AfterID, _ = strings.Cut(p.After, "/")
	if f.Now.IsZero() {
		span.Now = Time(time.Now())
	}
	if p.Limit == 0 {
		span.Size = pageSize
	}
	span.Size = min(max(span.Size, 1), maxPageSize)
	return span, true
}

// SearchText is what the search of a list looks into. No id and no search of a person
// holds the line feed, so that nothing matches across the two.
func SearchText(id, name string) string { return Fold(id + "\n" + name) }

// Fold makes texts that differ in letter case only the same: two folded texts are equal
// when strings.EqualFold says so of the texts.
// See ../RATIONALE.md, "Why is the text for searches folded in Go?".
func Fold(text string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII {
			return unicode.ToLower(r)
		}
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		if least < unicode.MaxASCII {
			return unicode.ToLower(least)
		}
		return least
	}, text)
}
