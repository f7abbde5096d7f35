// Package cost is what the gateway knows of money: what attempts cost, what may still be
// spent, and the rows that say so.
//
// Read ledger.go first: every attempt's money passes through it. host/cost/spool keeps rows
// on the disk until the database has them. Prices are not here but in the catalogue, for
// the pipeline needs them without a service.
package cost

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
	"github.com/pointsman/pointsman/host/cost/spool"
)

// Ticket is money that is held. Nil: none is.
type Ticket = *budget.Hold

// Budgets bounds what may be spent, in one unit. Safe for concurrent use.
type Budgets interface {
	// Hold takes worst, in the unit, from every budget that applies to the attempt, or nothing.
	// Errors: CodeBudgetExceeded.
	Hold(ctx context.Context, u *engine.Usage, worst int64) (Ticket, error)
	// Spent is engine.Hold's.
	Spent(t Ticket, soFar int64) error
	// Settle ends the hold: used is what it came to, more or less than what was held.
	Settle(t Ticket, used int64)
	// Charge counts rows for which nothing was held.
	Charge(rows ...engine.Usage)
	// Left is engine.Spending's.
	Left(p engine.Principal) engine.BudgetLeft
}

// unbounded is no budgets at all.
type unbounded struct{}

func (unbounded) Hold(context.Context, *engine.Usage, int64) (Ticket, error) { return nil, nil }
func (unbounded) Spent(Ticket, int64) error                                  { return nil }
func (unbounded) Settle(Ticket, int64)                                       {}
func (unbounded) Charge(...engine.Usage)                                     {}
func (unbounded) Left(engine.Principal) engine.BudgetLeft                    { return engine.BudgetLeft{} }

// Config is what a Ledger is made of. Dir and Store are required.
type Config struct {
	Dir     string // where rows wait for the database; processes may share it, each takes a part
	Store   engine.UsageStore
	Budgets Budgets // nil: nothing bounds what is spent
	Tokens  Budgets // likewise, of tokens
	// Settled sees each row as it is settled, before the database has it. It must not wait.
	// May be nil.
	Settled func(u *engine.Usage)
	Log     zerolog.Logger
	// Failpoint is as in spool.Config.
	Failpoint func(point string)
}

// Ledger holds money for attempts and keeps their rows. It implements engine.Spending and
// engine.Ledger. Make one with Open and let Run write rows. Safe for concurrent use.
type Ledger struct {
	cfg   Config
	dir   string // the part that it took
	spool *spool.Spool
	holds sync.Pool // of *hold
}

var (
	_ engine.Spending = (*Ledger)(nil)
	_ engine.Ledger   = (*Ledger)(nil)
)

// retryAfterFull is what a caller is told to wait while the disk is full.
const retryAfterFull = 10 * time.Second

// maxSharing is how many processes may share one folder.
const maxSharing = 64

// Open takes a free part of the folder, and what an earlier process left in it.
func Open(cfg Config) (*Ledger, error) {
	if cfg.Budgets == nil {
		cfg.Budgets = unbounded{}
	}
	if cfg.Tokens == nil {
		cfg.Tokens = unbounded{}
	}
	if cfg.Settled == nil {
		cfg.Settled = func(*engine.Usage) {}
	}
	l := &Ledger{cfg: cfg}
	l.holds.New = func() any { return &hold{} }
	for i := range maxSharing {
		l.dir = filepath.Join(cfg.Dir, fmt.Sprintf("%02d", i))
		s, err := spool.Open(spool.Config{Dir: l.dir, Log: cfg.Log, Failpoint: cfg.Failpoint})
		if errors.Is(err, spool.ErrInUse) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l.spool = s
		return l, nil
	}
	return nil, fmt.Errorf("open usage spool: %d processes share %s already", maxSharing, cfg.Dir)
}

// hold is one reservation; it is used again after it is settled.
type hold struct {
	ledger *Ledger
	money  Ticket
	tokens Ticket
	token  spool.Token
	row    engine.Usage // as it is settled: here it costs no memory of its own
}

// Reserve implements engine.Spending: first the budgets, then the disk.
func (l *Ledger) Reserve(ctx context.Context, u *engine.Usage, worst engine.Spent) (engine.Hold, error) {
	money, err := l.cfg.Budgets.Hold(ctx, u, worst.NanoUSD)
	if err != nil {
		return nil, err
	}
	tokens, err := l.cfg.Tokens.Hold(ctx, u, worst.Tokens)
	if err != nil {
		l.cfg.Budgets.Settle(money, 0)
		return nil, err
	}
	token, err := l.spool.Reserve(u)
	if err != nil {
		l.cfg.Budgets.Settle(money, 0)
		l.cfg.Tokens.Settle(tokens, 0)
		return nil, &engine.Error{
			Code: engine.CodeNoTarget, Status: 503, After: retryAfterFull, Err: err,
			Message: "Usage cannot be written down now, so that no request is taken that costs. Try again later.",
		}
	}
	h := l.holds.Get().(*hold)
	*h = hold{ledger: l, money: money, tokens: tokens, token: token}
	return h, nil
}

// Spent implements engine.Hold.
func (h *hold) Spent(soFar engine.Spent) error {
	if h.money != nil {
		if err := h.ledger.cfg.Budgets.Spent(h.money, soFar.NanoUSD); err != nil {
			return err
		}
	}
	if h.tokens != nil {
		return h.ledger.cfg.Tokens.Spent(h.tokens, soFar.Tokens)
	}
	return nil
}

// Settle implements engine.Hold.
func (h *hold) Settle(u engine.Usage) {
	l := h.ledger
	if h.money != nil {
		l.cfg.Budgets.Settle(h.money, u.CostNanoUSD)
	}
	if h.tokens != nil {
		l.cfg.Tokens.Settle(h.tokens, u.Tokens.Total())
	}
	h.row = u
	l.cfg.Settled(&h.row)
	l.spool.Settle(h.token, &h.row)
	*h = hold{}
	l.holds.Put(h)
}

// Record implements engine.Ledger, for rows for which nothing was held.
func (l *Ledger) Record(u engine.Usage) {
	if u.CostNanoUSD != 0 || u.Tokens != (engine.Tokens{}) {
		l.cfg.Budgets.Charge(u)
		l.cfg.Tokens.Charge(u)
	}
	l.cfg.Settled(&u)
	l.spool.Settle(spool.Token{}, &u)
}

// Left implements engine.Spending.
func (l *Ledger) Left(p engine.Principal) engine.BudgetLeft { return l.cfg.Budgets.Left(p) }

// Run writes rows to the store until ctx ends, then what is left for at most 10 s; what
// the store does not take stays on the disk for the next start.
func (l *Ledger) Run(ctx context.Context) error { return l.spool.Run(ctx, l.cfg.Store.AddUsage) }

// Flush writes every row settled so far. Errors: the store's.
func (l *Ledger) Flush(ctx context.Context) error { return l.spool.Flush(ctx, l.cfg.Store.AddUsage) }

// Dir is the part of Config.Dir that no other process has while this one is open. Whoever
// has it takes over what its last holder left.
func (l *Ledger) Dir() string { return l.dir }

// Stats is how much waits for the database.
func (l *Ledger) Stats() spool.Stats { return l.spool.Stats() }

// Close ends the use of the folder, after Run.
func (l *Ledger) Close() error { return l.spool.Close() }
