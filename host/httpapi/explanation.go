package httpapi

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Bounds of what is shown of one decision.
const (
	maxShownRules      = 500
	maxShownCandidates = 128
)

// explanation is a decision told whole. What has "Readers only" is left out for a key that may
// not read the admin API: see RATIONALE.md, "What does x-pointsman-explain tell, and to whom?".
type explanation struct {
	RequestID    string         `json:"request_id"`
	At           time.Time      `json:"at" doc:"The request's one clock reading."`
	Asked        string         `json:"asked" doc:"The model that the caller named."`
	Rule         string         `json:"rule" doc:"Who decided: a rule's id, or default, pinned, assignment, override."`
	Reason       string         `json:"reason,omitempty" doc:"Of a plugin. Readers only."`
	Assignment   string         `json:"assignment,omitempty"`
	Variant      string         `json:"variant,omitempty" doc:"Id of the rollout whose draft decided; left out: the live rules."`
	RuleSet      *ruleSetRef    `json:"rule_set,omitempty" doc:"Versions of the rules. Readers only."`
	Rules        []ruleStep     `json:"rules" doc:"In order."`
	Candidates   []candidate    `json:"candidates" doc:"In order: the first one without 'skip' is asked."`
	Failed       []skip         `json:"failed,omitempty" doc:"Rules and conditions that failed or are suspended."`
	LeftOut      int            `json:"left_out,omitempty" doc:"Rules and candidates that there were more."`
	Tags         []pair         `json:"tags,omitempty" doc:"Of a plugin. Readers only."`
	Params       []pair         `json:"params,omitempty" doc:"That a plugin proposed. Readers only."`
	Features     *features      `json:"features,omitempty" doc:"What rules saw of the request. Readers only."`
	Prefer       *prefer        `json:"prefer,omitempty" doc:"Readers only."`
	Budget       *budgetLeft    `json:"budget,omitempty" doc:"Readers only."`
	Session      *sessionAsSeen `json:"session,omitempty" doc:"Left out for a first turn."`
	Fuel         int64          `json:"fuel,omitempty" doc:"That plugins spent. Readers only."`
	TookUS       int64          `json:"took_us"`
	ErrorCode    engine.Code    `json:"error_code,omitempty" doc:"Of the answer that the caller gets."`
	ErrorMessage string         `json:"error_message,omitempty"`
}

type (
	// ruleStep is one rule's part in a decision.
	ruleStep struct {
		ID        string             `json:"id"`
		AccountID string             `json:"account_id,omitempty" doc:"Whose rule it is; left out: global."`
		Name      string             `json:"name,omitempty"`
		Priority  int                `json:"priority"`
		Outcome   engine.RuleOutcome `json:"outcome" example:"no_match" doc:"matched, no_match, abstained, rejected, failed, suspended, other_team, disabled, shadowed, left_out, not_reached, not_asked, undecided."`
		Clause    string             `json:"clause,omitempty" doc:"The part of the expression that did not hold, or that made it hold. Readers only."`
		Detail    string             `json:"detail,omitempty" doc:"Readers only."`
		Plugin    string             `json:"plugin,omitempty" doc:"name@version. Readers only."`
		Digest    string             `json:"digest,omitempty" doc:"SHA-256 of the plugin's module. Readers only."`
		Fuel      int64              `json:"fuel,omitempty" doc:"Readers only."`
		TookNS    int64              `json:"took_ns,omitempty" doc:"Readers only."`
	}
	// candidate is one model of a ranking.
	candidate struct {
		Model            string      `json:"model"`
		Provider         string      `json:"provider,omitempty"`
		Upstream         string      `json:"upstream_id,omitempty" doc:"Readers only."`
		Substituted      bool        `json:"substituted,omitempty" doc:"The vendor's replacement serves a retired model."`
		Skip             *skip       `json:"skip,omitempty" doc:"Why it was not asked, or what came of asking it."`
		State            *modelState `json:"state,omitempty" doc:"As rules saw it. Readers only."`
		EstimatedNanoUSD *int64      `json:"estimated_nano_usd,omitempty" doc:"With a usual answer. Readers only."`
		EstimatedMost    *int64      `json:"estimated_most_nano_usd,omitempty" doc:"With the longest answer. Readers only."`
		Premium          float64     `json:"premium_requests,omitempty" doc:"Readers only."`
		ContextWindow    int64       `json:"context_window,omitempty"`
		OfDefault        bool        `json:"of_default,omitempty" doc:"It is the default handler's, not the rule's."`
		LastResort       bool        `json:"last_resort,omitempty" doc:"It is down, and asked because everything is."`
		Lowered          bool        `json:"lowered,omitempty" doc:"It comes later because it is degraded."`
	}
	skip struct {
		What   string            `json:"what,omitempty" doc:"Id of a rule, a model, an assignment."`
		Reason engine.SkipReason `json:"reason" example:"down"`
		Detail string            `json:"detail,omitempty" doc:"Readers only."`
	}
	modelState struct {
		Model             string `json:"model,omitempty"`
		Health            string `json:"health"`
		LatencyMS         int64  `json:"latency_ms" doc:"Median of late; 0: not known."`
		CostNanoUSD       int64  `json:"cost_nano_usd" doc:"About what the request would cost on it."`
		RemainingRequests *int64 `json:"remaining_requests" doc:"null: no limit."`
		RemainingTokens   *int64 `json:"remaining_tokens" doc:"null: no limit."`
	}
	ruleSetRef struct {
		Global  int64 `json:"global" doc:"0: not known."`
		Account int64 `json:"account" doc:"0: not known, or the account has none."`
		// The digests are of recorded decisions alone.
		GlobalDigest  string `json:"global_digest,omitempty" doc:"SHA-256 of that version's rules."`
		AccountDigest string `json:"account_digest,omitempty"`
	}
	pair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	features struct {
		Chars         int                 `json:"chars"`
		Tokens        int64               `json:"tokens" doc:"Estimate."`
		Messages      int                 `json:"messages"`
		Images        int64               `json:"images"`
		HasImage      bool                `json:"has_image"`
		HasAudio      bool                `json:"has_audio"`
		HasTools      bool                `json:"has_tools"`
		HasCode       bool                `json:"has_code"`
		Command       string              `json:"command,omitempty"`
		TaskType      string              `json:"task_type,omitempty"`
		TimeSensitive bool                `json:"time_sensitive"`
		Stream        bool                `json:"stream"`
		Needs         []engine.Capability `json:"needs,omitempty" doc:"Capabilities."`
	}
	prefer struct {
		Vision bool `json:"vision"`
		Speed  bool `json:"speed"`
		Cost   bool `json:"cost"`
	}
	budgetLeft struct {
		Bounded       bool    `json:"bounded" doc:"A hard budget applies."`
		NanoUSD       int64   `json:"nano_usd" doc:"What the tightest of them leaves."`
		Fraction      float64 `json:"fraction" doc:"Of that budget."`
		PreferCheaper bool    `json:"prefer_cheaper"`
	}
	sessionAsSeen struct {
		ID    string `json:"id,omitempty"`
		Turns int64  `json:"turns"`
		Model string `json:"model" doc:"That served the last turn."`
		Agent string `json:"agent,omitempty"`
	}
)

// shownExplanation is what the principal may see of it.
func shownExplanation(e *engine.Explanation, p engine.Principal) explanation {
	reader := p.Scopes.Has(engine.ScopeRead)
	out := explanation{
		RequestID: e.RequestID, At: e.At.UTC(), Asked: e.Asked, Rule: e.Source, Assignment: e.Assignment, Variant: e.Variant,
		Rules: shownSteps(e.Rules, reader), Session: shownSessionSeen(&e.Session), TookUS: e.TookUS,
		LeftOut: max(len(e.Rules)-maxShownRules, 0) + max(len(e.Candidates)-maxShownCandidates, 0),
	}
	if e.Err != nil {
		out.ErrorCode, out.ErrorMessage = e.Err.Code, e.Err.Message
	}
	out.Candidates = make([]candidate, 0, min(len(e.Candidates), maxShownCandidates))
	for i := range e.Candidates[:cap(out.Candidates)] {
		out.Candidates = append(out.Candidates, shownCandidate(&e.Candidates[i], reader))
	}
	for i := range e.Failed {
		out.Failed = append(out.Failed, *shownSkip(&e.Failed[i], reader))
	}
	if reader {
		out.Reason, out.Fuel, out.RuleSet = e.Reason, e.Fuel, &ruleSetRef{Global: e.Set.Global, Account: e.Set.Account}
		out.Tags, out.Params = shownPairs(e.Tags), shownPairs(e.Params)
		out.Features, out.Prefer, out.Budget = shownFeatures(&e.Features), &prefer{e.Prefer.Vision, e.Prefer.Speed, e.Prefer.Cost}, shownBudgetLeft(e.Budget)
	}
	return out
}

func shownSteps(steps []engine.RuleStep, reader bool) []ruleStep {
	steps = steps[:min(len(steps), maxShownRules)]
	out := make([]ruleStep, len(steps))
	for i := range steps {
		s := &steps[i]
		out[i] = ruleStep{ID: s.RuleID, AccountID: s.AccountID, Name: s.Name, Priority: s.Priority, Outcome: s.Outcome}
		if reader {
			out[i].Clause, out[i].Detail, out[i].Plugin, out[i].Digest, out[i].Fuel, out[i].TookNS = s.Clause, s.Detail, s.Plugin, s.Digest, s.Fuel, s.TookNS
		}
	}
	return out
}

func shownCandidate(c *engine.Candidate, reader bool) candidate {
	out := candidate{
		Model: c.Model, Provider: c.Provider, Substituted: c.Substituted, ContextWindow: c.ContextWindow,
		OfDefault: c.OfDefault, LastResort: c.LastResort, Lowered: c.DegradedLowered,
	}
	if c.Skip != nil {
		out.Skip = shownSkip(c.Skip, reader)
		out.Skip.What = ""
	}
	if !reader {
		return out
	}
	out.Upstream, out.Premium, out.State = c.Upstream, float64(c.PremiumCenti)/100, shownModelState("", &c.State)
	if c.Priced {
		usual, most := c.EstimatedCost, c.EstimatedMost
		out.EstimatedNanoUSD, out.EstimatedMost = &usual, &most
	}
	return out
}

func shownSkip(s *engine.Skip, reader bool) *skip {
	out := &skip{What: s.What, Reason: s.Reason}
	if reader {
		out.Detail = s.Detail
	}
	return out
}

func shownModelState(model string, s *engine.ModelState) *modelState {
	left := func(n int64) *int64 {
		if n == engine.NoLimit {
			return nil
		}
		return &n
	}
	return &modelState{model, s.Health, s.LatencyMS, s.CostNanoUSD, left(s.RemainingRequests), left(s.RemainingTokens)}
}

func shownPairs(list []engine.Pair) (out []pair) {
	for _, p := range list {
		out = append(out, pair(p))
	}
	return out
}

func shownFeatures(f *engine.Features) *features {
	return &features{
		Chars: f.Chars, Tokens: f.Tokens, Messages: f.Messages, Images: f.Images, HasImage: f.HasImage, HasAudio: f.HasAudio, HasTools: f.HasTools,
		HasCode: f.HasCode, Command: f.Command, TaskType: f.TaskType, TimeSensitive: f.TimeSensitive, Stream: f.Stream, Needs: f.Needs,
	}
}

func shownBudgetLeft(b engine.BudgetLeft) *budgetLeft {
	return &budgetLeft{b.Bounded, b.NanoUSD, b.Fraction, b.PreferCheaper}
}

func shownSessionSeen(s *engine.Session) *sessionAsSeen {
	if s.Turns == 0 {
		return nil
	}
	return &sessionAsSeen{s.ID, s.Turns, s.Model, s.Agent}
}
