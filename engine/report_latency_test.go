package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestLatencyBucketsAdd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		ms     int64
		bucket int
	}{
		{"negative", -5, 0}, {"nothing", 0, 0}, {"one", 1, 1}, {"two", 2, 2}, {"three", 3, 3}, {"four", 4, 4}, {"five", 5, 4}, {"six", 6, 5},
		{"the end of the last but one", 191751, 30}, {"the begin of the last", 191752, 31}, {"the most", math.MaxInt64, 31},
	} {
		var b LatencyBuckets
		b.Add(c.ms)
		if b[c.bucket] != 1 || b.Count() != 1 {
			t.Errorf("%s: Add(%d) = %v, want one in bucket %d", c.name, c.ms, b, c.bucket)
		}
	}
}

// Every quantile is within the bucket that holds the duration of that rank.
func TestLatencyBucketsQuantileIsWithinABucket(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var b, parts LatencyBuckets
		list := make([]int64, 1+r.IntN(200))
		for i := range list {
			list[i] = int64(math.Exp(r.Float64() * 13))
			b.Add(list[i])
			var one LatencyBuckets
			one.Add(list[i])
			parts.Merge(one)
		}
		if b != parts {
			t.Fatalf("Merge() of parts = %v, want %v", parts, b)
		}
		slices.Sort(list)
		last := 0.0
		for _, q := range []float64{-1, 0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1, 2} {
			got := b.Quantile(q)
			rank := max(int(math.Ceil(min(max(q, 0), 1)*float64(len(list)))), 1)
			var want, have LatencyBuckets
			want.Add(list[rank-1])
			have.Add(int64(got))
			if want != have {
				t.Fatalf("Quantile(%v) of %v = %v, want it in the bucket of %d", q, list, got, list[rank-1])
			}
			if got < last {
				t.Fatalf("Quantile(%v) = %v, less than the %v of a smaller share", q, got, last)
			}
			last = got
		}
	}
}

func TestLatencyBucketsOfNothing(t *testing.T) {
	t.Parallel()
	var b LatencyBuckets
	if got := b.Quantile(0.5); got != 0 {
		t.Errorf("Quantile() of nothing = %v, want 0", got)
	}
	b[3] = math.MaxInt64
	b.Merge(b)
	if b[3] != math.MaxInt64 || b.Count() != math.MaxInt64 {
		t.Errorf("Merge() beyond what there is = %v, want it to stay", b)
	}
	if got := b.Quantile(1); got != 3 {
		t.Errorf("Quantile(1) of one bucket = %v, want its end, 3", got)
	}
}

func TestReportRowMergeIsTheSumOfRows(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var all, left, right ReportRow
	for i := range 500 {
		u := Usage{
			Kind: []UsageKind{UsageAttempt, UsageAttempt, UsageCorrection, UsageExternal}[r.IntN(4)], Attempt: 1 + r.IntN(2),
			Outcome: []Outcome{OutcomeOK, OutcomeFailed, OutcomeCanceled}[r.IntN(3)], CostNanoUSD: r.Int64N(1000) - 300, PremiumUse: r.Int64N(9),
			Tokens:    Tokens{Prompt: r.Int64N(9), Cached: r.Int64N(9), CacheWrite: r.Int64N(9), CacheWrite1h: r.Int64N(9), Completion: r.Int64N(9), Reasoning: r.Int64N(9)},
			Estimated: r.IntN(2) == 0, Unpriced: r.IntN(2) == 0, LatencyMS: r.Int64N(5000), FirstByteMS: r.Int64N(500),
		}
		all.Add(&u)
		if i%3 == 0 {
			left.Add(&u)
		} else {
			right.Add(&u)
		}
	}
	left.Merge(&right)
	if left.Group = all.Group; left.At != all.At || left.Tokens != all.Tokens || left.LatencyMS != all.LatencyMS || left.CostNanoUSD != all.CostNanoUSD ||
		left.Requests != all.Requests || left.Attempts != all.Attempts || left.Errors != all.Errors || left.FirstByteMS != all.FirstByteMS ||
		left.PremiumUse != all.PremiumUse || left.Estimated != all.Estimated || left.Unpriced != all.Unpriced {
		t.Errorf("Merge() = %+v, want %+v", left, all)
	}
}
