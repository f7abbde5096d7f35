package engine

import (
	"context"
	"time"
)

// LimitStore keeps limits.
type LimitStore interface {
	// ListLimits returns all of them, by account, then creation, id.
	ListLimits(ctx context.Context) ([]Limit, error)
	GetLimit(ctx context.Context, accountID, id string) (Limit, error)
	CreateLimit(ctx context.Context, l Limit) error
	// UpdateLimit replaces every column but the key and CreatedAt.
	// ErrConflict when the stored UpdatedAt is no longer was (zero: do not check).
	UpdateLimit(ctx context.Context, l Limit, was time.Time) error
	// DeleteLimit deletes it with its buckets and leases.
	DeleteLimit(ctx context.Context, accountID, id string) error
}

// LimitBucketKey names one bucket of a limit.
type LimitBucketKey struct {
	AccountID string // whose limit it is
	LimitID   string
	Digest    [16]byte // of the values that it is split by
}

// LimitBucket is a bucket as a store knows it, and the version of its limit. A store that
// knows an older version carries the level over; one that knows a newer keeps to that.
type LimitBucket struct {
	LimitBucketKey
	Scope    string // the values that it is split by, for people
	Amount   int64  // each Window; 0 for concurrency
	WindowUS int64  // microseconds; 1 for concurrency
	Size     int64
	Version  int64 // rises with every change of the limit
	Resets   int64 // Limit.Resets
}

// LimitLeaseStore is where replicas that share a database share limits. A bucket that is
// not there yet is full. It does not raise the revision.
//
// now is the time by which levels rise and leases end; the zero time, which all but tests
// give, is the clock of the database.
type LimitLeaseStore interface {
	// ExchangeLimits settles what a replica has spent and leases it what it asks for, of all
	// claims in one transaction; it also says that the replica lives. The grants are in the
	// order of the claims. ErrConflict: the same bucket is claimed twice.
	ExchangeLimits(ctx context.Context, x LimitExchange, now time.Time) (LimitGrants, error)
	// TakeLimit takes n from a bucket that is not leased, in one statement where it is
	// admitted. n may be negative: it is given back.
	TakeLimit(ctx context.Context, b LimitBucket, n int64, now time.Time) (LimitTaken, error)
	// ReportLimits adds what a replica counted to what all replicas did, once for each
	// number of a report; it also says that the replica lives. It returns how many do.
	ReportLimits(ctx context.Context, r LimitReport, now time.Time) (replicas int, err error)
	// ListLimitCounts returns what all replicas counted, those buckets that refused most
	// first.
	ListLimitCounts(ctx context.Context, q LimitCountQuery, now time.Time) (LimitCounts, error)
	// LeaveLimits ends the replica and returns the leases that it has; what it spent must
	// have been settled.
	LeaveLimits(ctx context.Context, replica string) error
	// SweepLimits deletes what has not been used for long enough to be as good as new, at
	// most limit buckets, and replicas that are gone. It returns how many rows went.
	SweepLimits(ctx context.Context, now time.Time, limit int) (int64, error)
}

// LimitExchange is one replica's claims.
type LimitExchange struct {
	Replica string        // an id that no other process has or ever had
	TTL     time.Duration // how long the leases live
	Claims  []LimitClaim
}

// LimitClaim is about one bucket.
type LimitClaim struct {
	LimitBucket
	// Epoch is that of the lease that the replica has; 0: none.
	Epoch int64
	// Spent counts what the replica has ever spent of the bucket; Settled is the Spent that
	// the last answer confirmed. A lost answer is thereby not settled twice.
	Spent   int64
	Settled int64
	// Hold is how much it wants to have in hand after this. Keep is the part that it has out
	// and cannot do without, which it gets whatever the level: places of requests in flight.
	Hold int64
	Keep int64
	// Need is what must be granted to be of any use, when the level's wait is told; 0: 1.
	Need int64
}

// LimitGrants is the answer to an exchange.
type LimitGrants struct {
	Replicas int // that live, this one included
	// Late is how much of the call was over, at least, when the database's clock was read by which the
	// leases end: a wait for a lock is not taken from them.
	Late   time.Duration
	Grants []LimitGrant
}

// LimitGrant is what a replica has of a bucket after an exchange.
type LimitGrant struct {
	Epoch int64 // 0: no lease, for nothing is held
	Held  int64 // unspent as of LimitClaim.Spent
	Left  int64 // what is left in the store; may be negative
	// WaitUS is how long until Need is there, when Held is less; 0: now. MaxInt64: never.
	WaitUS int64
	// Fenced: the replica's lease had ended and was given to others, or it had none.
	Fenced bool
}

// LimitTaken is the answer of TakeLimit.
type LimitTaken struct {
	OK     bool
	Left   int64
	WaitUS int64 // when not OK
}

// LimitReport is what a replica counted since its last report.
type LimitReport struct {
	Replica string
	TTL     time.Duration // how long it is taken to live after this
	// Number rises by one with every report, from 1. One that was sent before has the same
	// number and counts, whether or not it arrived.
	Number int64
	Counts []LimitCount // of different buckets
}

// LimitCount is what was counted of one bucket.
type LimitCount struct {
	LimitBucket
	Kind LimitKind
	// OfAccount is the account whose requests the bucket counts; "": not those of one alone.
	OfAccount string
	// Admitted may be negative: requests that were not sent after all.
	Admitted int64
	Refused  int64
}

// LimitCountQuery says which buckets are meant.
type LimitCountQuery struct {
	OfAccount string     // "": of all
	Limits    []LimitRef // of these limits alone; nil: of all
	Most      int        // how many, at least 1
}

// LimitRef names a limit.
type LimitRef struct {
	AccountID string
	LimitID   string
}

// LimitCounts is what was counted, and how buckets stand.
type LimitCounts struct {
	Buckets []CountedLimit
	// Age is how long ago the replica made its last report that made it first, of those that
	// live: what is missing here was counted since then.
	Age time.Duration
	// NowUS is the store's time of Level.
	NowUS int64
	// Replicas that live.
	Replicas int
}

// CountedLimit is one bucket of LimitCounts.
type CountedLimit struct {
	LimitCount
	Level LimitLevel // in microseconds, as of Level.At; without what is held
	Held  int64      // by replicas
	InUse int64      // of it, places of requests in flight
}

// LimitLevelStore keeps the buckets of the one process that has the database to itself
// while it is down.
type LimitLevelStore interface {
	// ListLimitLevels returns all of them, by key.
	ListLimitLevels(ctx context.Context) ([]StoredLimitLevel, error)
	// SaveLimitLevels inserts or replaces rows.
	SaveLimitLevels(ctx context.Context, levels []StoredLimitLevel) error
	// SweepLimits is that of LimitLeaseStore.
	SweepLimits(ctx context.Context, now time.Time, limit int) (int64, error)
}

// StoredLimitLevel is a bucket's level: LimitLevel in microseconds, At since 1970.
type StoredLimitLevel struct {
	LimitBucket
	Level LimitLevel
}
