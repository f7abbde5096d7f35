package engine

import (
	"math"
	"math/bits"
)

// Cost returns what a request of those tokens costs in nano-USD, each counter rounded up to
// the next nano-USD, without its images. A counter whose price the vendor does not name is
// billed as what it is a part of. Sums that do not fit are math.MaxInt64. Negative counters
// count as 0.
func (p *Price) Cost(t Tokens) int64 {
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
	plain := rest(rest(rest(t.Prompt, t.Cached), t.CacheWrite), t.CacheWrite1h)
	said, thought, reasoning := t.Completion, int64(0), int64(0)
	if p.Reasoning != nil {
		said, thought, reasoning = rest(t.Completion, t.Reasoning), t.Reasoning, *p.Reasoning
	}
	sum := max(p.PerRequest, 0)
	for _, part := range [...][2]int64{
		{plain, p.Input}, {t.Cached, cached}, {t.CacheWrite, write}, {t.CacheWrite1h, write1h}, {said, p.Output}, {thought, reasoning},
	} {
		sum = saturatingAdd(sum, perMillion(part[0], part[1]))
	}
	return sum
}

// Images returns what so many images of a request's input cost in nano-USD, beside their
// tokens.
func (p *Price) Images(n int64) int64 {
	if n <= 0 || p.PerImage <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(n), uint64(p.PerImage))
	if hi > 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}

// most is what a request costs if each counter is billed in the dearest way.
func (p *Price) most(prompt, output, images int64) int64 {
	input, dearest := p.dearest()
	sum := saturatingAdd(perMillion(prompt, input), perMillion(output, dearest))
	return saturatingAdd(saturatingAdd(sum, max(p.PerRequest, 0)), p.Images(images))
}

// dearest is what a token of input, and one of output, may cost at most.
func (p *Price) dearest() (input, output int64) {
	input, output = p.Input, p.Output
	for _, named := range [...]*int64{p.CachedInput, p.CacheWrite, p.CacheWrite1h} {
		if named != nil {
			input = max(input, *named)
		}
	}
	if p.Reasoning != nil {
		output = max(output, *p.Reasoning)
	}
	return input, output
}

// rest is what is left of a counter beside a part of it.
func rest(whole, part int64) int64 { return max(whole, 0) - min(max(part, 0), max(whole, 0)) }

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
