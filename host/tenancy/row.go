package tenancy

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
)

const (
	maxName = 128 // characters
	maxID   = 64  // bytes
)

// How many rows an account may have, deleted and revoked ones too: they are kept for the
// ledger, and every process holds all of them in memory.
const (
	MaxTeams = 1_000
	MaxUsers = 10_000
	MaxKeys  = 20_000
)

func invalid(param, message string) *engine.Error {
	return &engine.Error{Code: engine.CodeInvalid, Param: param, Message: message}
}

func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return invalid("name", "'name' must not be empty.")
	case !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName:
		return invalid("name", fmt.Sprintf("'name' must be at most %d characters of text.", maxName))
	case strings.ContainsFunc(name, unicode.IsControl):
		return invalid("name", "'name' must not hold control characters.")
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }):
		// They would let a name look like another one wherever it is shown.
		return invalid("name", "'name' must not hold characters that turn the direction of writing.")
	}
	return nil
}

// newID is the id of a new row: the one asked for, else one made of the name.
func newID(id, name string) (string, error) {
	if id == "" {
		if id = slugOf(name); id == "" {
			return "", invalid("id", "'id' is required: none can be made of that name.")
		}
	}
	if len(id) > maxID || slugOf(id) != id {
		return "", invalid("id", "'id' must be 1 to 64 of a-z, 0-9 and single hyphens between them.")
	}
	return id, nil
}

// slugOf keeps lower-case letters and digits, with single hyphens for everything between.
func slugOf(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() > maxID {
			break
		}
	}
	return strings.TrimSuffix(b.String()[:min(b.Len(), maxID)], "-")
}

// stamp is the time of a change: by the millisecond, and later than the one before, so that
// a caller who has seen that one is noticed.
func stamp(now, before time.Time) time.Time {
	if !now.After(before) {
		return before.Add(time.Millisecond)
	}
	return now
}

// since keeps a time that was set before, and makes a new one the time of the change.
func since(old, wanted, now time.Time) time.Time {
	if wanted.IsZero() || !old.IsZero() && wanted.Equal(old) {
		return wanted
	}
	if !old.IsZero() {
		return old
	}
	return now
}

// at is nil for the zero time, for the audit log.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
