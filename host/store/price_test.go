package store_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

func seedPrices(t *testing.T) (store.Catalogue, *engine.Catalogue) {
	t.Helper()
	c, err := store.LoadCatalogue(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return c, engine.NewCatalogue(c.Models, c.Providers, c.Prices)
}

// TestGoldenCosts holds what every model of the catalogue costs, also those that a
// replacement serves, by kinds of tokens and around each tier, against testdata/costs.tsv. That table
// was not made by this code but with exact fractions of the seed's decimal strings: see RATIONALE.md,
// "How is the table of costs made?".
func TestGoldenCosts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/costs.tsv")
	if err != nil {
		t.Fatal(err)
	}
	rows, c := seedPrices(t)
	seen, substituted := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 10 {
			t.Fatalf("line %q has %d columns, want 10", line, len(f))
		}
		var n [7]int64
		for i := range n {
			if n[i], err = strconv.ParseInt(f[3+i], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		at, err := time.Parse(time.RFC3339, f[1])
		if err != nil {
			t.Fatal(err)
		}
		m, ok := c.Model("", f[0])
		if !ok {
			t.Errorf("Model(%q) is unknown", f[0])
			continue
		}
		served, stood, ok := m.At(at)
		if !ok || served.UpstreamID != f[2] {
			t.Errorf("Model(%q).At(%s) = %q, %v, want %q", f[0], f[1], served.UpstreamID, ok, f[2])
			continue
		}
		seen[m.ID] = true
		if stood {
			substituted[m.ID] = true
		}
		tokens := engine.Tokens{Prompt: n[0], Cached: n[1], CacheWrite: n[2], CacheWrite1h: n[3], Completion: n[4], Reasoning: n[5]}
		p, ok := c.Price(served.ProviderID, served.UpstreamID, at, tokens.Prompt)
		if got := p.Cost(tokens); !ok || got != n[6] {
			t.Errorf("%s at %s: Cost(%+v) = %d, %v, want %d", f[0], f[1], tokens, got, ok, n[6])
		}
	}
	for _, m := range rows.Models {
		if !seen[m.ID] || m.Replacement != nil && !substituted[m.ID] {
			t.Errorf("%s, or what replaces it, is not in the table", m.ID)
		}
	}
}
