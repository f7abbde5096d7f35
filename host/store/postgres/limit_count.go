package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// ReportLimits implements engine.LimitLeaseStore.
func (s *Store) ReportLimits(ctx context.Context, r engine.LimitReport, now time.Time) (replicas int, err error) {
	if err := row.CheckLimitReport(r); err != nil {
		return 0, err
	}
	counts := row.OrderLimitCounts(r.Counts)
	err = s.lease(ctx, "report on limits", func(ctx context.Context, q *query.Queries) error {
		us, err := limitClock(ctx, q, now)
		if err != nil {
			return err
		}
		if err := addLimitCounts(ctx, q, counts, us); err != nil {
			return err
		}
		// Last, as an exchange does it: the two would else wait for each other.
		fresh, err := q.PutLimitReport(ctx, query.PutLimitReportParams{
			ReplicaID: r.Replica, ExpiresUs: us + r.TTL.Microseconds(), Reports: r.Number, ReportedUs: us,
		})
		if err != nil {
			return err
		}
		if fresh == 0 {
			return errReported
		}
		n, err := q.CountLimitReplicas(ctx, us)
		replicas = int(n)
		return err
	})
	if errors.Is(err, errReported) {
		return s.countLimitReplicas(ctx, now)
	}
	return replicas, err
}

// errReported undoes what a report adds that was there already.
var errReported = errors.New("the report is in already")

func (s *Store) countLimitReplicas(ctx context.Context, now time.Time) (replicas int, err error) {
	err = s.read(ctx, "count replicas", func(ctx context.Context, q *query.Queries) error {
		us, err := limitClock(ctx, q, now)
		if err != nil {
			return err
		}
		n, err := q.CountLimitReplicas(ctx, us)
		replicas = int(n)
		return err
	})
	return replicas, err
}

func addLimitCounts(ctx context.Context, q *query.Queries, counts []engine.LimitCount, us int64) error {
	if len(counts) == 0 {
		return nil
	}
	ensure, add := make([]query.EnsureLimitBucketParams, len(counts)), make([]query.AddLimitCountParams, len(counts))
	for i, c := range counts {
		ensure[i], add[i] = ensureLimitBucket(c.LimitBucket), limitCountRow(c, us)
	}
	var first error
	note := func(_ int, err error) { first = cmp.Or(first, err) }
	q.EnsureLimitBucket(ctx, ensure).Exec(note)
	if first == nil {
		q.AddLimitCount(ctx, add).Exec(note)
	}
	return first
}

// ListLimitCounts implements engine.LimitLeaseStore.
func (s *Store) ListLimitCounts(ctx context.Context, in engine.LimitCountQuery, now time.Time) (counts engine.LimitCounts, err error) {
	err = s.read(ctx, "list the counts of limits", func(ctx context.Context, q *query.Queries) error {
		us, err := limitClock(ctx, q, now)
		if err != nil {
			return err
		}
		p := query.ListLimitCountsParams{NowUs: us, OfAccount: in.OfAccount, MaxRows: int64(in.Most)}
		p.EveryLimit, p.Limits = in.Limits == nil, row.LimitRefs(in.Limits)
		rows, err := q.ListLimitCounts(ctx, p)
		if err != nil {
			return err
		}
		counts = engine.LimitCounts{NowUS: us, Buckets: make([]engine.CountedLimit, len(rows))}
		for i, n := range rows {
			counts.Buckets[i] = countedLimitOf(n)
		}
		replicas, err := q.CountLimitReplicas(ctx, us)
		if err != nil {
			return err
		}
		counts.Replicas = int(replicas)
		since, err := q.LimitReportsSince(ctx, us)
		if since > 0 {
			counts.Age = max(time.Duration(us-since)*time.Microsecond, 0)
		}
		return err
	})
	return counts, err
}

func limitCountRow(c engine.LimitCount, us int64) query.AddLimitCountParams {
	return query.AddLimitCountParams{
		AccountID: c.AccountID, LimitID: c.LimitID, Digest: c.Digest[:], Kind: string(c.Kind), OfAccount: c.OfAccount,
		Admitted: c.Admitted, Refused: c.Refused, CountedUs: us,
	}
}

func countedLimitOf(n query.ListLimitCountsRow) engine.CountedLimit {
	c := engine.CountedLimit{
		Level: engine.LimitLevel{Whole: n.Whole, Part: n.Part, At: n.AtUs}, Held: n.Held, InUse: n.InUse,
		LimitCount: engine.LimitCount{Kind: engine.LimitKind(n.Kind), Admitted: n.Admitted, Refused: n.Refused},
	}
	c.AccountID, c.LimitID, c.Scope = n.AccountID, n.LimitID, n.Scope
	copy(c.Digest[:], n.Digest)
	c.Amount, c.WindowUS, c.Size, c.Version, c.Resets = n.Amount, n.WindowUs, n.Size, n.Version, n.Resets
	return c
}
