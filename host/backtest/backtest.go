// Package backtest asks what other rules would have made of past requests: it decides again
// on what is recorded of them, calls no provider, and adds up what would have changed.
//
// Read Service.Run first, then tally.go.
package backtest

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Records are the decisions that were kept; every engine.Store has them.
type Records interface {
	// ScanDecisions is as in engine.DecisionStore.
	ScanDecisions(ctx context.Context, accountID string, from, to time.Time, each func([]engine.DecisionRow) error) error
}

// Planner decides again; *engine.Pipeline is one.
type Planner interface {
	Replan(ctx context.Context, r *engine.Request, d engine.Decider, was []engine.Skip) (engine.Replanned, error)
}

// Vocabulary knows which phrases were looked for by past versions of rules.
type Vocabulary interface {
	// Known returns a func that reports whether the rules of that account, in these versions, had
	// the phrase; nil when they are not kept any more. ownOnly leaves the global ones out.
	Known(ctx context.Context, accountID string, ref engine.RuleSetRef, ownOnly bool) (func(phrase string) bool, error)
}

// Config is what a Service is made of; every member but Busy is required.
type Config struct {
	Records    Records
	Drafter    engine.Drafter
	Planner    Planner
	Vocabulary Vocabulary
	Catalogue  func() *engine.Catalogue
	// Busy reports whether requests are under way: then a backtest leaves them more of the
	// processor. Nil: never.
	Busy func() bool
}

// Service runs backtests, one at a time. Make one with New. Safe for concurrent use.
type Service struct {
	cfg     Config
	running chan struct{} // 1 slot
}

// New returns a service that runs nothing yet.
func New(cfg Config) *Service {
	if cfg.Busy == nil {
		cfg.Busy = func() bool { return false }
	}
	return &Service{cfg: cfg, running: make(chan struct{}, 1)}
}

// ErrBusy is Run's when another backtest runs in this process.
var ErrBusy = errors.New("a backtest is running")

// Run decides again on the query's records and returns what would have changed. progress is
// called now and then with what there is so far; it may be nil. It runs on one goroutine, so
// that it takes at most one of the processors, and pauses while requests are under way.
// Errors: ErrBusy, those of Drafter.Draft, ctx's, the store's.
func (s *Service) Run(ctx context.Context, q engine.BacktestQuery, progress func(scanned int64)) (engine.Backtest, error) {
	select {
	case s.running <- struct{}{}:
		defer func() { <-s.running }()
	default:
		return engine.Backtest{}, ErrBusy
	}
	draft, err := s.cfg.Drafter.Draft(q.AccountID, q.Draft)
	if err != nil {
		return engine.Backtest{}, err
	}
	if q.Limit <= 0 || q.Limit > engine.MaxBacktest {
		q.Limit = engine.MaxBacktest
	}
	x := run{s: s, draft: draft, catalogue: s.cfg.Catalogue(), known: map[vocabularyKey]func(string) bool{}, tally: newTally()}
	err = s.cfg.Records.ScanDecisions(ctx, q.AccountID, q.From, q.To, func(batch []engine.DecisionRow) error {
		if left := int64(q.Limit) - x.tally.Scanned; int64(len(batch)) > left {
			batch, x.tally.Cut = batch[:left], true
		}
		if err := x.batch(ctx, batch); err != nil {
			return err
		}
		if progress != nil {
			progress(x.tally.Scanned)
		}
		if x.tally.Cut {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return engine.Backtest{}, err
	}
	return x.tally.report(), nil
}

var errEnough = errors.New("enough")

// run is one backtest.
type run struct {
	s         *Service
	draft     engine.DraftRules
	catalogue *engine.Catalogue
	known     map[vocabularyKey]func(string) bool
	tally     *tally
}

type vocabularyKey struct {
	account string
	ref     engine.RuleSetRef
	ownOnly bool
}

// stretch is how many records are decided upon between two looks at the live traffic.
const stretch = 64

func (x *run) batch(ctx context.Context, batch []engine.DecisionRow) error {
	for len(batch) > 0 {
		n := min(stretch, len(batch))
		began := time.Now()
		for i := range batch[:n] {
			if err := x.record(ctx, &batch[i]); err != nil {
				return err
			}
		}
		batch = batch[n:]
		if err := ctx.Err(); err != nil {
			return err
		}
		runtime.Gosched()
		if x.s.cfg.Busy() {
			// As long as it worked: a quarter of two processors is what live traffic feels at most.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Since(began)):
			}
		}
	}
	return nil
}

// record decides again on one record.
func (x *run) record(ctx context.Context, row *engine.DecisionRow) error {
	x.tally.Scanned++
	d, err := row.Decode()
	if err != nil {
		x.tally.Undecided++ // nothing is known of it
		return nil
	}
	account := d.Inputs.Principal.AccountID
	known, err := x.vocabulary(ctx, vocabularyKey{account, d.Rules, d.Inputs.OwnOnly})
	if err != nil {
		return err
	}
	r, err := d.Inputs.Replay(x.catalogue.Models(account), known)
	if err != nil {
		x.tally.Undecided++
		return nil
	}
	defer d.Inputs.Forget(r)
	now, err := x.s.cfg.Planner.Replan(ctx, r, x.draft, d.Skips)
	switch {
	case engine.IsUndecided(err):
		x.tally.Undecided++
		return nil
	case err != nil:
		return err
	}
	x.tally.add(x.catalogue, &d, now)
	return nil
}

func (x *run) vocabulary(ctx context.Context, k vocabularyKey) (func(string) bool, error) {
	if known, ok := x.known[k]; ok {
		return known, nil
	}
	known, err := x.s.cfg.Vocabulary.Known(ctx, k.account, k.ref, k.ownOnly)
	if err == nil {
		x.known[k] = known
	}
	return known, err
}
