package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var (
	_ engine.LimitLeaseStore = (*Store)(nil)
	_ engine.LimitLevelStore = (*Store)(nil)
)

// ExchangeLimits implements engine.LimitLeaseStore. Every statement is sent for all
// claims at once, so that the buckets are locked for a few round trips.
func (s *Store) ExchangeLimits(ctx context.Context, x engine.LimitExchange, now time.Time) (grants engine.LimitGrants, err error) {
	if err := row.CheckLimitExchange(x); err != nil {
		return grants, err
	}
	order, err := row.OrderLimitClaims(x.Claims)
	if err != nil {
		return grants, err
	}
	began := time.Now()
	err = s.lease(ctx, "exchange limits", func(ctx context.Context, q *query.Queries) error {
		grants = engine.LimitGrants{Grants: make([]engine.LimitGrant, len(x.Claims))}
		l := limitTx{q: q}
		if err := l.lock(ctx, len(order), func(i int) engine.LimitBucket { return x.Claims[order[i]].LimitBucket }); err != nil {
			return err
		}
		if now.IsZero() {
			grants.Late = time.Since(began)
		}
		us, err := limitClock(ctx, q, now)
		if err != nil {
			return err
		}
		for i, at := range order {
			done := row.ExchangeLimit(&l.buckets[i], l.leases[i], x.Replica, x.TTL.Microseconds(), x.Claims[at], us)
			grants.Grants[at] = done.Grant
			l.settle(l.buckets[i], done)
		}
		if err := l.write(ctx); err != nil {
			return err
		}
		if err := q.PutLimitReplica(ctx, query.PutLimitReplicaParams{ReplicaID: x.Replica, ExpiresUs: us + x.TTL.Microseconds(), NowUs: us}); err != nil {
			return err
		}
		replicas, err := q.CountLimitReplicas(ctx, us)
		grants.Replicas = int(replicas)
		return err
	})
	return grants, err
}

// TakeLimit implements engine.LimitLeaseStore.
func (s *Store) TakeLimit(ctx context.Context, b engine.LimitBucket, n int64, now time.Time) (taken engine.LimitTaken, err error) {
	if err := row.CheckLimitBucket(b); err != nil {
		return taken, err
	}
	if n > 0 {
		p := query.TakeLimitParams{
			N: n, AccountID: b.AccountID, LimitID: b.LimitID, Digest: b.Digest[:], Version: b.Version, Resets: b.Resets,
		}
		if !now.IsZero() {
			p.NowUs = now.UnixMicro()
		}
		// In a call of its own, which is not repeated when its answer is lost.
		once, cancel := context.WithTimeout(ctx, callTimeout)
		left, err := s.queries.TakeLimit(once, p)
		cancel()
		if err == nil {
			return engine.LimitTaken{OK: true, Left: left}, nil
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return taken, settle(ctx, "take from a limit", err)
		}
	}
	err = s.lease(ctx, "take from a limit", func(ctx context.Context, q *query.Queries) error {
		l := limitTx{q: q}
		if err := l.lock(ctx, 1, func(int) engine.LimitBucket { return b }); err != nil {
			return err
		}
		us, err := limitClock(ctx, q, now)
		if err != nil {
			return err
		}
		taken = row.TakeLimit(&l.buckets[0], l.leases[0], b, n, us)
		l.settle(l.buckets[0], row.LimitSettlement{})
		return l.write(ctx)
	})
	return taken, err
}

// SaveLimitLevels implements engine.LimitLevelStore.
func (s *Store) SaveLimitLevels(ctx context.Context, levels []engine.StoredLimitLevel) error {
	batch := make([]query.PutLimitBucketParams, len(levels))
	for i, l := range levels {
		if err := row.CheckLimitBucket(l.LimitBucket); err != nil {
			return err
		}
		batch[i] = putLimitBucket(l)
	}
	if len(batch) == 0 {
		return nil
	}
	return s.lease(ctx, "save the levels of limits", func(ctx context.Context, q *query.Queries) error {
		var first error
		q.PutLimitBucket(ctx, batch).Exec(func(_ int, err error) { first = cmp.Or(first, err) })
		return first
	})
}

// limitTx is the part of a transaction that changes buckets.
type limitTx struct {
	q       *query.Queries
	buckets []row.LimitBucket
	leases  [][]row.LimitLease
	set     []query.SetLimitBucketParams
	put     []query.PutLimitLeaseParams
	gone    []query.DeleteLimitLeaseParams
}

// lock makes the buckets that are not there yet, and locks and reads them all, in the
// order given, which is that of their keys.
func (l *limitTx) lock(ctx context.Context, n int, bucket func(int) engine.LimitBucket) error {
	l.buckets, l.leases = make([]row.LimitBucket, n), make([][]row.LimitLease, n)
	ensure, lock := make([]query.EnsureLimitBucketParams, n), make([]query.LockLimitBucketParams, n)
	list := make([]query.ListLimitLeasesParams, n)
	for i := range n {
		b := bucket(i)
		ensure[i] = ensureLimitBucket(b)
		lock[i] = query.LockLimitBucketParams{AccountID: b.AccountID, LimitID: b.LimitID, Digest: b.Digest[:]}
		list[i] = query.ListLimitLeasesParams(lock[i])
	}
	var first error
	found := 0
	read := func(i int, n query.LimitBucket, err error) {
		if err == nil {
			l.buckets[i] = limitBucketOf(n)
			found++
		} else if !errors.Is(err, pgx.ErrNoRows) {
			first = cmp.Or(first, err)
		}
	}
	// Nearly always they are all there.
	l.q.LockLimitBucket(ctx, lock).QueryRow(read)
	if first == nil && found < n {
		found = 0
		l.q.EnsureLimitBucket(ctx, ensure).Exec(func(_ int, err error) { first = cmp.Or(first, err) })
		if first == nil {
			l.q.LockLimitBucket(ctx, lock).QueryRow(read)
		}
	}
	if first == nil && found < n {
		first = pgx.ErrNoRows
	}
	if first != nil {
		return first
	}
	// In a statement after the lock: it sees what those wrote who were waited for.
	l.q.ListLimitLeases(ctx, list).Query(func(i int, rows []query.LimitLease, err error) {
		l.leases[i] = limitLeasesOf(rows)
		first = cmp.Or(first, err)
	})
	return first
}

func (l *limitTx) settle(b row.LimitBucket, done row.LimitSettlement) {
	l.set = append(l.set, setLimitBucket(b))
	if done.Put != nil {
		l.put = append(l.put, putLimitLease(b, *done.Put))
	}
	for _, replica := range done.Gone {
		l.gone = append(l.gone, query.DeleteLimitLeaseParams{AccountID: b.AccountID, LimitID: b.LimitID, Digest: b.Digest[:], ReplicaID: replica})
	}
}

func (l *limitTx) write(ctx context.Context) error {
	var first error
	note := func(_ int, err error) { first = cmp.Or(first, err) }
	if len(l.set) > 0 {
		l.q.SetLimitBucket(ctx, l.set).Exec(note)
	}
	if first == nil && len(l.gone) > 0 {
		l.q.DeleteLimitLease(ctx, l.gone).Exec(note)
	}
	if first == nil && len(l.put) > 0 {
		l.q.PutLimitLease(ctx, l.put).Exec(note)
	}
	return first
}

// LeaveLimits implements engine.LimitLeaseStore.
func (s *Store) LeaveLimits(ctx context.Context, replica string) error {
	return s.lease(ctx, "leave the limits", func(ctx context.Context, q *query.Queries) error {
		if err := q.ExpireLimitLeases(ctx, replica); err != nil {
			return err
		}
		return q.DeleteLimitReplica(ctx, replica)
	})
}

// SweepLimits implements engine.LimitLeaseStore.
func (s *Store) SweepLimits(ctx context.Context, now time.Time, limit int) (deleted int64, err error) {
	err = s.lease(ctx, "sweep the limits", func(ctx context.Context, q *query.Queries) error {
		before, err := limitClock(ctx, q, now)
		if err != nil {
			return err
		}
		before -= row.LimitIdleUS
		replicas, err := q.DeleteGoneLimitReplicas(ctx, before)
		if err != nil {
			return err
		}
		buckets, err := q.DeleteIdleLimitBuckets(ctx, query.DeleteIdleLimitBucketsParams{BeforeUs: before, MaxRows: int64(limit)})
		deleted = replicas + buckets
		return err
	})
	return deleted, err
}

// ListLimitLevels implements engine.LimitLevelStore.
func (s *Store) ListLimitLevels(ctx context.Context) (levels []engine.StoredLimitLevel, err error) {
	err = s.read(ctx, "list the levels of limits", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListLimitBuckets(ctx)
		if err == nil {
			levels, err = row.ParseAll(rows, parseLimitLevel)
		}
		return err
	})
	return levels, err
}

func limitClock(ctx context.Context, q *query.Queries, now time.Time) (us int64, err error) {
	if !now.IsZero() {
		return now.UnixMicro(), nil
	}
	return q.LimitClock(ctx)
}

func limitBucketOf(n query.LimitBucket) row.LimitBucket {
	b := row.LimitBucket{Epoch: n.Epoch, Level: engine.LimitLevel{Whole: n.Whole, Part: n.Part, At: n.AtUs}}
	b.AccountID, b.LimitID, b.Scope = n.AccountID, n.LimitID, n.Scope
	copy(b.Digest[:], n.Digest)
	b.Amount, b.WindowUS, b.Size, b.Version, b.Resets = n.Amount, n.WindowUs, n.Size, n.Version, n.Resets
	return b
}

func setLimitBucket(b row.LimitBucket) query.SetLimitBucketParams {
	return query.SetLimitBucketParams{
		Scope: b.Scope, Amount: b.Amount, WindowUs: b.WindowUS, Size: b.Size, Version: b.Version, Resets: b.Resets,
		Epoch: b.Epoch, Whole: b.Level.Whole, Part: b.Level.Part, AtUs: b.Level.At,
		AccountID: b.AccountID, LimitID: b.LimitID, Digest: b.Digest[:],
	}
}

func ensureLimitBucket(b engine.LimitBucket) query.EnsureLimitBucketParams {
	return query.EnsureLimitBucketParams{
		AccountID: b.AccountID, LimitID: b.LimitID, Digest: b.Digest[:], Scope: b.Scope, Amount: b.Amount,
		WindowUs: b.WindowUS, Size: b.Size, Version: b.Version, Resets: b.Resets,
	}
}

func putLimitBucket(l engine.StoredLimitLevel) query.PutLimitBucketParams {
	return query.PutLimitBucketParams{
		AccountID: l.AccountID, LimitID: l.LimitID, Digest: l.Digest[:], Scope: l.Scope, Amount: l.Amount,
		WindowUs: l.WindowUS, Size: l.Size, Version: l.Version, Resets: l.Resets,
		Whole: l.Level.Whole, Part: l.Level.Part, AtUs: l.Level.At,
	}
}

func parseLimitLevel(n query.LimitBucket) (engine.StoredLimitLevel, error) {
	b := limitBucketOf(n)
	return engine.StoredLimitLevel{LimitBucket: b.LimitBucket, Level: b.Level}, nil
}

func limitLeasesOf(rows []query.LimitLease) []row.LimitLease {
	leases := make([]row.LimitLease, len(rows))
	for i, n := range rows {
		leases[i] = row.LimitLease{Replica: n.ReplicaID, Epoch: n.Epoch, Held: n.Held, Spent: n.Spent, ExpiresUS: n.ExpiresUs, InUse: n.InUse}
	}
	return leases
}

func putLimitLease(b row.LimitBucket, l row.LimitLease) query.PutLimitLeaseParams {
	return query.PutLimitLeaseParams{
		AccountID: b.AccountID, LimitID: b.LimitID, Digest: b.Digest[:], ReplicaID: l.Replica,
		Epoch: l.Epoch, Held: l.Held, Spent: l.Spent, ExpiresUs: l.ExpiresUS, InUse: l.InUse,
	}
}
