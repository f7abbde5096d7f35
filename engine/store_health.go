package engine

import (
	"context"
	"time"
)

// HealthFeed is how processes that share a database tell each other of transitions. It does
// not raise the revision.
type HealthFeed interface {
	// AddHealthTransitions stores transitions in one transaction, gives them rising sequences
	// in the order given, and makes each its subject's last one; then it wakes whoever follows.
	// One whose id exists is left as it is, and so is a subject that has a later transition, or
	// a newer secret. Their times are kept to the microsecond.
	// It returns the sequence of the last one; Sequence of the arguments is not looked at.
	AddHealthTransitions(ctx context.Context, list []StoredTransition) (sequence int64, err error)
	// HealthTransitionsAfter returns the transitions after that sequence, rising, at most limit
	// (1–1,000). None comes later with a lower sequence than one that was returned.
	HealthTransitionsAfter(ctx context.Context, sequence int64, limit int) ([]StoredTransition, error)
	// HealthSequence returns the newest sequence, 0 when there was no transition.
	HealthSequence(ctx context.Context) (int64, error)
	// FollowHealth calls notify when there may be new transitions, until ctx ends, and returns
	// its error. On Postgres it hears of other processes while Watch runs; without it, and while
	// the connection is lost, it hears of none. notify must not block.
	FollowHealth(ctx context.Context, notify func()) error
}

// StoredTransition is a transition with who made it.
type StoredTransition struct {
	HealthTransition
	ID       string // made by the process; UUIDv7
	Sequence int64
	Replica  string // an id of the process
}

// HealthStore keeps what is known of subjects beyond the life of a process. It does not raise
// the revision.
type HealthStore interface {
	// SaveHealth inserts or replaces what was measured and what probes found; of a row the
	// parts that are nil stay, but for those of an older secret. One of a newer secret stays.
	SaveHealth(ctx context.Context, rows []StoredHealth) error
	// ListHealth returns every subject's row, by subject.
	ListHealth(ctx context.Context) ([]StoredHealth, error)
	// AddHealthCells adds to the stored cells: counts are added, of the others the worst stays.
	AddHealthCells(ctx context.Context, cells []StoredCell) error
	// ListHealthCells returns the cells that begin at from or later, by subject, then begin.
	// Their subjects have no Version.
	ListHealthCells(ctx context.Context, from time.Time) ([]StoredCell, error)
	// ListHealthTransitions returns a provider's newest transitions, newest first, at most limit
	// (1–1,000).
	ListHealthTransitions(ctx context.Context, accountID, providerID string, limit int) ([]StoredTransition, error)
	// DropHealth deletes transitions and rows older than before, and cells that began before cells.
	DropHealth(ctx context.Context, before, cells time.Time) error
}

// HealthRetention is how long transitions, and rows of what is no longer heard of, are kept.
const HealthRetention = 30 * 24 * time.Hour

// StoredHealth is a subject as the processes that share a database know it.
type StoredHealth struct {
	Subject    HealthSubject
	Sequence   int64               // of Transition
	Transition *HealthTransition   // the last one; nil: none. SaveHealth does not look at it.
	Measured   *HealthSubjectState // by the process that asked it last, without Cells; nil: nothing
	Check      *HealthCheck        // the last probe; nil: none
	At         time.Time           // of the last write
}

// HealthCheck is what the last probe of a subject found, and when the next one is.
type HealthCheck struct {
	At      time.Time // zero: there was none yet
	OK      bool
	Detail  string // why it is not OK; redacted
	Warning string // what it found that does not make the subject ill
	Paid    bool
	NextAt  time.Time
}

// StoredCell is a cell of a subject.
type StoredCell struct {
	Subject HealthSubject
	HealthCell
}

// HealthControlStore keeps what administrators decided of subjects.
type HealthControlStore interface {
	// ListHealthControls returns all of them, by subject.
	ListHealthControls(ctx context.Context) ([]HealthControl, error)
	// PutHealthControl inserts or replaces the row of that subject, but for what was spent; the
	// subject has no Version. ErrNotFound when there is no such provider; its deletion deletes
	// the row.
	PutHealthControl(ctx context.Context, c HealthControl) error
	// TakeHealthProbe adds to what paid probes of the subject have spent on that day, unless
	// that would be more than the cap, or they are not enabled: then not ok. A negative amount
	// is given back. It does not raise the revision.
	TakeHealthProbe(ctx context.Context, s HealthSubject, day string, nanoUSD int64) (ok bool, err error)
}

// HealthControl is what an administrator decided of a subject.
type HealthControl struct {
	Subject HealthSubject // without Version
	Switch  HealthSwitch
	Note    string    // the administrator's reason; ""
	Since   time.Time // of the switch; zero when it is on
	By      string    // id of the user who set it

	// Paid probes: one short call now and then, of a provider or a model there.
	PaidProbe       bool
	DailyCapNanoUSD int64         // at least 0
	Every           time.Duration // whole seconds; 0: the default
	SpentNanoUSD    int64         // on SpentOn
	SpentOn         string        // day, UTC, as 2006-01-02; "": never
	UpdatedAt       time.Time
}
