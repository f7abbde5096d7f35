package row

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// CheckSubject says why rows of a subject cannot be stored: an *engine.Error with CodeInvalid,
// or nil.
func CheckSubject(s engine.HealthSubject) error {
	var c check
	c.subject(s)
	return c.result()
}

func (c *check) subject(s engine.HealthSubject) {
	c.account(s.AccountID)
	c.key("provider_id", s.ProviderID)
	if s.UpstreamID != "" {
		c.key("upstream_id", s.UpstreamID)
	}
	if s.Credential != "" {
		c.key("credential_id", s.Credential)
	}
	if s.UpstreamID != "" && s.Credential != "" {
		c.refuse("credential_id", "is that of a model")
	}
	c.count("version", s.Version)
}

// CheckTransition says why a transition cannot be stored: an *engine.Error with CodeInvalid,
// or nil.
func CheckTransition(t engine.StoredTransition) error {
	var c check
	c.subject(t.Subject)
	c.key("id", t.ID)
	c.key("replica", t.Replica)
	c.time("at", t.At)
	c.time("until", t.Until)
	return c.result()
}

// CheckHealth does the same for what was measured.
func CheckHealth(h engine.StoredHealth) error {
	var c check
	c.subject(h.Subject)
	c.time("at", h.At)
	return c.result()
}

// CheckCell does the same for a cell.
func CheckCell(h engine.StoredCell) error {
	var c check
	c.subject(h.Subject)
	c.time("at", h.At)
	c.count("attempts", h.Attempts)
	c.count("failures", h.Failures)
	c.count("fallbacks", h.Fallbacks)
	return c.result()
}

// CheckControl does the same for what an administrator decided.
func CheckControl(h engine.HealthControl) error {
	var c check
	c.subject(h.Subject)
	if h.Subject.Version != 0 {
		c.refuse("version", "is set")
	}
	if !slices.Contains([]engine.HealthSwitch{engine.HealthOn, engine.HealthDrained, engine.HealthDisabled}, h.Switch) {
		c.refuse("switch", "is not known")
	}
	c.text("note", h.Note)
	c.text("by", h.By)
	c.count("daily_cap", h.DailyCapNanoUSD)
	c.count("every", int64(h.Every))
	c.time("updated_at", h.UpdatedAt)
	return c.result()
}

// Transition writes what happened; text that no database keeps is cleaned.
func Transition(t engine.HealthTransition) []byte {
	t.At, t.Until = t.At.UTC().Truncate(time.Microsecond), t.Until.UTC().Truncate(time.Microsecond)
	t.Evidence.Detail = clean(t.Evidence.Detail)
	t.Reason, t.From, t.To = engine.HealthReason(clean(string(t.Reason))), engine.HealthStatus(clean(string(t.From))), engine.HealthStatus(clean(string(t.To)))
	return Object(t)
}

// Measured writes what was measured, without cells; nil is nil.
func Measured(m *engine.HealthSubjectState) []byte {
	if m == nil {
		return nil
	}
	kept := *m
	kept.Cells = nil
	for _, text := range []*string{&kept.Why, &kept.LastError, &kept.Warning} {
		*text = clean(*text)
	}
	return Object(kept)
}

// Checked writes what a probe found; nil is nil.
func Checked(h *engine.HealthCheck) []byte {
	if h == nil {
		return nil
	}
	kept := *h
	kept.Detail, kept.Warning = clean(kept.Detail), clean(kept.Warning)
	return Object(kept)
}

// ParseHealth puts a subject's row together from what the functions above wrote.
func ParseHealth(h engine.StoredHealth, transition, measured, checked []byte) (engine.StoredHealth, error) {
	var err error
	if h.Transition, err = parsePart[engine.HealthTransition](transition, err); h.Transition != nil {
		h.Transition.Subject = h.Subject
	}
	if h.Measured, err = parsePart[engine.HealthSubjectState](measured, err); h.Measured != nil {
		h.Measured.Subject = h.Subject
	}
	h.Check, err = parsePart[engine.HealthCheck](checked, err)
	return h, err
}

func parsePart[T any](text []byte, err error) (*T, error) {
	if err != nil || len(text) == 0 {
		return nil, err
	}
	v, err := ParseObject[T](text)
	return &v, err
}

// Worst writes a status so that a worse one is higher.
func Worst(s engine.HealthStatus) int64 { return int64(max(slices.Index(statuses, s), 0)) }

// ParseWorst reads what Worst wrote.
func ParseWorst(n int64) engine.HealthStatus { return statuses[min(max(n, 0), int64(len(statuses)-1))] }

var statuses = []engine.HealthStatus{"", engine.HealthHealthy, engine.HealthDegraded, engine.HealthDown}

// OrderHealth sorts rows by subject: two processes that write the same rows in different
// orders would wait for each other.
func OrderHealth[R any](rows []R, of func(R) engine.HealthSubject) []R {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(x, y R) int {
		a, b := of(x), of(y)
		return cmp.Or(strings.Compare(a.AccountID, b.AccountID), strings.Compare(a.ProviderID, b.ProviderID),
			strings.Compare(a.UpstreamID, b.UpstreamID), strings.Compare(a.Credential, b.Credential))
	})
	return sorted
}
