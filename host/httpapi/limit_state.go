package httpapi

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// standingLimit is a limit that holds for a caller.
type standingLimit struct {
	Limit     rateLimit `json:"limit"`
	Remaining *int64    `json:"remaining,omitempty" doc:"Left out where it depends on the model, and none was named."`
	ResetS    *float64  `json:"reset_s,omitempty" doc:"Seconds until all of it is there again, when nothing is used meanwhile. Left out for requests in flight."`
}

// limitStat is what became of one bucket.
type limitStat struct {
	LimitID   string           `json:"limit_id"`
	AccountID string           `json:"account_id,omitempty" doc:"Whose limit it is."`
	Kind      engine.LimitKind `json:"kind"`
	Scope     string           `json:"scope" doc:"The values that have this amount for themselves, as account=acme user=bob."`
	Amount    int64            `json:"amount"`
	Used      int64            `json:"used" doc:"Now, of what it holds at most."`
	Remaining int64            `json:"remaining" doc:"Now."`
	Admitted  int64            `json:"admitted" doc:"Requests, since the amount was first used, or was last left alone until all of it was there for ten minutes."`
	Refused   int64            `json:"refused"`
}

type (
	standingQuery struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		UserID    string `query:"user_id" maxLength:"128" doc:"Left out: the caller itself. Another one that it manages."`
		KeyID     string `query:"key_id" maxLength:"128" doc:"A key that the caller manages."`
		Model     string `query:"model" maxLength:"256" doc:"Catalogue id: with it, what is left of the limits on models and providers is told."`
	}
	standingOutput struct {
		Body struct {
			AccountID string          `json:"account_id"`
			TeamID    string          `json:"team_id,omitempty"`
			UserID    string          `json:"user_id"`
			KeyID     string          `json:"key_id,omitempty"`
			Data      []standingLimit `json:"data" doc:"All of them hold."`
		}
	}
	statFilter struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own, for a super admin all."`
	}
	statOutput struct {
		Body struct {
			Data     []limitStat `json:"data" doc:"At most 500."`
			Replicas int         `json:"replicas" doc:"How many run, whose figures these are."`
			AgeMS    int64       `json:"age_ms" doc:"How long ago the replica reported that did so first: usually up to a second. 0 where there is only one process."`
		}
	}
)

func (s *Server) effectiveLimits(ctx context.Context, in *standingQuery) (*standingOutput, error) {
	who, all, err := s.cfg.Limits.GetStanding(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID), in.UserID, in.KeyID, in.Model)
	if err != nil {
		return nil, err
	}
	out := &standingOutput{}
	b := &out.Body
	b.AccountID, b.TeamID, b.UserID, b.KeyID = who.AccountID, who.TeamID, who.UserID, who.KeyID
	b.Data = shownAll(all, func(l engine.LimitStanding) standingLimit {
		one := standingLimit{Limit: shownLimit(l.Limit)}
		if l.Left.Set {
			one.Remaining = &l.Left.Remaining
			if l.Limit.Kind != engine.LimitConcurrency {
				reset := float64(milliseconds(l.Left.Reset)) / 1000
				one.ResetS = &reset
			}
		}
		return one
	})
	return out, nil
}

func (s *Server) limitStats(ctx context.Context, in *statFilter) (*statOutput, error) {
	stats, err := s.cfg.Limits.GetStats(ctx, principalOf(ctx), in.AccountID)
	if err != nil {
		return nil, err
	}
	out := &statOutput{}
	out.Body.Data = shownAll(stats.Buckets, func(l engine.LimitStat) limitStat {
		return limitStat{l.LimitID, l.AccountID, l.Kind, l.Scope, l.Limit, l.Used, l.Remaining, l.Admitted, l.Refused}
	})
	out.Body.Replicas, out.Body.AgeMS = stats.Replicas, milliseconds(stats.Age)
	return out, nil
}

// noLimits is the service where there is none.
type noLimits struct{}

var errNoLimits = engine.Errorf(engine.CodeNotFound, "This server has no rate limits.")

func (noLimits) ListLimits(context.Context, engine.Principal, string) ([]engine.Limit, error) {
	return nil, nil
}

func (noLimits) GetLimit(context.Context, engine.Principal, string, string) (engine.Limit, error) {
	return engine.Limit{}, errNoLimits
}

func (noLimits) CreateLimit(context.Context, engine.Principal, engine.Limit) (engine.Limit, error) {
	return engine.Limit{}, errNoLimits
}

func (noLimits) ChangeLimit(context.Context, engine.Principal, string, string, time.Time, func(*engine.Limit)) (engine.Limit, error) {
	return engine.Limit{}, errNoLimits
}

func (noLimits) DeleteLimit(context.Context, engine.Principal, string, string, time.Time) error {
	return errNoLimits
}

func (noLimits) ResetLimit(context.Context, engine.Principal, string, string) (engine.Limit, error) {
	return engine.Limit{}, errNoLimits
}

func (noLimits) GetStanding(_ context.Context, p engine.Principal, _, _, _, _ string) (engine.Principal, []engine.LimitStanding, error) {
	return p, nil, nil
}

func (noLimits) GetStats(context.Context, engine.Principal, string) (engine.LimitStats, error) {
	return engine.LimitStats{}, nil
}
