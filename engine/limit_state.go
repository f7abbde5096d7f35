package engine

// LimitStanding is one limit that holds for a request.
type LimitStanding struct {
	Limit Limit
	// Left is what there is of it. It is not set where that depends on a target that was
	// not named.
	Left LimitLeft
}

// LimitStat is what became of one bucket of a limit in this process.
type LimitStat struct {
	AccountID string // whose limit it is
	LimitID   string
	Kind      LimitKind
	Scope     string // the values that it is split by, as "account=acme user=bob"
	Limit     int64
	Used      int64 // of its size, now, as far as this process knows
	Remaining int64
	Admitted  int64 // since the bucket came into being
	Refused   int64
}
