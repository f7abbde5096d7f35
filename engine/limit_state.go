package engine

import "time"

// LimitStanding is one limit that holds for a request.
type LimitStanding struct {
	Limit Limit
	// Left is what there is of it. It is not set where that depends on a target that was
	// not named.
	Left LimitLeft
}

// LimitStat is what became of one bucket of a limit, in all replicas.
type LimitStat struct {
	AccountID string // whose limit it is
	LimitID   string
	Kind      LimitKind
	Scope     string // the values that it is split by, as "account=acme user=bob"
	Limit     int64
	Used      int64 // of its size, now
	Remaining int64
	Admitted  int64 // since the bucket came into being, or was last unused for minutes
	Refused   int64
}

// LimitStats is what became of buckets.
type LimitStats struct {
	Buckets []LimitStat // those that refused most first
	// Replicas are those that the figures are of.
	Replicas int
	// Age is how old what other replicas said is at most; 0 where this is the only one.
	Age time.Duration
}

// LimitStatQuery says which buckets are meant.
type LimitStatQuery struct {
	// AccountID is the account whose requests they count; "": any's, and those of nobody alone.
	AccountID string
	// Keep says of which limits; nil: of all. It must not call the limiter.
	Keep func(Limit) bool
	Most int // how many; at least 1
}
