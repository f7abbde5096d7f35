package row

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Mark returns where a list of sessions goes on. The zero value becomes what is later
// than every row.
func Mark(m engine.SessionMark) engine.SessionMark {
	if m.UpdatedAt.IsZero() {
		m.UpdatedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	m.UpdatedAt = Time(m.UpdatedAt)
	return m
}

// IsSession reports whether a row could have this key.
func IsSession(k engine.SessionKey) bool {
	var c check
	c.session("session_id", k)
	return c.err == nil
}

// IsSessionID is IsSession for the id alone, which may be empty where a list begins.
func IsSessionID(id string) bool { return len(id) <= engine.MaxSessionID && storable(id) }

// Session returns the row in a form that every database takes, as Usage does, or says why
// there is none: an *engine.Error with CodeInvalid. A key is never cleaned: it would become
// that of another session.
func Session(s engine.Session) (engine.Session, error) {
	var c check
	c.session("id", s.SessionKey)
	c.count("turns", s.Turns)
	c.time("created_at", s.CreatedAt)
	c.time("updated_at", s.UpdatedAt)
	c.time("expires_at", s.ExpiresAt)
	s.Model, s.Agent = clean(s.Model), clean(s.Agent)
	return s, c.result()
}

// Note is Session for a note.
func Note(n engine.Note) (engine.Note, error) {
	var c check
	c.session("session_id", n.SessionKey)
	c.key("id", n.ID)
	switch n.Type {
	case engine.NoteContext, engine.NoteHandoff, engine.NoteSummary, engine.NotePreference, engine.NoteError:
	default:
		c.refuse("type", "is not one of context, handoff, summary, preference, error")
	}
	if len(n.Text) > engine.MaxNoteText {
		c.refuse("text", "is longer than 16 KiB")
	}
	c.time("created_at", n.CreatedAt)
	c.time("expires_at", n.ExpiresAt)
	n.Text, n.Agent, n.Model = clean(n.Text), clean(n.Agent), clean(n.Model)
	return n, c.result()
}

// Handoff is Session for a handoff.
func Handoff(h engine.Handoff) (engine.Handoff, error) {
	var c check
	c.session("session_id", h.SessionKey)
	c.key("id", h.ID)
	switch h.Reason {
	case engine.HandoffRouting, engine.HandoffFailover, engine.HandoffAgent:
	default:
		c.refuse("reason", "is not one of routing, failover, agent")
	}
	c.count("notes", int64(h.Notes))
	c.time("created_at", h.CreatedAt)
	for _, text := range []*string{
		&h.RequestID, &h.FromAgent, &h.ToAgent, &h.FromModel, &h.ToModel, &h.Detail, &h.Summary,
	} {
		*text = clean(*text)
	}
	return h, c.result()
}

// session refuses what is no session's key. The id may be a byte longer than other parts.
func (c *check) session(member string, k engine.SessionKey) {
	c.key("account_id", k.AccountID)
	c.key("user_id", k.UserID)
	switch {
	case k.ID == "":
		c.refuse(member, "is empty")
	case len(k.ID) > engine.MaxSessionID:
		c.refuse(member, "is longer than 256 bytes")
	}
	c.text(member, k.ID)
}
