package ratelimit

import (
	"cmp"
	"context"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// Stats returns what became of buckets, those that refused most first: in this process
// where it is alone, else in all replicas, which report to the database every reportEvery.
// Errors: the database's.
func (l *Limiter) Stats(ctx context.Context, q engine.LimitStatQuery) (engine.LimitStats, error) {
	if l.cfg.Leases == nil {
		return engine.LimitStats{Buckets: l.ownStats(q), Replicas: 1}, nil
	}
	// What this process did itself is told up to now.
	if err := l.Report(ctx); err != nil {
		return engine.LimitStats{}, err
	}
	t := l.table.Load()
	specs := map[engine.LimitRef]*spec{}
	in := engine.LimitCountQuery{OfAccount: q.AccountID, Most: q.Most}
	if q.Keep != nil {
		in.Limits = []engine.LimitRef{}
	}
	for key, sp := range t.specs {
		ref := engine.LimitRef{AccountID: key.account, LimitID: key.limit}
		specs[ref] = sp
		if q.Keep != nil && (q.AccountID == "" || key.account == "" || key.account == q.AccountID) && q.Keep(sp.limit) {
			in.Limits = append(in.Limits, ref)
		}
	}
	counts, err := l.cfg.Leases.ListLimitCounts(ctx, in, l.cfg.StoreTime())
	if err != nil {
		return engine.LimitStats{}, err
	}
	stats := engine.LimitStats{Replicas: counts.Replicas, Age: counts.Age, Buckets: make([]engine.LimitStat, 0, len(counts.Buckets))}
	for i := range counts.Buckets {
		c := &counts.Buckets[i]
		if sp := specs[engine.LimitRef{AccountID: c.AccountID, LimitID: c.LimitID}]; sp != nil && sp.limit.Kind == c.Kind {
			stats.Buckets = append(stats.Buckets, statOf(c, sp, counts.NowUS))
		}
	}
	return stats, nil
}

// statOf is how a stored bucket stands under the limit as it is in force now.
func statOf(c *engine.CountedLimit, sp *spec, nowUS int64) engine.LimitStat {
	s := engine.LimitStat{
		AccountID: c.AccountID, LimitID: c.LimitID, Kind: c.Kind, Scope: c.Scope, Limit: sp.limit.Amount,
		Admitted: c.Admitted, Refused: c.Refused,
	}
	size := sp.rate.Size
	if sp.places {
		s.Used = c.InUse
		s.Remaining = max(size-s.Used, 0)
		return s
	}
	rate := engine.LimitRate{Amount: c.Amount, Window: max(c.WindowUS, 1), Size: c.Size}
	level := c.Level
	level.Whole += c.Held // what is in hand is there
	if level.At == 0 {
		level = engine.LimitLevel{Whole: c.Size, At: nowUS}
	}
	level.Refill(rate, rate.Size, max(nowUS, level.At))
	to := engine.LimitRate{Amount: sp.rate.Amount, Window: rate.Window, Size: size}
	level.Scale(rate, to)
	if sp.limit.Resets > c.Resets {
		level.Whole = size
	}
	s.Remaining = max(min(level.Whole, size), 0)
	s.Used = size - s.Remaining
	return s
}

// ownStats is what became of buckets in this process.
func (l *Limiter) ownStats(q engine.LimitStatQuery) []engine.LimitStat {
	var all []engine.LimitStat
	now := int64(l.cfg.Clock())
	for i := range l.shards {
		sh := &l.shards[i]
		sh.mu.Lock()
		for _, b := range sh.slots {
			for ; b != nil; b = b.next {
				b.mu.Lock()
				one := b.stat(now)
				limit, of := b.spec.limit, b.account()
				b.mu.Unlock()
				if (q.AccountID == "" || of == q.AccountID) && (q.Keep == nil || q.Keep(limit)) {
					all = append(all, one)
				}
			}
		}
		sh.mu.Unlock()
		if len(all) > 4*q.Most+1024 {
			all = mostRefused(all, q.Most)
		}
	}
	return mostRefused(all, q.Most)
}

func mostRefused(all []engine.LimitStat, limit int) []engine.LimitStat {
	slices.SortFunc(all, func(a, b engine.LimitStat) int {
		return cmp.Or(cmp.Compare(b.Refused, a.Refused), cmp.Compare(b.Admitted, a.Admitted), cmp.Compare(a.AccountID, b.AccountID),
			cmp.Compare(a.LimitID, b.LimitID), cmp.Compare(a.Scope, b.Scope))
	})
	return all[:min(limit, len(all))]
}

func (b *bucket) account() string {
	if b.spec.limit.AccountID != "" {
		return b.spec.limit.AccountID
	}
	if b.spec.keyed&engine.LimitByAccount == 0 {
		return ""
	}
	for i := range b.text {
		if b.text[i] == 0 {
			return b.text[:i]
		}
	}
	return ""
}

func (b *bucket) stat(now int64) engine.LimitStat {
	b.refresh(b.spec, now)
	remaining := max(min(b.left(), b.spec.rate.Size), 0)
	return engine.LimitStat{
		AccountID: b.spec.limit.AccountID, LimitID: b.spec.limit.ID, Kind: b.spec.limit.Kind,
		Scope: scopeText(b.text, b.spec.keyed), Limit: b.spec.limit.Amount, Used: b.spec.rate.Size - remaining,
		Remaining: remaining, Admitted: b.admitted, Refused: b.refused,
	}
}
