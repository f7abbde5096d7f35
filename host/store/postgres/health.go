package postgres

import (
	"cmp"
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var (
	_ engine.HealthFeed         = (*Store)(nil)
	_ engine.HealthStore        = (*Store)(nil)
	_ engine.HealthControlStore = (*Store)(nil)
)

// AddHealthTransitions implements engine.HealthFeed.
func (s *Store) AddHealthTransitions(ctx context.Context, list []engine.StoredTransition) (sequence int64, err error) {
	for _, t := range list {
		if err := row.CheckTransition(t); err != nil {
			return 0, err
		}
	}
	err = s.transact(ctx, "add health transitions", func(ctx context.Context, q *query.Queries) error {
		if sequence, err = q.RaiseHealthSequence(ctx, int64(len(list))); err != nil {
			return err
		}
		for i, t := range list {
			h, text := t.Subject, row.Transition(t.HealthTransition)
			number := sequence - int64(len(list)-1-i)
			added, err := q.AddHealthTransition(ctx, query.AddHealthTransitionParams{
				AccountID: h.AccountID, ID: t.ID, Sequence: number, ReplicaID: t.Replica, ProviderID: h.ProviderID,
				UpstreamID: h.UpstreamID, CredentialID: h.Credential, Version: h.Version, Transition: text, HappenedAt: row.Time(t.At),
			})
			if err != nil {
				return err
			}
			if added == 0 {
				continue
			}
			err = q.PutHealthTransition(ctx, query.PutHealthTransitionParams{
				AccountID: h.AccountID, ProviderID: h.ProviderID, UpstreamID: h.UpstreamID, CredentialID: h.Credential, Version: h.Version,
				Sequence: number, ChangedUs: t.At.UnixMicro(), Transition: text, UpdatedAt: row.Time(t.At),
			})
			if err != nil {
				return err
			}
		}
		return q.NotifyHealth(ctx)
	})
	return sequence, err
}

// HealthTransitionsAfter implements engine.HealthFeed.
func (s *Store) HealthTransitionsAfter(ctx context.Context, sequence int64, limit int) (list []engine.StoredTransition, err error) {
	if err := row.CheckListLimit(limit); err != nil {
		return nil, err
	}
	err = s.read(ctx, "list new health transitions", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListHealthTransitionsAfter(ctx, query.ListHealthTransitionsAfterParams{Sequence: sequence, MaxRows: int64(limit)})
		if err == nil {
			list, err = row.ParseAll(rows, parseTransition)
		}
		return err
	})
	return list, err
}

// HealthSequence implements engine.HealthFeed.
func (s *Store) HealthSequence(ctx context.Context) (sequence int64, err error) {
	err = s.read(ctx, "read the health sequence", func(ctx context.Context, q *query.Queries) error {
		sequence, err = q.GetHealthSequence(ctx)
		return err
	})
	return sequence, err
}

// FollowHealth implements engine.HealthFeed.
func (s *Store) FollowHealth(ctx context.Context, notify func()) error {
	wake := s.health.join()
	defer s.health.leave(wake)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
			notify()
		}
	}
}

// ListHealthTransitions implements engine.HealthStore.
func (s *Store) ListHealthTransitions(ctx context.Context, accountID, providerID string, limit int) (list []engine.StoredTransition, err error) {
	if err := row.CheckListLimit(limit); err != nil {
		return nil, err
	}
	if !row.IsKey(accountID, providerID) {
		return nil, nil
	}
	err = s.readOf(ctx, accountID, "list health transitions", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListHealthTransitions(ctx, query.ListHealthTransitionsParams{AccountID: accountID, ProviderID: providerID, MaxRows: int64(limit)})
		if err == nil {
			list, err = row.ParseAll(rows, parseTransition)
		}
		return err
	})
	return list, err
}

// SaveHealth implements engine.HealthStore.
func (s *Store) SaveHealth(ctx context.Context, rows []engine.StoredHealth) error {
	rows = row.OrderHealth(rows, func(h engine.StoredHealth) engine.HealthSubject { return h.Subject })
	batch := make([]query.SaveHealthStateParams, len(rows))
	for i, h := range rows {
		if err := row.CheckHealth(h); err != nil {
			return err
		}
		batch[i] = query.SaveHealthStateParams{
			AccountID: h.Subject.AccountID, ProviderID: h.Subject.ProviderID, UpstreamID: h.Subject.UpstreamID, CredentialID: h.Subject.Credential,
			Version: h.Subject.Version, Measured: row.Measured(h.Measured), Checked: row.Checked(h.Check), UpdatedAt: row.Time(h.At),
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return s.transact(ctx, "save health", func(ctx context.Context, q *query.Queries) error {
		var first error
		q.SaveHealthState(ctx, batch).Exec(func(_ int, err error) { first = cmp.Or(first, err) })
		return first
	})
}

// ListHealth implements engine.HealthStore.
func (s *Store) ListHealth(ctx context.Context) (list []engine.StoredHealth, err error) {
	err = s.read(ctx, "list health", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListHealthStates(ctx)
		if err == nil {
			list, err = row.ParseAll(rows, parseHealth)
		}
		return err
	})
	return list, err
}

// AddHealthCells implements engine.HealthStore.
func (s *Store) AddHealthCells(ctx context.Context, cells []engine.StoredCell) error {
	cells = row.OrderHealth(cells, func(h engine.StoredCell) engine.HealthSubject { return h.Subject })
	batch := make([]query.AddHealthCellParams, len(cells))
	for i, h := range cells {
		if err := row.CheckCell(h); err != nil {
			return err
		}
		batch[i] = query.AddHealthCellParams{
			AccountID: h.Subject.AccountID, ProviderID: h.Subject.ProviderID, UpstreamID: h.Subject.UpstreamID, CredentialID: h.Subject.Credential,
			BeginsAt: row.Time(h.At), Attempts: h.Attempts, Failures: h.Failures, Fallbacks: h.Fallbacks, P95Ms: h.P95MS, Worst: row.Worst(h.Worst),
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return s.transact(ctx, "add health cells", func(ctx context.Context, q *query.Queries) error {
		var first error
		q.AddHealthCell(ctx, batch).Exec(func(_ int, err error) { first = cmp.Or(first, err) })
		return first
	})
}

// ListHealthCells implements engine.HealthStore.
func (s *Store) ListHealthCells(ctx context.Context, from time.Time) (cells []engine.StoredCell, err error) {
	err = s.read(ctx, "list health cells", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListHealthCells(ctx, row.Time(from))
		if err == nil {
			cells, err = row.ParseAll(rows, parseCell)
		}
		return err
	})
	return cells, err
}

// DropHealth implements engine.HealthStore.
func (s *Store) DropHealth(ctx context.Context, before, cells time.Time) error {
	return s.transact(ctx, "drop old health", func(ctx context.Context, q *query.Queries) error {
		if err := q.DropHealthTransitions(ctx, row.Time(before)); err != nil {
			return err
		}
		if err := q.DropHealthStates(ctx, row.Time(before)); err != nil {
			return err
		}
		return q.DropHealthCells(ctx, row.Time(cells))
	})
}

func parseTransition(n query.HealthTransition) (engine.StoredTransition, error) {
	t, err := row.ParseObject[engine.HealthTransition](n.Transition)
	t.Subject = engine.HealthSubject{AccountID: n.AccountID, ProviderID: n.ProviderID, UpstreamID: n.UpstreamID, Credential: n.CredentialID, Version: n.Version}
	return engine.StoredTransition{HealthTransition: t, ID: n.ID, Sequence: n.Sequence, Replica: n.ReplicaID}, err
}

func parseHealth(n query.HealthState) (engine.StoredHealth, error) {
	return row.ParseHealth(engine.StoredHealth{
		Subject:  engine.HealthSubject{AccountID: n.AccountID, ProviderID: n.ProviderID, UpstreamID: n.UpstreamID, Credential: n.CredentialID, Version: n.Version},
		Sequence: n.Sequence, At: n.UpdatedAt.UTC(),
	}, n.Transition, n.Measured, n.Checked)
}

func parseCell(n query.HealthCell) (engine.StoredCell, error) {
	return engine.StoredCell{
		Subject: engine.HealthSubject{AccountID: n.AccountID, ProviderID: n.ProviderID, UpstreamID: n.UpstreamID, Credential: n.CredentialID},
		HealthCell: engine.HealthCell{
			At: n.BeginsAt.UTC(), Attempts: n.Attempts, Failures: n.Failures, Fallbacks: n.Fallbacks, P95MS: n.P95Ms, Worst: row.ParseWorst(n.Worst),
		},
	}, nil
}
