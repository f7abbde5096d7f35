package engine

import (
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// settle writes the attempt's one usage row. err is how it ended; nil is success.
// Later calls do nothing.
func (a *attempt) settle(err error) {
	if a.settled {
		return
	}
	a.settled = true
	x, r, t := a.x, a.x.r, a.target
	code := CodeOf(err)
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
		price, ok := x.catalogue.AccountPrice(r.Principal.AccountID, t.Provider.ID, t.Model.UpstreamID, r.Received, tokens.Prompt)
		row.CostNanoUSD, row.Unpriced = price.Cost(tokens), !ok
	}
	if free := r.operation() == abi.OperationCountTokens; !free && (code == "" || code == CodeCanceled && a.used.output > 0) {
		// Hanging up before the last event makes no call free.
		row.PremiumUse = t.Model.PremiumCenti
	}
	x.p.cfg.Ledger.Record(row)
}

// count returns what the attempt used. Without any count of the provider's, an error
// before any output costs nothing; a timeout or a cancel after sending costs the
// prompt, for the provider may have read it.
func (a *attempt) count(code Code) (t Tokens, estimated bool) {
	m := &a.used
	if a.x.r.operation() == abi.OperationCountTokens {
		return Tokens{}, false // counting is free
	}
	if !m.prompt && !m.completion && m.output == 0 && code != "" {
		if !a.sent || a.unsent || code != CodeUpstreamTimeout && code != CodeCanceled {
			return Tokens{}, false
		}
	}
	return m.total(a.x.r.Features.Tokens + estimateTokens(int64(len(a.notes))))
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
