package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// ListHealthControls implements engine.HealthControlStore.
func (s *Store) ListHealthControls(ctx context.Context) (list []engine.HealthControl, err error) {
	err = s.read(ctx, "list health controls", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListHealthControls(ctx)
		if err == nil {
			list, err = row.ParseAll(rows, parseControl)
		}
		return err
	})
	return list, err
}

// PutHealthControl implements engine.HealthControlStore.
func (s *Store) PutHealthControl(ctx context.Context, c engine.HealthControl) error {
	if err := row.CheckControl(c); err != nil {
		return err
	}
	h := c.Subject
	return s.writeOf(ctx, row.Changed(engine.AreaHealth, h.AccountID, ""), "put the health control of "+h.String(), func(ctx context.Context, q *query.Queries) error {
		return q.PutHealthControl(ctx, query.PutHealthControlParams{
			AccountID: h.AccountID, ProviderID: h.ProviderID, UpstreamID: h.UpstreamID, CredentialID: h.Credential,
			Switch: string(c.Switch), Note: c.Note, SwitchedAt: row.TimeOrNil(c.Since), SwitchedBy: c.By,
			PaidProbe: c.PaidProbe, DailyCap: c.DailyCapNanoUSD, EverySeconds: int64(c.Every / time.Second), UpdatedAt: row.Time(c.UpdatedAt),
		})
	})
}

// TakeHealthProbe implements engine.HealthControlStore.
func (s *Store) TakeHealthProbe(ctx context.Context, h engine.HealthSubject, day string, nanoUSD int64) (ok bool, err error) {
	if err := row.CheckSubject(h); err != nil {
		return false, err
	}
	err = s.transact(ctx, "take from the cap of paid probes", func(ctx context.Context, q *query.Queries) error {
		n, err := q.TakeHealthProbe(ctx, query.TakeHealthProbeParams{
			Day: day, Amount: nanoUSD, AccountID: h.AccountID, ProviderID: h.ProviderID, UpstreamID: h.UpstreamID, CredentialID: h.Credential,
		})
		ok = n > 0
		return err
	})
	return ok, err
}

func parseControl(n query.HealthControl) (engine.HealthControl, error) {
	return engine.HealthControl{
		Subject: engine.HealthSubject{AccountID: n.AccountID, ProviderID: n.ProviderID, UpstreamID: n.UpstreamID, Credential: n.CredentialID},
		Switch:  engine.HealthSwitch(n.Switch), Note: n.Note, Since: row.TimeOrZero(n.SwitchedAt), By: n.SwitchedBy,
		PaidProbe: n.PaidProbe, DailyCapNanoUSD: n.DailyCap, Every: time.Duration(n.EverySeconds) * time.Second,
		SpentNanoUSD: n.Spent, SpentOn: n.SpentOn, UpdatedAt: n.UpdatedAt.UTC(),
	}, nil
}
