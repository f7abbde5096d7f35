package engine

import "time"

// SessionKey names a session: the id that callers send is theirs alone, so two users may
// use the same one. It can be compared, and is a key of maps.
type SessionKey struct {
	AccountID string
	UserID    string
	ID        string
}

// Session is a conversation as the gateway knows it: its turns and who served the last.
type Session struct {
	SessionKey
	Turns     int64  // answered so far
	Model     string // catalogue id that served the last turn
	Agent     string // that asked for it
	CreatedAt time.Time
	UpdatedAt time.Time
	ExpiresAt time.Time // forgotten then; each turn puts it off
}

// SessionMark is a place in a list of sessions. The zero value is before the newest.
type SessionMark struct {
	UpdatedAt time.Time
	UserID    string
	ID        string
}

// NoteType is what a session note is about.
type NoteType string

// Types of notes.
const (
	NoteContext    NoteType = "context"
	NoteHandoff    NoteType = "handoff"
	NoteSummary    NoteType = "summary"
	NotePreference NoteType = "preference"
	NoteError      NoteType = "error"
)

// Bounds of sessions.
const (
	NoteLifetime   = 7 * 24 * time.Hour
	MaxNoteText    = 16 << 10 // bytes
	MaxSessionID   = 256      // bytes
	HandoffTokens  = 4_000    // of the block of notes that the next model gets
	SummaryLetters = 500      // code points of an exchange that stands for a summary
)

// Note is something that the next model of a session should know.
type Note struct {
	SessionKey
	ID        string // UUIDv7: ids sort by time
	Type      NoteType
	Text      string
	Agent     string // who wrote it; "": the gateway
	Model     string // catalogue id that it is about; may be empty
	CreatedAt time.Time
	ExpiresAt time.Time
}

// HandoffReason is why a session went to another model.
type HandoffReason string

// Reasons.
const (
	HandoffRouting  HandoffReason = "routing"  // the rules, an assignment or the caller chose another
	HandoffFailover HandoffReason = "failover" // the chosen one could not serve
	HandoffAgent    HandoffReason = "agent"    // another agent goes on with the session
)

// Handoff is one change of model or agent in a session.
type Handoff struct {
	SessionKey
	ID        string // UUIDv7
	RequestID string
	FromAgent string
	ToAgent   string
	FromModel string
	ToModel   string
	Reason    HandoffReason
	Detail    string // the rule, or the failure; safe to show
	Summary   string // of the context: the newest summary note, else the last exchange, cut
	Notes     int    // how many live notes the next model was given
	CreatedAt time.Time
}
