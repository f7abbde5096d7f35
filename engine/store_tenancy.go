package engine

import (
	"context"
	"time"
)

// HierarchyStore changes accounts, teams, users and keys, and reads them page by page.
// Deleting is an update that sets DeletedAt. Updates replace every column but the key
// and CreatedAt; they are ErrConflict when the stored UpdatedAt is no longer was (zero:
// do not check).
type HierarchyStore interface {
	// ListAccounts returns all accounts, deleted ones too, by id.
	ListAccounts(ctx context.Context) ([]Account, error)
	UpdateAccount(ctx context.Context, a Account, was time.Time) error
	// ListTeams returns all teams, deleted ones too, by account, then id.
	ListTeams(ctx context.Context) ([]Team, error)
	// GetTeam returns a team, also a deleted one.
	GetTeam(ctx context.Context, accountID, id string) (Team, error)
	CreateTeam(ctx context.Context, t Team) error
	UpdateTeam(ctx context.Context, t Team, was time.Time) error
	UpdateUser(ctx context.Context, u User, was time.Time) error
	// UpdateKey replaces Name, Scopes, ExpiresAt, RotatedTo and UpdatedAt.
	UpdateKey(ctx context.Context, k Key, was time.Time) error
	// RotateKey stores next and updates the key that it replaces, in one transaction.
	RotateKey(ctx context.Context, old, next Key, was time.Time) error

	// Pages are in the order of (account, id); After is "account/id" of the last row seen,
	// of accounts their id. Any other text is a place in that order too, and no error.
	PageAccounts(ctx context.Context, f TenantFilter, p Page) ([]Account, error)
	PageTeams(ctx context.Context, f TenantFilter, p Page) ([]Team, error)
	PageUsers(ctx context.Context, f TenantFilter, p Page) ([]User, error)
	// PageKeys filters TeamID and Role by the keys' users.
	PageKeys(ctx context.Context, f TenantFilter, p Page) ([]Key, error)
}

// PreferenceStore keeps preferences and the super admin's overrides of them.
type PreferenceStore interface {
	// ListPreferences returns all rows, by account, team, user, then overrides last.
	ListPreferences(ctx context.Context) ([]Preferences, error)
	// PutPreferences inserts or replaces the row of that tenant and kind, but keeps its CreatedAt.
	// ErrConflict when the stored UpdatedAt is no longer was, or the row is gone (zero: do not check).
	PutPreferences(ctx context.Context, p Preferences, was time.Time) error
	DeletePreferences(ctx context.Context, t Tenant, override bool) error
}

// AssignmentStore keeps task assignments.
type AssignmentStore interface {
	// ListAssignments returns all of them, by account, then priority falling, creation, id.
	ListAssignments(ctx context.Context) ([]Assignment, error)
	GetAssignment(ctx context.Context, accountID, id string) (Assignment, error)
	CreateAssignment(ctx context.Context, a Assignment) error
	// UpdateAssignment replaces every column but the key and CreatedAt.
	// ErrConflict when the stored UpdatedAt is no longer was (zero: do not check).
	UpdateAssignment(ctx context.Context, a Assignment, was time.Time) error
	DeleteAssignment(ctx context.Context, accountID, id string) error
}

// SessionStore keeps sessions, notes and handoffs. It does not raise the revision.
type SessionStore interface {
	// GetSession returns the session, or ErrNotFound, also when it has expired at now.
	GetSession(ctx context.Context, k SessionKey, now time.Time) (Session, error)
	// SaveSessions inserts or replaces rows. One whose stored Turns is higher is left as it
	// is, unless that had expired at the new one's UpdatedAt. A key of which no row can be
	// kept (empty, too long, a NUL) is CodeInvalid; other text is cleaned, here and below.
	SaveSessions(ctx context.Context, rows []Session) error
	// PageSessions returns live sessions, newest first (UpdatedAt, UserID, ID), of an account,
	// and of one user when userID is not empty; before is the last row seen.
	PageSessions(ctx context.Context, accountID, userID string, now time.Time, before SessionMark, limit int) ([]Session, error)
	// AddNotes stores new notes in one transaction; one whose id exists is left as it is.
	AddNotes(ctx context.Context, notes []Note) error
	// ListNotes returns the session's notes that live at now, newest first (by ID).
	ListNotes(ctx context.Context, k SessionKey, now time.Time, limit int) ([]Note, error)
	// CountNotes returns how many notes of all the user's sessions live at now.
	CountNotes(ctx context.Context, accountID, userID string, now time.Time) (int64, error)
	DeleteNote(ctx context.Context, k SessionKey, id string) error
	// AddHandoffs stores new rows in one transaction; one whose id exists is left as it is.
	AddHandoffs(ctx context.Context, handoffs []Handoff) error
	// ListHandoffs returns the session's handoffs, newest first (by ID).
	ListHandoffs(ctx context.Context, k SessionKey, limit int) ([]Handoff, error)
	// DeleteExpired deletes at most limit notes, and as many sessions, that have expired at
	// now, and handoffs older than NoteLifetime, and returns how many rows went.
	DeleteExpired(ctx context.Context, now time.Time, limit int) (deleted int64, err error)
}

// AuditStore reads the audit log. Entries are appended by configuration writes under a
// context of WithAudit: text that no database keeps is cleaned and Detail is made compact,
// and one beyond MaxAuditDetail is stored as its size and hash. Such a context without an
// Action, or with a Detail that is not JSON, makes the write CodeInvalid.
// CheckAudit verifies a chain.
type AuditStore interface {
	// ListAudit returns entries, newest first.
	ListAudit(ctx context.Context, f AuditFilter) ([]AuditEntry, error)
	// ReadAudit returns an account's entries after a Seq, oldest first, at most limit (1–1,000).
	ReadAudit(ctx context.Context, accountID string, after int64, limit int) ([]AuditEntry, error)
	// AuditedAccounts returns the accounts that have entries, "" for global rows.
	AuditedAccounts(ctx context.Context) ([]string, error)
	// GetAuditHead returns the end of an account's chain; its Seq is 0 when there is none.
	GetAuditHead(ctx context.Context, accountID string) (AuditHead, error)
	// AppendAudit appends the entry of WithAudit by itself, for an act that writes no row.
	// It does not raise the revision.
	AppendAudit(ctx context.Context) error
}

// JobLock elects one process among those that share a database.
type JobLock interface {
	// TryJob runs the job when no other process runs one of that name, and reports whether it
	// did. The lock ends with the job, the process or its connection.
	TryJob(ctx context.Context, name string, job func(context.Context) error) (ran bool, err error)
}
