package httpapi

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// RolloutService tries drafts on live traffic. Errors of its methods: *engine.SourceError,
// *engine.Error.
type RolloutService interface {
	// ListRollouts returns at most limit of the account's, newest first, those below before.
	ListRollouts(ctx context.Context, p engine.Principal, accountID, before string, limit int) ([]engine.Rollout, error)
	GetRollout(ctx context.Context, p engine.Principal, accountID, id string) (engine.Rollout, engine.RolloutStats, error)
	Begin(ctx context.Context, p engine.Principal, r engine.Rollout) (engine.Rollout, error)
	// SetShare takes basis points.
	SetShare(ctx context.Context, p engine.Principal, accountID, id string, share int) (engine.Rollout, error)
	Stop(ctx context.Context, p engine.Principal, accountID, id, reason string) (engine.Rollout, error)
	Promote(ctx context.Context, p engine.Principal, accountID, id string) (engine.Rollout, error)
}

// noRollouts tries nothing.
type noRollouts struct{}

var errNoRollouts = engine.Errorf(engine.CodeNotFound, "There are no rollouts here.")

func (noRollouts) ListRollouts(context.Context, engine.Principal, string, string, int) ([]engine.Rollout, error) {
	return nil, nil
}

func (noRollouts) GetRollout(context.Context, engine.Principal, string, string) (engine.Rollout, engine.RolloutStats, error) {
	return engine.Rollout{}, engine.RolloutStats{}, errNoRollouts
}

func (noRollouts) Begin(context.Context, engine.Principal, engine.Rollout) (engine.Rollout, error) {
	return engine.Rollout{}, errNoRollouts
}

func (noRollouts) SetShare(context.Context, engine.Principal, string, string, int) (engine.Rollout, error) {
	return engine.Rollout{}, errNoRollouts
}

func (noRollouts) Stop(context.Context, engine.Principal, string, string, string) (engine.Rollout, error) {
	return engine.Rollout{}, errNoRollouts
}

func (noRollouts) Promote(context.Context, engine.Principal, string, string) (engine.Rollout, error) {
	return engine.Rollout{}, errNoRollouts
}

type (
	rollout struct {
		ID        string        `json:"id"`
		AccountID string        `json:"account_id" doc:"Empty: of the global rules."`
		Kind      string        `json:"kind" enum:"shadow,canary"`
		Status    string        `json:"status" enum:"running,promoted,stopped,rolled_back"`
		Share     float64       `json:"share" doc:"Percent."`
		Rules     []rule        `json:"rules,omitempty"`
		Plugin    string        `json:"plugin,omitempty"`
		Version   string        `json:"plugin_version,omitempty"`
		Base      int64         `json:"base" doc:"Version of the rules that the draft was made from: it can be promoted while they are at that."`
		Guards    rolloutGuards `json:"guards"`
		Note      string        `json:"note,omitempty"`
		Reason    string        `json:"reason,omitempty" doc:"Why it ended."`
		By        string        `json:"by" doc:"Who began it, as account/user."`
		CreatedAt time.Time     `json:"created_at"`
		UpdatedAt time.Time     `json:"updated_at"`
		EndedAt   *time.Time    `json:"ended_at,omitempty"`
		Stats     *rolloutStats `json:"stats,omitempty" doc:"In the answers that have one rollout."`
	}
	rolloutGuards struct {
		MinRequests  int64   `json:"min_requests,omitempty" minimum:"0" maximum:"1000000" doc:"Of each side before they are compared. Default 50."`
		ErrorRate    float64 `json:"error_rate,omitempty" minimum:"0" maximum:"1" doc:"More than the live rules' by so much ends it. Default 0.05 when no guard is given."`
		FaultRate    float64 `json:"fault_rate,omitempty" minimum:"0" maximum:"1" doc:"Likewise, of decisions in which a rule failed. Default 0.01."`
		CostRatio    float64 `json:"cost_ratio,omitempty" minimum:"0" maximum:"1000" doc:"Mean cost of a request to the live one. Default 1.5; 0: any."`
		LatencyRatio float64 `json:"latency_ratio,omitempty" minimum:"0" maximum:"1000" doc:"p95 to the live one. Default 2; 0: any."`
		Window       float64 `json:"window_seconds,omitempty" minimum:"0" maximum:"86400" doc:"Of the requests that are compared. Default 600."`
	}
	rolloutStats struct {
		Live      *rolloutSide   `json:"live,omitempty" doc:"Of a canary, within the window of its guards."`
		Draft     *rolloutSide   `json:"draft,omitempty"`
		Compared  int64          `json:"compared" doc:"Of a shadow: requests on which both decided."`
		Agreed    int64          `json:"agreed"`
		Faults    int64          `json:"faults"`
		Undecided int64          `json:"undecided"`
		Dropped   int64          `json:"dropped" doc:"There was too much to do."`
		CostWas   int64          `json:"cost_was_nano_usd"`
		CostNow   int64          `json:"cost_now_nano_usd"`
		Moves     []backtestMove `json:"moves"`
	}
	rolloutSide struct {
		Requests    int64   `json:"requests"`
		Errors      int64   `json:"errors"`
		Faults      int64   `json:"faults"`
		CostNanoUSD int64   `json:"cost_nano_usd"`
		Premium     float64 `json:"premium_requests"`
		P50         float64 `json:"latency_p50_ms"`
		P95         float64 `json:"latency_p95_ms"`
	}
	newRollout struct {
		AccountID string         `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own; for a super admin the global rules."`
		Kind      string         `json:"kind" enum:"shadow,canary" doc:"A shadow decides beside the live rules, and nothing comes of it. A canary decides a share of the requests."`
		Share     float64        `json:"share,omitempty" minimum:"0.01" maximum:"100" default:"10" doc:"Percent: of sessions, each of which stays where it is, and of the requests that belong to none."`
		Rules     []rule         `json:"rules,omitempty" maxItems:"2000" doc:"All rules of the account as they would be."`
		From      int64          `json:"version,omitempty" minimum:"1" doc:"Or a version of them that is kept."`
		Plugin    string         `json:"plugin,omitempty" maxLength:"128" doc:"Or another version of a plugin."`
		Version   string         `json:"plugin_version,omitempty" maxLength:"64"`
		Guards    *rolloutGuards `json:"guards,omitempty"`
		Note      string         `json:"note,omitempty" maxLength:"512"`
	}
	// RolloutKey is the rollout that a path means. Exported because huma skips embedded
	// structs that are not.
	RolloutKey struct {
		ID        string `path:"id" maxLength:"64"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Whose. Left out: the caller's own; for a super admin the global rules', then that."`
	}
	rolloutList struct {
		Body struct {
			Data    []rollout `json:"data" doc:"Newest first."`
			HasMore bool      `json:"has_more" doc:"'before' with the last id has the next ones."`
		}
	}
	rolloutOutput struct {
		Body rollout
	}
	createdRollout struct {
		Location string `header:"Location"`
		Body     rollout
	}
)

func (s *Server) registerRollouts() {
	tag, path := []string{"rollouts"}, "/api/v1/rollouts"
	operation(s, huma.Operation{OperationID: "list-rollouts", Method: http.MethodGet, Path: path, Summary: "List rollouts", Tags: tag}, s.listRollouts)
	operation(s, huma.Operation{OperationID: "create-rollout", Method: http.MethodPost, Path: path, Summary: "Try other rules, or another version of a plugin, on live traffic", Tags: tag, DefaultStatus: http.StatusCreated,
		Description: "A canary ends by itself when it does worse than its guards allow, and the live rules decide everything again. Each step is an event."}, s.createRollout)
	operation(s, huma.Operation{OperationID: "get-rollout", Method: http.MethodGet, Path: path + "/{id}", Summary: "Get a rollout and what it has shown", Tags: tag}, s.getRollout)
	operation(s, huma.Operation{OperationID: "patch-rollout", Method: http.MethodPatch, Path: path + "/{id}", Summary: "Change a rollout's share", Tags: tag}, s.patchRollout)
	operation(s, huma.Operation{OperationID: "promote-rollout", Method: http.MethodPost, Path: path + "/{id}/promote", Summary: "Make a rollout's draft live", Tags: tag}, s.promoteRollout)
	operation(s, huma.Operation{OperationID: "stop-rollout", Method: http.MethodPost, Path: path + "/{id}/stop", Summary: "End a rollout", Tags: tag}, s.stopRollout)
}

func shownRollout(r engine.Rollout) rollout {
	out := rollout{
		ID: r.ID, AccountID: r.AccountID, Kind: string(r.Kind), Status: string(r.Status), Share: float64(r.Share) / 100,
		Plugin: r.Draft.Plugin, Version: r.Draft.Version, Base: r.Base, Note: r.Note, Reason: r.Reason, By: r.By,
		Guards: rolloutGuards{
			MinRequests: r.Guards.MinRequests, ErrorRate: r.Guards.ErrorRate, FaultRate: r.Guards.FaultRate,
			CostRatio: r.Guards.CostRatio, LatencyRatio: r.Guards.LatencyRatio, Window: r.Guards.Window.Seconds(),
		},
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	for _, one := range r.Draft.Rules {
		out.Rules = append(out.Rules, shownRule(one))
	}
	if !r.EndedAt.IsZero() {
		ended := r.EndedAt.UTC()
		out.EndedAt = &ended
	}
	return out
}

func shownSide(s engine.RolloutSide) *rolloutSide {
	return &rolloutSide{
		Requests: s.Requests, Errors: s.Errors, Faults: s.Faults, CostNanoUSD: s.CostNanoUSD, Premium: float64(s.PremiumUse) / 100,
		P50: s.LatencyMS.Quantile(0.5), P95: s.LatencyMS.Quantile(0.95),
	}
}

func shownRolloutStats(r engine.Rollout, s engine.RolloutStats) *rolloutStats {
	out := &rolloutStats{
		Compared: s.Compared, Agreed: s.Agreed, Faults: s.Faults, Undecided: s.Undecided, Dropped: s.Dropped,
		CostWas: s.CostWas, CostNow: s.CostNow, Moves: shownMoves(s.Moves),
	}
	if r.Kind == engine.RolloutCanary {
		out.Live, out.Draft = shownSide(s.Live), shownSide(s.Draft)
	}
	return out
}

func (s *Server) listRollouts(ctx context.Context, in *struct {
	AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own; for a super admin the global rules'."`
	Before    string `query:"before" maxLength:"64" doc:"Only those older than this id."`
	Limit     int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}) (*rolloutList, error) {
	p := principalOf(ctx)
	account := homeOf(p, in.AccountID)
	if accountID(account).strange(p) {
		return nil, noSuchAccount
	}
	list, err := s.cfg.Rollouts.ListRollouts(ctx, p, account, in.Before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &rolloutList{}
	if len(list) > in.Limit {
		list, out.Body.HasMore = list[:in.Limit], true
	}
	out.Body.Data = shownAll(list, shownRollout)
	return out, nil
}

func (s *Server) createRollout(ctx context.Context, in *struct{ Body newRollout }) (*createdRollout, error) {
	p, b := principalOf(ctx), &in.Body
	r := engine.Rollout{
		AccountID: homeOf(p, b.AccountID), Kind: engine.RolloutKind(b.Kind), Share: int(math.Round(b.Share * 100)), Note: b.Note,
	}
	if accountID(r.AccountID).strange(p) {
		return nil, noSuchAccount
	}
	var err error
	if r.Draft, err = s.draft(ctx, p, r.AccountID, b.Rules, b.From, b.Plugin, b.Version); err != nil {
		return nil, err
	}
	if b.Guards != nil {
		r.Guards = engine.RolloutGuards{
			MinRequests: b.Guards.MinRequests, ErrorRate: b.Guards.ErrorRate, FaultRate: b.Guards.FaultRate,
			CostRatio: b.Guards.CostRatio, LatencyRatio: b.Guards.LatencyRatio, Window: time.Duration(b.Guards.Window * float64(time.Second)),
		}
	}
	made, err := s.cfg.Rollouts.Begin(ctx, p, r)
	if err != nil {
		return nil, err
	}
	return &createdRollout{"/api/v1/rollouts/" + made.ID, shownRollout(made)}, nil
}

// findRollout reads the row that a path names.
func (s *Server) findRollout(ctx context.Context, k RolloutKey) (r engine.Rollout, stats engine.RolloutStats, err error) {
	p := principalOf(ctx)
	if accountID(k.AccountID).strange(p) {
		return r, stats, noSuchAccount
	}
	r, err = find(p, k.AccountID, func(account string) (engine.Rollout, error) {
		found, counted, err := s.cfg.Rollouts.GetRollout(ctx, p, account, k.ID)
		stats = counted
		return found, err
	})
	return r, stats, err
}

func (s *Server) getRollout(ctx context.Context, in *RolloutKey) (*rolloutOutput, error) {
	r, stats, err := s.findRollout(ctx, *in)
	if err != nil {
		return nil, err
	}
	out := &rolloutOutput{shownRollout(r)}
	out.Body.Stats = shownRolloutStats(r, stats)
	return out, nil
}

// changedRollout answers with what a change made of the rollout that a path names.
func (s *Server) changedRollout(ctx context.Context, k RolloutKey, change func(p engine.Principal, accountID string) (engine.Rollout, error)) (*rolloutOutput, error) {
	r, _, err := s.findRollout(ctx, k)
	if err != nil {
		return nil, err
	}
	if r, err = change(principalOf(ctx), r.AccountID); err != nil {
		return nil, err
	}
	return &rolloutOutput{shownRollout(r)}, nil
}

func (s *Server) patchRollout(ctx context.Context, in *struct {
	RolloutKey
	Body struct {
		Share float64 `json:"share" minimum:"0.01" maximum:"100" doc:"Percent."`
	}
}) (*rolloutOutput, error) {
	return s.changedRollout(ctx, in.RolloutKey, func(p engine.Principal, account string) (engine.Rollout, error) {
		return s.cfg.Rollouts.SetShare(ctx, p, account, in.ID, int(math.Round(in.Body.Share*100)))
	})
}

func (s *Server) promoteRollout(ctx context.Context, in *RolloutKey) (*rolloutOutput, error) {
	return s.changedRollout(ctx, *in, func(p engine.Principal, account string) (engine.Rollout, error) {
		return s.cfg.Rollouts.Promote(ctx, p, account, in.ID)
	})
}

func (s *Server) stopRollout(ctx context.Context, in *struct {
	RolloutKey
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"512"`
	}
}) (*rolloutOutput, error) {
	return s.changedRollout(ctx, in.RolloutKey, func(p engine.Principal, account string) (engine.Rollout, error) {
		reason := ""
		if in.Body != nil {
			reason = in.Body.Reason
		}
		return s.cfg.Rollouts.Stop(ctx, p, account, in.ID, reason)
	})
}
