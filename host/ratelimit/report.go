package ratelimit

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// reports is what this replica tells the others of what it admitted and refused. Nothing on
// the path of a request waits for it.
type reports struct {
	turn chan struct{} // 1 slot: one report at a time, without a lock held over a query

	mu    sync.Mutex
	dirty []*bucket // that have counted since they were last reported

	// Whoever has the turn:
	number int64
	unsent []engine.LimitCount // of that number: it is not known whether they arrived
	last   time.Duration       // when the last one ended
}

const (
	// reportEvery is how old what a replica says of itself may be.
	reportEvery = time.Second
	// reportRows bounds one report. What is left is told by the next.
	reportRows = 500
)

// counted notes that a bucket has something to report. Its lock is held.
func (l *Limiter) counted(b *bucket) {
	if b.lease == nil || b.lease.dirty {
		return
	}
	b.lease.dirty = true
	l.reports.mu.Lock()
	l.reports.dirty = append(l.reports.dirty, b)
	l.reports.mu.Unlock()
}

// Report tells the database what was counted until now. Run does so every second; it also
// says that this replica lives. Errors: the database's.
func (l *Limiter) Report(ctx context.Context) error {
	r := &l.reports
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	rows := len(r.dirty)
	r.mu.Unlock()
	if r.unsent != nil {
		rows += reportRows
	}
	// What others count meanwhile is not waited for.
	for ; rows >= 0; rows -= reportRows {
		if err := l.reportOnce(ctx); err != nil {
			return err
		}
	}
	return nil
}

// keepReporting tells the others what this replica counts until ctx ends. Leases do not wait for it.
func (l *Limiter) keepReporting(ctx context.Context) {
	tick := time.NewTicker(l.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.reportDue(ctx)
		}
	}
}

// reportDue makes one report when it is time. One that fails says nothing of the leases, and
// nobody is refused for want of it.
func (l *Limiter) reportDue(ctx context.Context) {
	r := &l.reports
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	default:
		return // somebody is at it
	}
	now := l.cfg.Clock()
	r.mu.Lock()
	many := len(r.dirty) > reportRows && r.unsent == nil
	r.mu.Unlock()
	if !many && now-r.last < reportEvery || l.book.down.Load() && int64(now) < l.book.again.Load() {
		return
	}
	if err := l.reportOnce(ctx); err != nil && ctx.Err() == nil && !l.book.down.Load() {
		l.cfg.Logger.Warn().Err(err).Msg("what was counted of rate limits is not told yet, it will be")
	}
}

// reportOnce makes one report, with the turn: once more the last one, where nobody knows
// whether it arrived.
func (l *Limiter) reportOnce(ctx context.Context) error {
	r := &l.reports
	if r.unsent == nil {
		r.number++
		r.unsent = l.takeCounts()
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	report := engine.LimitReport{Replica: l.cfg.Replica, TTL: l.cfg.TTL, Number: r.number, Counts: r.unsent}
	replicas, err := l.cfg.Leases.ReportLimits(ctx, report, l.cfg.StoreTime())
	r.last = l.cfg.Clock()
	if err != nil {
		return err
	}
	r.unsent = nil
	l.found(replicas)
	return nil
}

// takeCounts takes what buckets have counted since they were last asked. It never
// returns nil.
func (l *Limiter) takeCounts() []engine.LimitCount {
	r := &l.reports
	r.mu.Lock()
	n := min(len(r.dirty), reportRows)
	batch := slices.Clone(r.dirty[:n])
	rest := copy(r.dirty, r.dirty[n:])
	clear(r.dirty[rest:])
	r.dirty = r.dirty[:rest]
	r.mu.Unlock()
	counts := make([]engine.LimitCount, 0, n)
	for _, b := range batch {
		b.mu.Lock()
		le := b.lease
		c := engine.LimitCount{
			LimitBucket: b.stored(le.digest), Kind: b.spec.limit.Kind, OfAccount: b.account(),
			Admitted: b.admitted - le.admitted, Refused: b.refused - le.refused,
		}
		le.dirty, le.admitted, le.refused = false, b.admitted, b.refused
		b.mu.Unlock()
		if c.Admitted != 0 || c.Refused != 0 {
			counts = append(counts, c)
		}
	}
	return counts
}
