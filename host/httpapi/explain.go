package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// RouteExplainer decides on requests and tells why, asking no provider.
type RouteExplainer interface {
	// Explain is engine.Pipeline's.
	Explain(ctx context.Context, r *engine.Request, w engine.WhatIf) (engine.Explanation, error)
	// ExplainRecorded decides again on a request that was recorded. Errors: *engine.Error.
	ExplainRecorded(ctx context.Context, d *engine.DecisionRecord, w engine.WhatIf) (engine.Explanation, error)
}

// noExplainer knows no rules.
type noExplainer struct{}

func (noExplainer) Explain(context.Context, *engine.Request, engine.WhatIf) (engine.Explanation, error) {
	return engine.Explanation{}, nil
}

func (noExplainer) ExplainRecorded(context.Context, *engine.DecisionRecord, engine.WhatIf) (engine.Explanation, error) {
	return engine.Explanation{}, nil
}

// noDrafter compiles nothing.
type noDrafter struct{}

func (noDrafter) Draft(string, engine.RuleDraft) (engine.DraftRules, error) {
	return nil, engine.Errorf(engine.CodeNotFound, "There are no rules here.")
}

type (
	explainBody struct {
		Wire      string          `json:"wire,omitempty" enum:"chat,messages,responses,embeddings" doc:"What 'request' is written in. Default chat."`
		Request   json.RawMessage `json:"request,omitempty" doc:"A body as it would be sent."`
		RequestID string          `json:"request_id,omitempty" maxLength:"128" doc:"Or a request that was recorded."`
		AccountID string          `json:"account_id,omitempty" maxLength:"128" doc:"Of the recorded request, of 'user_id' and of drafts. Left out: the caller's own. Another one only for a super admin."`
		WhatIf    *whatIf         `json:"what_if,omitempty"`
	}
	whatIf struct {
		Down           []string   `json:"down,omitempty" maxItems:"100" doc:"Models or providers that are taken to be down."`
		Up             []string   `json:"up,omitempty" maxItems:"100" doc:"Likewise to be well."`
		BudgetFraction *float64   `json:"budget_left_fraction,omitempty" minimum:"0" maximum:"1" doc:"What the tightest budget is taken to leave: 0.05 is a budget at 95 %."`
		BudgetNanoUSD  *int64     `json:"budget_left_nano_usd,omitempty" minimum:"0"`
		SessionModel   *string    `json:"session_model,omitempty" maxLength:"128" doc:"Who is taken to have served the session's last turn; empty: this is the first."`
		At             *time.Time `json:"at,omitempty" doc:"When the request is taken to arrive. Not of a recorded one."`
		UserID         string     `json:"user_id,omitempty" maxLength:"128" doc:"Who is taken to send it. Not of a recorded one. For those who manage that user."`
		Rules          []rule     `json:"rules,omitempty" maxItems:"2000" doc:"All rules of the account as they would be; for its administrators."`
		Version        int64      `json:"version,omitempty" minimum:"1" doc:"Or a version of them that is kept."`
		Plugin         string     `json:"plugin,omitempty" maxLength:"128" doc:"Or another version of a plugin."`
		PluginVersion  string     `json:"plugin_version,omitempty" maxLength:"64"`
	}
	explainOutput struct{ Body explanation }
)

func (s *Server) registerExplain() {
	operation(s, huma.Operation{
		OperationID: "explain-route", Method: http.MethodPost, Path: "/api/v1/route/explain", Summary: "Where would a request go, and why?", Tags: []string{"decisions"},
		Description: "Decides as the gateway would, with what 'what_if' assumes, and tells every rule's and every model's part. No provider is called, no limit or budget is touched.",
	}, s.explainRoute)
}

func (s *Server) explainRoute(ctx context.Context, in *struct{ Body explainBody }) (*explainOutput, error) {
	rq, b := requestOf(ctx), &in.Body
	if (len(b.Request) == 0) == (b.RequestID == "") {
		return nil, invalid("request", "One of 'request' and 'request_id' is needed.")
	}
	if b.WhatIf == nil {
		b.WhatIf = &whatIf{}
	}
	account := b.AccountID
	if account == "" {
		account = rq.principal.AccountID
	}
	if accountID(account).strange(rq.principal) {
		return nil, noSuchAccount
	}
	what, err := s.assumed(ctx, rq.principal, account, b.WhatIf)
	if err != nil {
		return nil, err
	}
	var told engine.Explanation
	if b.RequestID != "" {
		if b.WhatIf.At != nil || b.WhatIf.UserID != "" {
			return nil, invalid("what_if", "'at' and 'user_id' are of a recorded request what they were.")
		}
		recorded, err := s.cfg.Decisions.Get(ctx, rq.principal, account, b.RequestID)
		if err != nil {
			return nil, err
		}
		told, err = s.cfg.Explainer.ExplainRecorded(ctx, &recorded.DecisionRecord, what)
		if err != nil {
			return nil, err
		}
		return &explainOutput{shownExplanation(&told, rq.principal)}, nil
	}
	arrival, err := s.imagined(ctx, rq, account, b.WhatIf)
	if err != nil {
		return nil, err
	}
	r, release, err := s.written(rq, b.Wire, b.Request, arrival)
	if err != nil {
		return nil, err
	}
	defer release()
	if told, err = s.cfg.Explainer.Explain(ctx, r, what); err != nil {
		return nil, err
	}
	return &explainOutput{shownExplanation(&told, rq.principal)}, nil
}

// imagined is who sends the request, and when.
func (s *Server) imagined(ctx context.Context, rq *request, account string, w *whatIf) (engine.Arrival, error) {
	a := engine.Arrival{ID: rq.id, Principal: rq.principal, Received: rq.received}
	if w.At != nil {
		a.Received = w.At.UTC()
	}
	switch {
	case w.UserID != "" && !(account == rq.principal.AccountID && w.UserID == rq.principal.UserID):
		u, err := s.cfg.Users.GetUser(ctx, rq.principal, account, w.UserID)
		if err != nil {
			return a, err
		}
		if rq.principal.Role.Rank() < u.Role.Rank() || rq.principal.Role == engine.RoleUser {
			return a, engine.Errorf(engine.CodeForbidden, "This key may not decide as that user.")
		}
		a.Principal = engine.Principal{AccountID: account, TeamID: u.TeamID, UserID: u.ID, Role: u.Role, Scopes: engine.AllScopes}
	case account != rq.principal.AccountID:
		a.Principal = engine.Principal{AccountID: account, Role: engine.RoleUser, Scopes: engine.AllScopes}
	}
	return a, nil
}

// assumed is what a caller assumes, if it may.
func (s *Server) assumed(ctx context.Context, p engine.Principal, account string, w *whatIf) (engine.WhatIf, error) {
	out := engine.WhatIf{Down: w.Down, Up: w.Up, SessionModel: w.SessionModel}
	if w.BudgetFraction != nil || w.BudgetNanoUSD != nil {
		left := engine.BudgetLeft{Bounded: true, NanoUSD: engine.NoLimit, Fraction: 1}
		overlay(&left.Fraction, w.BudgetFraction)
		overlay(&left.NanoUSD, w.BudgetNanoUSD)
		out.BudgetLeft = &left
	}
	if w.Rules == nil && w.Version == 0 && w.Plugin == "" {
		return out, nil
	}
	if p.Role != engine.RoleSuperAdmin && p.Role != engine.RoleAccountAdmin {
		return out, engine.Errorf(engine.CodeForbidden, "Only an administrator may try other rules.")
	}
	d, err := s.draft(ctx, p, account, w.Rules, w.Version, w.Plugin, w.PluginVersion)
	if err != nil {
		return out, err
	}
	out.Explainer, err = s.cfg.Drafter.Draft(account, d)
	return out, err
}
