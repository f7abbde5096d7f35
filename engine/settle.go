package engine

import (
	"context"
	"errors"
	"time"
)

// settle writes the attempt's one usage row. err is how it ended; nil is success.
// Later calls do nothing.
func (a *attempt) settle(err error) {
	if a.settled {
		return
	}
	a.settled = true
	x, r, t := a.x, a.x.r, a.target
	code := Code("")
	if err != nil {
		code = CodeOf(err)
		if errors.Is(err, context.Canceled) {
			code = CodeCanceled
		}
	}
	tokens, estimated := a.count(code)
	row := Usage{
		AccountID: r.Principal.AccountID, ID: newID(), RequestID: r.ID, Attempt: a.number,
		TeamID: r.Principal.TeamID, UserID: r.Principal.UserID, KeyID: r.Principal.KeyID, SessionID: r.Hints.SessionID,
		ModelID: t.Model.ID, ProviderID: t.Provider.ID, UpstreamID: t.Model.UpstreamID, Substituted: t.Substituted,
		Source: x.plan.decision.Source, Decision: record(x.plan, &t, x.failures), Stream: r.Stream,
		Tokens: tokens, Estimated: estimated,
		Outcome: outcomeOf(code), Code: code, Simulated: x.p.cfg.Upstream.Simulated(t.Provider),
		StartedAt: r.Received.Add(a.began.Sub(x.began)).UTC(),
		LatencyMS: time.Since(a.began).Milliseconds(), FirstByteMS: a.first.Milliseconds(),
	}
	if a.reply != nil {
		row.Status = a.reply.Status
	}
	if tokens != (Tokens{}) || code == "" {
		price, ok := x.catalogue.Price(t.Provider.ID, t.Model.UpstreamID, r.Received, tokens.Prompt)
		row.CostNanoUSD, row.Unpriced = price.Cost(tokens), !ok
	}
	if code == "" {
		row.PremiumUse = t.Model.PremiumCenti
	}
	x.p.cfg.Ledger.Record(row)
}

// count returns what the attempt used: the provider's own figures, else an
// estimate. An error before any output costs nothing; a timeout or a cancel after
// sending costs the prompt, for the provider may have read it.
func (a *attempt) count(code Code) (t Tokens, estimated bool) {
	if a.counted {
		return a.tokens, false
	}
	if !a.sent {
		return Tokens{}, false
	}
	if code != "" && a.output == 0 && code != CodeUpstreamTimeout && code != CodeCanceled {
		return Tokens{}, false
	}
	return Tokens{Prompt: a.x.r.Features.Tokens, Completion: estimateTokens(a.output)}, true
}

func outcomeOf(code Code) Outcome {
	switch code {
	case "":
		return OutcomeOK
	case CodeCanceled:
		return OutcomeCanceled
	case CodeUpstreamTruncated:
		return OutcomeTruncated
	}
	return OutcomeFailed
}
