package row

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Decision returns the row in a form that every database takes. As with Usage, nothing is
// refused: one bad row must not keep the rest of its batch from being stored.
func Decision(d engine.DecisionRow) engine.DecisionRow {
	cleanDecision(&d)
	return d
}

func cleanDecision(d *engine.DecisionRow) {
	for _, part := range []*string{&d.AccountID, &d.RequestID} {
		*part = RequestID(*part)
	}
	for _, text := range []*string{
		&d.TeamID, &d.UserID, &d.KeyID, &d.SessionID, &d.Source, &d.Model, &d.Provider, &d.Variant, (*string)(&d.Code),
	} {
		*text = clean(*text)
	}
	d.At = inRange(d.At)
	if d.Data == nil {
		d.Data = []byte{}
	}
}

// DecisionBatch cleans rows, leaves out those whose key came before, and sorts them by key: two
// processes that add the same rows in different orders would wait for each other.
func DecisionBatch(rows []engine.DecisionRow) []engine.DecisionRow {
	return AppendDecisionBatch(make([]engine.DecisionRow, 0, len(rows)), rows)
}

// AppendDecisionBatch appends the batch that DecisionBatch returns to an empty list.
func AppendDecisionBatch(batch, rows []engine.DecisionRow) []engine.DecisionRow {
	order := make([]decisionKey, len(rows))
	for i := range rows {
		order[i] = decisionKey{RequestID(rows[i].AccountID), RequestID(rows[i].RequestID), inRange(rows[i].At).UnixMilli(), i}
	}
	slices.SortFunc(order, decisionKey.compare)
	batch = slices.Grow(batch, len(rows))
	for i, k := range order {
		if i > 0 && k.request == order[i-1].request && k.time == order[i-1].time && k.account == order[i-1].account {
			continue
		}
		batch = append(batch, rows[k.at])
		cleanDecision(&batch[len(batch)-1])
	}
	return batch
}

// decisionKey is a row's, and where the row is. Rows themselves are too long to be moved about.
type decisionKey struct {
	account, request string
	time             int64 // in milliseconds
	at               int
}

func (k decisionKey) compare(other decisionKey) int {
	if c := strings.Compare(k.account, other.account); c != 0 {
		return c
	}
	if c := cmp.Compare(k.time, other.time); c != 0 {
		return c
	}
	if c := strings.Compare(k.request, other.request); c != 0 {
		return c
	}
	return cmp.Compare(k.at, other.at)
}

// Decisions is a query for decisions as both databases take it.
type Decisions struct {
	engine.DecisionFilter
	KeyID, SessionID []byte
	BeforeID         []byte // of the request that the page goes on after
}

// lastTime is after every row's.
var lastTime = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// DecisionsOf reads a filter and the place where a page begins. ok is false when no row can be
// meant, because the database could not even hold what is asked for.
func DecisionsOf(f engine.DecisionFilter, after engine.DecisionMark) (q Decisions, ok bool) {
	for _, text := range []string{f.TeamID, f.UserID, f.KeyID, f.SessionID, f.Source, f.Model, string(f.Code), f.Variant, after.RequestID} {
		if !storable(text) {
			return q, false
		}
	}
	if !IsKey(f.AccountID) {
		return q, false
	}
	q = Decisions{DecisionFilter: f, KeyID: PackID(f.KeyID), SessionID: PackID(f.SessionID), BeforeID: PackID(after.RequestID)}
	switch {
	case !after.At.IsZero():
		q.To = after.At
	case q.To.IsZero():
		q.To = lastTime
	}
	q.From, q.To = inRange(q.From), inRange(q.To)
	return q, true
}

// CheckDecisionSettings says why they cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckDecisionSettings(s engine.DecisionSettings) error {
	var c check
	c.account(s.AccountID)
	if s.Share < 0 || s.Share > engine.WholeShare {
		c.refuse("share", "is not within 0 to 10,000")
	}
	if s.Days < 1 || s.Days > engine.MaxDecisionDays {
		c.refuse("days", "is not within 1 to 90")
	}
	c.text("updated_by", s.UpdatedBy)
	c.time("updated_at", s.UpdatedAt)
	return c.result()
}
