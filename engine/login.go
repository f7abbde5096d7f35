package engine

import (
	"context"
	"time"
)

// Login is a session of the dashboard: what stands in for a key in a browser. Its rights are
// those of the key that it was opened with, as they are now, and it ends with that key.
type Login struct {
	AccountID string // of the key
	ID        string
	KeyID     string
	Digest    []byte // SHA-256 of the secret that the browser has, 32 bytes
	CreatedAt time.Time
	SeenAt    time.Time // when it was last used, to the minute
	ExpiresAt time.Time // at the latest
}

// Bounds of a login.
const (
	LoginLifetime = 12 * time.Hour
	LoginIdle     = time.Hour // without a request
	MaxLogins     = 16        // of one key; the oldest makes room
)

// LiveLogin is a login and who it is.
type LiveLogin struct {
	Principal Principal
	// Secret is what the browser keeps. Only opening a login returns it.
	Secret string
	// CSRF is the token that shows that a request was made by a page that could read it.
	CSRF string
	// Secure says that it was opened over TLS, and may be used only so.
	Secure    bool
	ExpiresAt time.Time
}

// LoginStore keeps logins. None of its writes is configuration.
type LoginStore interface {
	// CreateLogin stores a new row and deletes what its key has beyond the MaxLogins newest.
	// ErrNotFound when there is no such key, ErrConflict for an id or digest that is taken.
	CreateLogin(ctx context.Context, l Login) error
	// FindLogin returns the login of that digest, whatever its account.
	FindLogin(ctx context.Context, digest []byte) (Login, error)
	// SeeLogin raises SeenAt; an earlier time changes nothing. ErrNotFound when it is gone.
	SeeLogin(ctx context.Context, accountID, id string, at time.Time) error
	DeleteLogin(ctx context.Context, accountID, id string) error
	// DropLogins deletes up to limit rows, at least 1, of those that expired at now or were not
	// seen since idle, and returns how many.
	DropLogins(ctx context.Context, now, idle time.Time, limit int) (int64, error)
}
