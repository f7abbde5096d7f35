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
	a.ended = a.x.elapsed()
	a.observe(err)
	a.report(err)
	x, r, t := a.x, a.x.r, a.target
	code := CodeOf(err)
	tokens, estimated := a.count(code)
	row := x.row(&t, a.number, a.admission.id, a.after)
	row.Tokens, row.Estimated, row.Outcome, row.Code = tokens, estimated, outcomeOf(code), code
	if a.admission.id != "" {
		row.StartedAt = a.admission.started
	}
	row.LatencyMS, row.FirstByteMS = a.took().Milliseconds(), a.first.Milliseconds()
	if a.reply != nil {
		row.Status = a.reply.Status
	}
	if !x.free() && (tokens != (Tokens{}) || code == "") {
		price, ok := t.rates.charge(r.Received, tokens.Prompt)
		row.charge(price, ok, r.Features.Images)
	}
	if !x.free() && (code == "" || code == CodeCanceled && a.used.output > 0) {
		// Hanging up before the last event makes no call free.
		row.PremiumUse = t.Model.PremiumCenti
	}
	a.releaseHeld(row)
}

// took is how long the attempt lasted until it was settled.
func (a *attempt) took() time.Duration { return a.ended - a.after }

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
