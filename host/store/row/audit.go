package row

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// maxAuditText is the most of a reason or an object that an audit entry keeps, in bytes.
const maxAuditText = 1 << 10

// firstPrevious is what the first entry of a chain follows.
var firstPrevious = make([]byte, sha256.Size)

// AuditOf returns the entry that a write under this context appends, in a form that every
// database takes; nil when there is none. Who acts has no say in it, and a bad byte in a
// request id must not keep a change from being made: text is cleaned and cut, not refused.
// Errors: CodeInvalid for an entry that no caller of ours may make.
func AuditOf(ctx context.Context) (*engine.AuditEntry, error) {
	of := engine.AuditOf(ctx)
	if of == nil {
		return nil, nil
	}
	e := *of
	for _, id := range []*string{&e.ActorAccount, &e.ActorUser, &e.ActorKey, (*string)(&e.ActorRole), &e.RequestID} {
		*id = RequestID(*id)
	}
	for _, text := range []*string{&e.Action, &e.Object, &e.Reason} {
		*text = cut(clean(*text), maxAuditText)
	}
	var c check
	c.account(e.AccountID)
	c.time("at", e.At)
	if e.Action == "" {
		c.refuse("action", "is empty")
	}
	if len(e.Detail) > 0 && !json.Valid(e.Detail) {
		c.refuse("detail", "is not valid JSON")
	}
	if err := c.result(); err != nil {
		return nil, err
	}
	e.At = Time(e.At)
	e.Detail = auditDetail(e.Detail)
	return &e, nil
}

// auditDetail makes valid JSON compact, and nil of what says nothing.
func auditDetail(detail json.RawMessage) json.RawMessage {
	if len(detail) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(clean(string(detail)))); err != nil || b.String() == "null" {
		return nil
	}
	if b.Len() > engine.MaxAuditDetail {
		sum := sha256.Sum256(b.Bytes())
		return fmt.Appendf(nil, `{"bytes":%d,"sha256":"%s"}`, b.Len(), hex.EncodeToString(sum[:]))
	}
	return b.Bytes()
}

// Chain gives the entry its place after the one with that number and hash; 0 and nil when it
// is the first.
func Chain(e engine.AuditEntry, seq int64, hash []byte) engine.AuditEntry {
	e.Seq, e.Previous = seq+1, hash
	if seq == 0 {
		e.Previous = firstPrevious
	}
	e.Hash = engine.HashAudit(e.Previous, e)
	return e
}

// AuditSpan is what a query of a list of entries asks for.
type AuditSpan struct {
	Before       int64
	Since, Until time.Time
	Size         int64
}

// ParseAuditFilter reads a filter. ok is false when no entry can match it.
func ParseAuditFilter(f engine.AuditFilter) (span AuditSpan, ok bool) {
	if !IsKey(f.AccountID) || !storable(f.Action) || !storable(f.Object) || !storable(f.ActorUser) {
		return AuditSpan{}, false
	}
	first, end := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	span = AuditSpan{Before: f.Before, Since: first, Until: end, Size: AuditLimit(f.Limit)}
	if f.Before <= 0 {
		span.Before = math.MaxInt64
	}
	if f.From.After(first) {
		span.Since = ceiling(f.From)
	}
	if !f.To.IsZero() && f.To.Before(end) {
		span.Until = ceiling(f.To)
	}
	return span, true
}

// ceiling is Time rounded up: entries have whole milliseconds, so that From ≤ At and At < To
// mean the same with it.
func ceiling(t time.Time) time.Time {
	down := Time(t)
	if down.Equal(t) {
		return down
	}
	return down.Add(time.Millisecond)
}

// AuditLimit is how many entries a list has at most: 1 to MaxRows, 100 for 0.
func AuditLimit(limit int) int64 {
	if limit == 0 {
		return 100
	}
	return int64(min(max(limit, 1), MaxRows))
}

// cut shortens valid text to at most max bytes, at a character.
func cut(text string, max int) string {
	if len(text) > max {
		text = strings.ToValidUTF8(text[:max], "")
	}
	return text
}
