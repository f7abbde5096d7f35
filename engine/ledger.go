package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// UsageLedger is a Ledger that writes rows to a store in batches, in the background.
// Make one with NewUsageLedger. Safe for concurrent use.
type UsageLedger struct {
	store UsageStore
	every time.Duration
	log   zerolog.Logger
	wake  chan struct{} // buffered 1, never closed

	flushing chan struct{} // 1 slot: one flush at a time, without a lock held over a query

	mu      sync.Mutex
	pending []Usage
}

var _ Ledger = (*UsageLedger)(nil)

const (
	ledgerBatch        = 500
	ledgerFlushTimeout = 10 * time.Second
	ledgerMaxRetry     = 5 * time.Second
)

// NewUsageLedger returns a ledger that writes at most every so often; 0 means 50 ms.
func NewUsageLedger(store UsageStore, every time.Duration, log zerolog.Logger) *UsageLedger {
	if every <= 0 {
		every = 50 * time.Millisecond
	}
	return &UsageLedger{store: store, every: every, log: log, wake: make(chan struct{}, 1), flushing: make(chan struct{}, 1)}
}

// Record implements Ledger.
func (l *UsageLedger) Record(u Usage) {
	l.mu.Lock()
	l.pending = append(l.pending, u)
	l.mu.Unlock()
	l.poke()
}

// Run writes rows until ctx ends, then writes what is left within 10 s. A batch
// that the store refuses is kept and tried again, less and less often up to every 5 s.
// Errors: rows that could not be written before the end; they are lost.
func (l *UsageLedger) Run(ctx context.Context) error {
	retry := l.every
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledgerFlushTimeout)
			defer cancel()
			return l.finish(last)
		case <-l.wake:
		}
		// Rows that come within the window share a transaction.
		if !pause(ctx, retry) {
			continue
		}
		if err := l.Flush(ctx); err != nil {
			l.log.Error().Err(err).Msg("usage not written, will try again")
			retry = min(retry*2, ledgerMaxRetry)
			l.poke()
			continue
		}
		retry = l.every
	}
}

// finish flushes until that succeeds or ctx ends.
func (l *UsageLedger) finish(ctx context.Context) error {
	for retry := l.every; ; retry = min(retry*2, ledgerMaxRetry) {
		err := l.Flush(ctx)
		if err == nil {
			return nil
		}
		if !pause(ctx, retry) {
			l.mu.Lock()
			defer l.mu.Unlock()
			return fmt.Errorf("write usage at the end, %d rows lost: %w", len(l.pending), err)
		}
		l.log.Warn().Err(err).Msg("usage not written, will try again before the end")
	}
}

// Flush writes every row recorded so far.
func (l *UsageLedger) Flush(ctx context.Context) error {
	select {
	case l.flushing <- struct{}{}:
		defer func() { <-l.flushing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		l.mu.Lock()
		batch := l.pending[:min(len(l.pending), ledgerBatch):min(len(l.pending), ledgerBatch)]
		l.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		// A row written twice is kept once: its id is its key.
		if err := l.store.AddUsage(ctx, batch); err != nil {
			return err
		}
		l.mu.Lock()
		// The rest stays where it is: after an outage it is long.
		l.pending = l.pending[len(batch):]
		clear(batch)
		if len(l.pending) == 0 {
			l.pending = nil
		}
		l.mu.Unlock()
	}
}

func (l *UsageLedger) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
