package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// row is what guards a stored row: which it is, and when it last changed.
type row struct {
	accountID, id string
	updated       time.Time
}

// etagOf changes with every write: the store keeps UpdatedAt by the millisecond, and two
// writes never share one.
func etagOf(updated time.Time) string {
	return `"` + strconv.FormatInt(updated.UnixMilli(), 10) + `"`
}

// matchedAt checks If-Match against a stored row; noun is what it is.
func matchedAt(m RuleMatch, noun, id string, updated time.Time) error {
	if m.IfMatch == "" || m.IfMatch == "*" {
		return nil
	}
	for tag := range strings.SplitSeq(m.IfMatch, ",") {
		if strings.TrimSpace(tag) == etagOf(updated) {
			return nil
		}
	}
	return failed(http.StatusPreconditionFailed, codePrecondition, "The "+noun+" '"+id+"' was changed since it had that ETag. Read it again.")
}

// changes returns which version of the row a change is meant for: the one that If-Match
// names, else whatever is stored (zero).
func changes(m RuleMatch, noun string, old row) (was time.Time, err error) {
	if err := matchedAt(m, noun, old.id, old.updated); err != nil {
		return time.Time{}, err
	}
	if m.IfMatch != "" && m.IfMatch != "*" {
		return old.updated, nil
	}
	return time.Time{}, nil
}

// replaces is changes for a whole row that was sent: its updated_at, if any, guards too,
// and it must not be another row.
func replaces(m RuleMatch, noun string, old, sent row) (was time.Time, err error) {
	switch {
	case sent.id != "" && sent.id != old.id:
		return was, invalid("id", "'id' cannot be changed: it is '"+old.id+"' in the path.")
	case sent.accountID != "" && sent.accountID != old.accountID:
		return was, invalid("account_id", "'account_id' cannot be changed.")
	}
	if was, err = changes(m, noun, old); err == nil && was.IsZero() {
		was = sent.updated
	}
	return was, err
}
