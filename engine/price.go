package engine

import (
	"math"
	"math/bits"
)

// Cost returns what the tokens cost in nano-USD, each counter rounded up to the
// next nano-USD. A counter whose price the vendor does not name is billed as plain input.
// Sums that do not fit are math.MaxInt64. Negative counters count as 0.
func (p Price) Cost(t Tokens) int64 {
	cached, write, write1h := p.Input, p.Input, p.Input
	if p.CachedInput != nil {
		cached = *p.CachedInput
	}
	if p.CacheWrite != nil {
		write, write1h = *p.CacheWrite, *p.CacheWrite
	}
	if p.CacheWrite1h != nil {
		write1h = *p.CacheWrite1h
	}
	plain := t.Prompt - t.Cached - t.CacheWrite - t.CacheWrite1h
	sum := int64(0)
	for _, part := range [...][2]int64{
		{plain, p.Input}, {t.Cached, cached}, {t.CacheWrite, write}, {t.CacheWrite1h, write1h}, {t.Completion, p.Output},
	} {
		sum = saturatingAdd(sum, perMillion(part[0], part[1]))
	}
	return sum
}

// perMillion is ⌈tokens × price / 10⁶⌉ without overflow on the way.
func perMillion(tokens, price int64) int64 {
	if tokens <= 0 || price <= 0 {
		return 0
	}
	const million = 1_000_000
	hi, lo := bits.Mul64(uint64(tokens), uint64(price))
	lo, carry := bits.Add64(lo, million-1, 0)
	hi += carry
	if hi >= million {
		return math.MaxInt64
	}
	quotient, _ := bits.Div64(hi, lo, million)
	if quotient > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(quotient)
}

func saturatingAdd(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
