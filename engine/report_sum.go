package engine

import "math"

// Add counts a row of the ledger. See ReportRow for what counts as what.
func (r *ReportRow) Add(u *Usage) {
	r.CostNanoUSD = saturatingSum(r.CostNanoUSD, u.CostNanoUSD)
	if u.Kind == UsageCorrection {
		return
	}
	r.Tokens.add(u.Tokens)
	r.PremiumUse = saturatingSum(r.PremiumUse, u.PremiumUse)
	r.Estimated += count(u.Estimated)
	r.Unpriced += count(u.Unpriced)
	if u.Kind != UsageAttempt {
		return
	}
	r.Attempts++
	r.Requests += count(u.Attempt == 1)
	r.Errors += count(u.Outcome != OutcomeOK && u.Outcome != OutcomeCanceled)
	if u.Outcome == OutcomeOK {
		r.LatencyMS.Add(u.LatencyMS)
	}
	if u.FirstByteMS > 0 {
		r.FirstByteMS.Add(u.FirstByteMS)
	}
}

// Merge adds the sums of another group to r's; its Group and At stay r's.
func (r *ReportRow) Merge(other *ReportRow) {
	r.CostNanoUSD = saturatingSum(r.CostNanoUSD, other.CostNanoUSD)
	r.Tokens.add(other.Tokens)
	for _, sum := range [...][2]*int64{
		{&r.Requests, &other.Requests}, {&r.Attempts, &other.Attempts}, {&r.Errors, &other.Errors},
		{&r.PremiumUse, &other.PremiumUse}, {&r.Estimated, &other.Estimated}, {&r.Unpriced, &other.Unpriced},
	} {
		*sum[0] = saturatingSum(*sum[0], *sum[1])
	}
	r.LatencyMS.Merge(other.LatencyMS)
	r.FirstByteMS.Merge(other.FirstByteMS)
}

func (t *Tokens) add(other Tokens) {
	for _, sum := range [...][2]*int64{
		{&t.Prompt, &other.Prompt}, {&t.Cached, &other.Cached}, {&t.CacheWrite, &other.CacheWrite},
		{&t.CacheWrite1h, &other.CacheWrite1h}, {&t.Completion, &other.Completion}, {&t.Reasoning, &other.Reasoning},
	} {
		*sum[0] = saturatingSum(*sum[0], *sum[1])
	}
}

func count(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// saturatingSum is a+b, or what there is next to it.
func saturatingSum(a, b int64) int64 {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}
