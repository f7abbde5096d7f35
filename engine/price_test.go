package engine

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func nano(usd float64) int64 { return int64(math.Round(usd * 1e9)) }

func ptr(v int64) *int64 { return &v }

func TestPriceCost(t *testing.T) {
	full := Price{Input: nano(3), Output: nano(15), CachedInput: ptr(nano(0.3)), CacheWrite: ptr(nano(3.75)), CacheWrite1h: ptr(nano(6))}
	tests := []struct {
		name   string
		price  Price
		tokens Tokens
		want   int64
	}{
		{"nothing used", full, Tokens{}, 0},
		{"input and output", full, Tokens{Prompt: 1000, Completion: 100}, 1000*3000 + 100*15000},
		{"cached part is cheaper", full, Tokens{Prompt: 1000, Cached: 400}, 600*3000 + 400*300},
		{"both cache writes", full, Tokens{Prompt: 300, CacheWrite: 100, CacheWrite1h: 100}, 100*3000 + 100*3750 + 100*6000},
		{"unnamed cache price is the input's", Price{Input: nano(2), Output: nano(8)}, Tokens{Prompt: 10, Cached: 10}, 10 * 2000},
		{"reasoning is inside completion", full, Tokens{Completion: 10, Reasoning: 9}, 10 * 15000},
		{"reasoning has a price of its own", Price{Output: nano(10), Reasoning: ptr(nano(4))}, Tokens{Completion: 10, Reasoning: 9}, 1*10000 + 9*4000},
		{"reasoning for nothing", Price{Output: nano(10), Reasoning: ptr(0)}, Tokens{Completion: 10, Reasoning: 9}, 10000},
		{"more reasoning than completion", Price{Output: nano(10), Reasoning: ptr(nano(4))}, Tokens{Completion: 2, Reasoning: 9}, 9 * 4000},
		{"a request costs by itself", Price{PerRequest: 7, Input: nano(1)}, Tokens{Prompt: 1}, 7 + 1000},
		{"parts that exceed their whole", full, Tokens{Prompt: 0, Cached: math.MaxInt64, CacheWrite: math.MaxInt64}, math.MaxInt64},
		{"a negative part is none", full, Tokens{Prompt: 10, Cached: -5}, 10 * 3000},
		{"each counter rounds up", Price{Input: 1, Output: 1, CachedInput: ptr(1)}, Tokens{Prompt: 2, Cached: 1, Completion: 1}, 3},
		{"rounds up", Price{Input: 1}, Tokens{Prompt: 1}, 1},
		{"free model", Price{}, Tokens{Prompt: 1e9, Completion: 1e9}, 0},
		{"negative counters are nothing", full, Tokens{Prompt: -5, Completion: -5}, 0},
		{"does not overflow", Price{Input: math.MaxInt64, Output: math.MaxInt64}, Tokens{Prompt: math.MaxInt64, Completion: math.MaxInt64}, math.MaxInt64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.price.Cost(tt.tokens); got != tt.want {
				t.Errorf("Cost(%+v) = %d, want %d", tt.tokens, got, tt.want)
			}
		})
	}
}

func TestPriceImages(t *testing.T) {
	for _, tt := range []struct {
		name     string
		price, n int64
		want     int64
	}{
		{"none", 5, 0, 0}, {"free", 0, 5, 0}, {"some", 5, 3, 15}, {"a negative number", 5, -1, 0}, {"a negative price", -5, 1, 0},
		{"does not overflow", math.MaxInt64, 3, math.MaxInt64}, {"nor by little", 1 << 62, 2, math.MaxInt64},
	} {
		if got := (&Price{PerImage: tt.price}).Images(tt.n); got != tt.want {
			t.Errorf("%s: Images(%d) at %d = %d, want %d", tt.name, tt.n, tt.price, got, tt.want)
		}
	}
}

// TestPriceProperties: with any price and counters, also senseless ones, a cost is never
// negative, more tokens of a kind never cost less, the whole is the sum of its parts, and
// what is reserved is never less than what is billed.
func TestPriceProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	amount := func() int64 {
		switch random.IntN(8) {
		case 0:
			return 0
		case 1:
			return math.MaxInt64
		case 2:
			return -random.Int64N(1 << 40)
		}
		return random.Int64N(1 << random.IntN(62))
	}
	optional := func() *int64 {
		if random.IntN(2) == 0 {
			return nil
		}
		return ptr(max(amount(), 0))
	}
	for range 20_000 {
		p := Price{
			Input: max(amount(), 0), Output: max(amount(), 0), CachedInput: optional(), CacheWrite: optional(),
			CacheWrite1h: optional(), Reasoning: optional(), PerRequest: max(amount(), 0), PerImage: max(amount(), 0),
		}
		x := Tokens{Prompt: amount(), Cached: amount(), CacheWrite: amount(), CacheWrite1h: amount(), Completion: amount(), Reasoning: amount()}
		cost := p.Cost(x)
		if cost < 0 || p.Images(amount()) < 0 {
			t.Fatalf("%+v: Cost(%+v) = %d, want it not to be negative", p, x, cost)
		}
		step := random.Int64N(1 << 20)
		for name, grow := range map[string]func(*Tokens){
			"prompt":      func(t *Tokens) { t.Prompt += step },
			"completion":  func(t *Tokens) { t.Completion += step },
			"cached":      func(t *Tokens) { t.Prompt += step; t.Cached += step },
			"cache write": func(t *Tokens) { t.Prompt += step; t.CacheWrite += step },
			"1h write":    func(t *Tokens) { t.Prompt += step; t.CacheWrite1h += step },
			"reasoning":   func(t *Tokens) { t.Completion += step; t.Reasoning += step },
		} {
			more := within(x)
			before := p.Cost(more)
			grow(&more)
			if after := p.Cost(more); after < before {
				t.Fatalf("%+v: Cost(%+v) = %d with %d more of %s, want no less than %d", p, more, after, step, name, before)
			}
		}
		real := within(x)
		parts := p.Cost(Tokens{Prompt: real.Prompt, Cached: real.Cached, CacheWrite: real.CacheWrite, CacheWrite1h: real.CacheWrite1h})
		whole, output := p.Cost(real), p.Cost(Tokens{Completion: real.Completion, Reasoning: real.Reasoning})
		if sum := saturatingAdd(parts, output-p.PerRequest); whole != math.MaxInt64 && sum != whole {
			t.Fatalf("%+v: Cost(%+v) = %d, its parts are %d", p, real, whole, sum)
		}
		images := random.Int64N(10)
		// Each of six counters may be rounded up by itself.
		if most := saturatingAdd(p.most(real.Prompt, real.Completion, images), 6); most < saturatingAdd(whole, p.Images(images)) {
			t.Fatalf("%+v: most(%d, %d) = %d, and Cost(%+v) = %d", p, real.Prompt, real.Completion, most, real, whole)
		}
	}
}

// within makes counters that a provider may send.
func within(t Tokens) Tokens {
	clamp := func(v, limit int64) int64 { return min(max(v, 0), limit) }
	t.Prompt, t.Completion = clamp(t.Prompt, maxTokens), clamp(t.Completion, maxTokens)
	t.Cached = clamp(t.Cached, t.Prompt)
	t.CacheWrite = clamp(t.CacheWrite, t.Prompt-t.Cached)
	t.CacheWrite1h = clamp(t.CacheWrite1h, t.Prompt-t.Cached-t.CacheWrite)
	t.Reasoning = clamp(t.Reasoning, t.Completion)
	return t
}

func TestCatalogueCharge(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	prices := []Price{
		{ProviderID: "p", UpstreamID: "cheap", From: day(1), Input: 1, Output: 2},
		{ProviderID: "p", UpstreamID: "free", From: day(1)},
		{ProviderID: "p", UpstreamID: "dear", From: day(1), Input: 3, Output: 4, CacheWrite1h: ptr(30), Reasoning: ptr(40), PerRequest: 5},
		{ProviderID: "p", UpstreamID: "dear", From: day(1), AbovePrompt: 10, Input: 31, Output: 4, PerImage: 6},
		{AccountID: "rival", ProviderID: "p", UpstreamID: "cheap", From: day(1), Input: 1000, Output: 1000},
	}
	refusing, charging := NewCatalogue(nil, nil, prices), NewCatalogue(nil, nil, prices).ChargeCeiling()
	for upstream, want := range map[string]int64{"cheap": 1, "free": 0} {
		for _, c := range []*Catalogue{refusing, charging} {
			if p, ok := c.Charge("a", "p", upstream, day(2), 1); !ok || p.Input != want || p.Ceiling() {
				t.Errorf("Charge(%s) = %+v, %v, want its own price", upstream, p, ok)
			}
		}
	}
	if p, ok := refusing.Charge("a", "p", "unknown", day(2), 1); ok {
		t.Errorf("Charge(unknown) = %+v, want none", p)
	}
	p, ok := charging.Charge("a", "p", "unknown", day(2), 1)
	if !ok || !p.Ceiling() || p.Input != 31 || p.Output != 40 || p.PerRequest != 5 || p.PerImage != 6 || !p.From.IsZero() {
		t.Errorf("Charge(unknown) = %+v, %v, want the dearest of each", p, ok)
	}
	if p, ok := charging.AccountPrice("a", "p", "unknown", day(2), 1); ok {
		t.Errorf("AccountPrice(unknown) = %+v, want none: the ceiling is no price", p)
	}
	free := NewCatalogue(nil, nil, prices[1:2]).ChargeCeiling()
	if p, ok := free.Charge("a", "p", "unknown", day(2), 1); ok {
		t.Errorf("Charge(unknown) = %+v, want none: nothing is free because nobody knows its price", p)
	}
}

func TestCataloguePrice(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	c := NewCatalogue(nil, nil, []Price{
		{ProviderID: "p", UpstreamID: "m", From: day(1), Input: 1},
		{ProviderID: "p", UpstreamID: "m", From: day(10), Input: 2},
		{ProviderID: "p", UpstreamID: "m", From: day(10), AbovePrompt: 1000, Input: 3},
		{ProviderID: "p", UpstreamID: "m", From: day(20), Input: 4},
	})
	tests := []struct {
		name   string
		at     time.Time
		prompt int64
		want   int64
		wantOK bool
	}{
		{"before the first", day(1).Add(-time.Second), 1, 0, false},
		{"from its day on", day(1), 1, 1, true},
		{"the newer one", day(10), 1000, 2, true},
		{"above the threshold", day(10), 1001, 3, true},
		{"a newer price without tiers", day(20), 5000, 4, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := c.Price("p", "m", tt.at, tt.prompt)
			if ok != tt.wantOK || got.Input != tt.want {
				t.Errorf("Price(%v, %d) = %d, %v, want %d, %v", tt.at, tt.prompt, got.Input, ok, tt.want, tt.wantOK)
			}
		})
	}
	if _, ok := c.Price("p", "unknown", day(20), 1); ok {
		t.Error("Price(unknown) is known, want unknown: a missing price is not 0")
	}
}
