package row

import (
	"cmp"
	"math"
	"slices"
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

// CheckUsageQuery says why a page of rows is refused: an *engine.Error with CodeInvalid, or nil.
func CheckUsageQuery(q *engine.UsageQuery) error {
	var c check
	for _, text := range []struct{ member, value string }{
		{"team_id", q.TeamID}, {"user_id", q.UserID}, {"key_id", q.KeyID}, {"session_id", q.SessionID}, {"model_id", q.ModelID},
	} {
		c.text(text.member, text.value)
	}
	return cmp.Or(CheckListLimit(q.Limit), CheckRange(q.From, q.To), c.result())
}

// Usage returns the row in a form that every database takes. Some of its text
// came from outside, and one bad row must neither be lost nor keep the rest of its
// batch from being stored. So nothing is refused: what is not valid UTF-8 and every
// NUL become U+FFFD, a key part and what callers name are cut to MaxKey, a number or time out of
// range becomes the nearest in it.
func Usage(u engine.Usage) engine.Usage {
	cleanUsage(&u)
	return u
}

func cleanUsage(u *engine.Usage) {
	for _, part := range []*string{&u.AccountID, &u.ID, &u.RequestID, &u.Corrects, &u.TaskType} {
		*part = RequestID(*part)
	}
	for _, text := range []*string{
		&u.TeamID, &u.UserID, &u.KeyID, &u.SessionID, &u.ModelID, &u.ProviderID, &u.UpstreamID, &u.Source, &u.PriceOf,
		(*string)(&u.Kind), (*string)(&u.Outcome), (*string)(&u.Code),
	} {
		*text = clean(*text)
	}
	u.Attempt, u.Status = min(max(u.Attempt, 0), math.MaxInt16), min(max(u.Status, 0), math.MaxInt16)
	u.Images = max(u.Images, 0)
	u.StartedAt = inRange(u.StartedAt)
	if !u.PriceFrom.IsZero() {
		u.PriceFrom = inRange(u.PriceFrom)
	}
}

// UsageBatch cleans rows, leaves out those whose key came before, and sorts them by key: two
// processes that add the same rows in different orders would wait for each other. The rows that
// it is given stay as they are.
func UsageBatch(rows []engine.Usage) []engine.Usage {
	return AppendUsageBatch(make([]engine.Usage, 0, len(rows)), rows)
}

// AppendUsageBatch appends the batch that UsageBatch returns to an empty list.
func AppendUsageBatch(batch, rows []engine.Usage) []engine.Usage {
	order := make([]usageKey, len(rows))
	for i := range rows {
		order[i] = usageKey{RequestID(rows[i].AccountID), RequestID(rows[i].ID), i}
	}
	slices.SortFunc(order, usageKey.compare)
	batch = slices.Grow(batch, len(rows))
	for i := range order {
		if i > 0 && order[i].id == order[i-1].id && order[i].account == order[i-1].account {
			continue
		}
		batch = append(batch, rows[order[i].at])
		cleanUsage(&batch[len(batch)-1])
	}
	return batch
}

// usageKey is a row's, and where the row is. Rows themselves are too long to be moved about.
type usageKey struct {
	account, id string
	at          int
}

func (k usageKey) compare(other usageKey) int {
	if c := strings.Compare(k.account, other.account); c != 0 {
		return c
	}
	if c := strings.Compare(k.id, other.id); c != 0 {
		return c
	}
	return cmp.Compare(k.at, other.at)
}

// inRange returns the time, or the nearest in the years 1 to 9999, as rows hold it.
func inRange(t time.Time) time.Time {
	first, last := time.UnixMilli(-62135596800000), time.UnixMilli(253402300799999)
	switch {
	case t.Before(first):
		t = first
	case t.After(last):
		t = last
	}
	return Time(t)
}

// NumberOrNil is nil for 0.
func NumberOrNil(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// NumberOrZero is the inverse of NumberOrNil.
func NumberOrZero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
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
