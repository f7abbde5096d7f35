package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

var (
	_ engine.LimitLeaseStore = (*Store)(nil)
	_ engine.LimitLevelStore = (*Store)(nil)
)

// ExchangeLimits implements engine.LimitLeaseStore.
func (s *Store) ExchangeLimits(ctx context.Context, x engine.LimitExchange, now time.Time) (grants engine.LimitGrants, err error) {
	if err := row.CheckLimitExchange(x); err != nil {
		return grants, err
	}
	order, err := row.OrderLimitClaims(x.Claims)
	if err != nil {
		return grants, err
	}
	err = s.transact(ctx, "exchange limits", func(ctx context.Context, q *query.Queries) error {
		grants = engine.LimitGrants{Grants: make([]engine.LimitGrant, len(x.Claims))}
		us, err := limitClock(ctx, q, now)
		if err != nil {
			return err
		}
		for _, at := range order {
			c := x.Claims[at]
			b, leases, err := readLimitBucket(ctx, q, c.LimitBucket)
			if err != nil {
				return err
			}
			done := row.ExchangeLimit(&b, leases, x.Replica, x.TTL.Microseconds(), c, us)
			grants.Grants[at] = done.Grant
			if err := writeLimitBucket(ctx, q, b, done); err != nil {
				return err
			}
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
	err = s.transact(ctx, "take from a limit", func(ctx context.Context, q *query.Queries) error {
		us, err := limitClock(ctx, q, now)
		if err != nil {
			return err
		}
		if n > 0 {
			left, err := q.TakeLimit(ctx, query.TakeLimitParams{
				N: n, NowUs: us, AccountID: b.AccountID, LimitID: b.LimitID, Digest: b.Digest[:], Version: b.Version, Resets: b.Resets,
			})
			if err == nil {
				taken = engine.LimitTaken{OK: true, Left: left}
				return nil
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		stored, leases, err := readLimitBucket(ctx, q, b)
		if err != nil {
			return err
		}
		taken = row.TakeLimit(&stored, leases, b, n, us)
		return writeLimitBucket(ctx, q, stored, row.LimitSettlement{})
	})
	return taken, err
}

// SaveLimitLevels implements engine.LimitLevelStore.
func (s *Store) SaveLimitLevels(ctx context.Context, levels []engine.StoredLimitLevel) error {
	for _, l := range levels {
		if err := row.CheckLimitBucket(l.LimitBucket); err != nil {
			return err
		}
	}
	if len(levels) == 0 {
		return nil
	}
	return s.transact(ctx, "save the levels of limits", func(ctx context.Context, q *query.Queries) error {
		for _, l := range levels {
			if err := q.PutLimitBucket(ctx, putLimitBucket(l)); err != nil {
				return err
			}
		}
		return nil
	})
}

// readLimitBucket makes the bucket when it is not there yet.
func readLimitBucket(ctx context.Context, q *query.Queries, b engine.LimitBucket) (row.LimitBucket, []row.LimitLease, error) {
	if err := q.EnsureLimitBucket(ctx, ensureLimitBucket(b)); err != nil {
		return row.LimitBucket{}, nil, err
	}
	key := query.LockLimitBucketParams{AccountID: b.AccountID, LimitID: b.LimitID, Digest: b.Digest[:]}
	stored, err := q.LockLimitBucket(ctx, key)
	if err != nil {
		return row.LimitBucket{}, nil, err
	}
	leases, err := q.ListLimitLeases(ctx, query.ListLimitLeasesParams(key))
	return limitBucketOf(stored), limitLeasesOf(leases), err
}

func writeLimitBucket(ctx context.Context, q *query.Queries, b row.LimitBucket, done row.LimitSettlement) error {
	if err := q.SetLimitBucket(ctx, setLimitBucket(b)); err != nil {
		return err
	}
	for _, replica := range done.Gone {
		if err := q.DeleteLimitLease(ctx, query.DeleteLimitLeaseParams{
			AccountID: b.AccountID, LimitID: b.LimitID, Digest: b.Digest[:], ReplicaID: replica,
		}); err != nil {
			return err
		}
	}
	if done.Put == nil {
		return nil
	}
	return q.PutLimitLease(ctx, putLimitLease(b, *done.Put))
}

// LeaveLimits implements engine.LimitLeaseStore.
func (s *Store) LeaveLimits(ctx context.Context, replica string) error {
	return s.transact(ctx, "leave the limits", func(ctx context.Context, q *query.Queries) error {
		if err := q.ExpireLimitLeases(ctx, replica); err != nil {
			return err
		}
		return q.DeleteLimitReplica(ctx, replica)
	})
}

// SweepLimits implements engine.LimitLeaseStore.
func (s *Store) SweepLimits(ctx context.Context, now time.Time, limit int) (deleted int64, err error) {
	err = s.transact(ctx, "sweep the limits", func(ctx context.Context, q *query.Queries) error {
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
