package engine

import (
	"context"
	"encoding/json"
	"time"
)

// AuditEntry is one change of the configuration: who did what to which row. Entries of an
// account form a chain: each carries the hash of the one before it, so that none can be
// changed, left out or put elsewhere without a trace.
type AuditEntry struct {
	AccountID string // whose row was changed; "": a global one
	Seq       int64  // 1, 2, 3… in its account; given by the store
	At        time.Time
	// Who did it. ActorAccount is not AccountID where a super admin reaches into another account.
	ActorAccount string
	ActorUser    string
	ActorKey     string // the key's id
	ActorRole    Role
	RequestID    string
	Action       string          // as "rule.update"
	Object       string          // as "rule/screenshot-analysis"
	Reason       string          // where one was asked for
	Detail       json.RawMessage // the row as it is now, or what the call said; never a secret; nil: nothing
	Previous     []byte          // SHA-256 of the entry before it; 32 zero bytes for the first
	Hash         []byte          // SHA-256 over Previous and the entry; given by the store
}

// MaxAuditDetail is the longest Detail that is kept, in bytes; of a longer one the log has
// {"bytes":…,"sha256":…}.
const MaxAuditDetail = 64 << 10

type auditKey struct{}

// WithAudit returns a context under which the next configuration write of a Store also
// appends the entry, in the same transaction: one cannot be kept without the other.
// The store gives Seq, Previous and Hash. An entry of the outer context is replaced.
func WithAudit(ctx context.Context, e AuditEntry) context.Context {
	return context.WithValue(ctx, auditKey{}, &e)
}

// AuditOf returns the entry of WithAudit, nil when there is none.
func AuditOf(ctx context.Context) *AuditEntry {
	e, _ := ctx.Value(auditKey{}).(*AuditEntry)
	return e
}

type actorKey struct{}

// Actor is who makes a change, as the server knows it.
type Actor struct {
	Principal Principal
	RequestID string
}

// WithActor returns a context that says on whose behalf a change is made.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns the actor of WithActor; zero when the gateway itself acts.
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// Audited is WithAudit for the actor of the context: what services call just before a
// write. detail is marshalled; it must hold no secret. An account of "" is a global row.
func Audited(ctx context.Context, at time.Time, accountID, action, object string, detail any) context.Context {
	a := ActorOf(ctx)
	e := AuditEntry{
		AccountID: accountID, At: at, ActorAccount: a.Principal.AccountID, ActorUser: a.Principal.UserID,
		ActorKey: a.Principal.KeyID, ActorRole: a.Principal.Role, RequestID: a.RequestID, Action: action, Object: object,
	}
	if detail != nil {
		// Plain data of ours: what cannot be marshalled is a defect that tests see as an empty detail.
		e.Detail, _ = json.Marshal(detail)
	}
	return WithAudit(ctx, e)
}

// AuditFilter narrows a list of entries. Empty members do not narrow, but AccountID does:
// "" is the chain of global rows.
type AuditFilter struct {
	AccountID string
	Action    string // exact, or a prefix that ends in "."
	Object    string
	ActorUser string
	From, To  time.Time // From ≤ At < To; zero: open
	Before    int64     // Seq: entries older than it; 0: the newest
	Limit     int       // 1–1,000; 0: 100
}
