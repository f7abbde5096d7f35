package row

import (
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// MaxRows is the most that one list with a limit returns.
const MaxRows = 1000

// CheckListLimit says why a list of so many rows is refused: an *engine.Error
// with CodeInvalid, or nil.
func CheckListLimit(limit int) error {
	var c check
	if limit < 1 || limit > MaxRows {
		c.refuse("limit", "is not within 1 to 1,000")
	}
	return c.result()
}

// Usage returns the row in a form that every database takes. Some of its text
// came from outside, and one bad row must neither be lost nor keep the rest of its
// batch from being stored. So nothing is refused: what is not valid UTF-8 and every
// NUL become U+FFFD, a key part is cut to MaxKey, a time out of range becomes the
// nearest in it.
func Usage(u engine.Usage) engine.Usage {
	for _, part := range []*string{&u.AccountID, &u.ID, &u.RequestID} {
		*part = RequestID(*part)
	}
	for _, text := range []*string{
		&u.TeamID, &u.UserID, &u.KeyID, &u.SessionID, &u.ModelID, &u.ProviderID, &u.UpstreamID, &u.Source, &u.Decision,
		(*string)(&u.Outcome), (*string)(&u.Code),
	} {
		*text = clean(*text)
	}
	first, last := time.UnixMilli(-62135596800000), time.UnixMilli(253402300799999) // years 1 to 9999
	switch {
	case u.StartedAt.Before(first):
		u.StartedAt = first
	case u.StartedAt.After(last):
		u.StartedAt = last
	}
	u.StartedAt = Time(u.StartedAt)
	return u
}

// RequestID returns a request id as Usage stores it.
func RequestID(id string) string {
	id = clean(id)
	if len(id) > MaxKey {
		id = strings.ToValidUTF8(id[:MaxKey], "")
	}
	return id
}

func clean(s string) string {
	if storable(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
