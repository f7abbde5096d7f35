package engine

import (
	"math"
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
