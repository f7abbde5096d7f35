package cost

import (
	"context"
	"math"
	"math/big"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Project says what the month will have cost at its end: what was spent since its begin, and
// for the time that is left the mean of the last ProjectionDays full days, in UTC. Days before
// the first one of which there is a row count for nothing, but those more than a month ago are
// not looked for. Errors: those of Report.
func (r *Reports) Project(ctx context.Context, p engine.Principal, f engine.CostFilter) (out engine.CostProjection, err error) {
	if f, err = r.narrow(ctx, p, f, true); err != nil {
		return out, err
	}
	now := r.cfg.Now().UTC()
	today := now.Truncate(day)
	out.AccountID, out.From = f.AccountID, monthOf(now)
	out.To = out.From.AddDate(0, 1, 0)
	ask := asked(f, span{today.AddDate(0, 0, -31-engine.ProjectionDays), today.Add(day), engine.GrainDay})
	ask.Series = true
	rows, err := r.cfg.Store.Report(ctx, ask)
	if err != nil {
		return out, err
	}
	window := today.AddDate(0, 0, -engine.ProjectionDays)
	first := today
	var spent, recent engine.UsageSums
	for i := range rows {
		cost := engine.UsageSums{CostNanoUSD: rows[i].CostNanoUSD}
		at := rows[i].At
		if !at.Before(out.From) {
			spent.Add(cost)
		}
		if !at.Before(window) && at.Before(today) {
			recent.Add(cost)
		}
		if at.Before(first) {
			first = at
		}
	}
	if first.Before(window) {
		first = window
	}
	out.SpentNanoUSD, out.Left = spent.CostNanoUSD, out.To.Sub(now)
	out.ProjectedNanoUSD = out.SpentNanoUSD
	if out.Days = int(today.Sub(first) / day); out.Days > 0 {
		out.MeanNanoUSD = recent.CostNanoUSD / int64(out.Days)
		left := engine.UsageSums{CostNanoUSD: timesRatio(recent.CostNanoUSD, int64(out.Left/time.Millisecond), int64(out.Days)*day.Milliseconds())}
		left.Add(spent)
		out.ProjectedNanoUSD = left.CostNanoUSD
	}
	return out, nil
}

// timesRatio is n × numerator / denominator, cut to a whole number, or what there is next to it.
func timesRatio(n, numerator, denominator int64) int64 {
	v := new(big.Int).Mul(big.NewInt(n), big.NewInt(numerator))
	v.Quo(v, big.NewInt(denominator))
	switch {
	case v.IsInt64():
		return v.Int64()
	case v.Sign() < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}
