package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

func calculable(t *testing.T, ceiling bool) (*rig, *Catalogue) {
	t.Helper()
	g := newRig(t, map[string]*script{"a": works("a"), "b": works("b")})
	model := func(id string, more func(*Model)) Model {
		m := Model{ID: id, ProviderID: "a", UpstreamID: id, API: APIChat, PremiumCenti: 33, Enabled: true}
		if more != nil {
			more(&m)
		}
		return m
	}
	per := func(n int64) int64 { return n * 1e6 } // nano-USD a token
	c := NewCatalogue([]Model{
		model("cheap", func(m *Model) { m.MaxOutput = 50 }),
		model("dear", func(m *Model) { m.MaxOutput = 4000 }),
		model("small", func(m *Model) { m.ContextWindow = 2 }),
		model("unknown", nil),
		model("off", func(m *Model) { m.Enabled = false }),
		model("vectors", func(m *Model) { m.Capabilities = []Capability{CapEmbeddings} }),
		model("old", func(m *Model) {
			m.RetiresAt, m.Replacement = rigTime, &Replacement{UpstreamID: "new", API: APIChat, MaxOutput: 10}
		}),
	}, []Provider{{ID: "a", Adapter: "a", Enabled: true}}, []Price{
		{ProviderID: "a", UpstreamID: "cheap", Input: per(1), Output: per(2)},
		{ProviderID: "a", UpstreamID: "dear", Input: per(10), Output: per(20), PerRequest: 7},
		{ProviderID: "a", UpstreamID: "dear", AbovePrompt: 100, Input: per(100), Output: per(20), PerImage: 1000},
		{ProviderID: "a", UpstreamID: "small", Input: per(3), Output: per(3)},
		{ProviderID: "a", UpstreamID: "vectors", Input: per(1)},
		{ProviderID: "a", UpstreamID: "new", Input: per(4), Output: per(4)},
		{AccountID: "acme", ProviderID: "a", UpstreamID: "cheap", Input: per(2), Output: per(2)},
	})
	if ceiling {
		c.ChargeCeiling()
	}
	g.catalogue.Store(c)
	return g, c
}

func TestCalculate(t *testing.T) {
	t.Parallel()
	image := `,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]`
	tests := []struct {
		name, more string
		given      *Calculated
		want       []string // model, cost, the most, reason
	}{
		{"as long as is usual", ``, nil, []string{
			fmt.Sprint("old ", 3*4+10*4, " ", 3*4+10*4, " "),
			fmt.Sprint("cheap ", 3*2+50*2, " ", 3*2+50*2, " "),
			fmt.Sprint("small ", 3*3+1024*3, " ", 3*3+1024*3, " context_too_small"),
			fmt.Sprint("dear ", 3*10+1024*20+7, " ", 3*10+4000*20+7, " "),
			"unknown - - unpriced",
		}},
		{"as asked", `,"max_tokens":20`, nil, []string{
			fmt.Sprint("cheap ", 3*2+20*2, " ", 3*2+20*2, " "), fmt.Sprint("old ", 3*4+10*4, " ", 3*4+10*4, " "),
			fmt.Sprint("small ", 3*3+20*3, " ", 3*3+20*3, " context_too_small"), fmt.Sprint("dear ", 3*10+20*20+7, " ", 3*10+20*20+7, " "), "unknown - - unpriced",
		}},
		{"tokens that are known", ``, &Calculated{Tokens: Tokens{Prompt: 101, Completion: 5}, Images: 2}, []string{
			fmt.Sprint("cheap ", 101*2+5*2, " ", 101*2+5*2, " "), fmt.Sprint("small ", 101*3+5*3, " ", 101*3+5*3, " context_too_small"),
			fmt.Sprint("old ", 101*4+5*4, " ", 101*4+5*4, " "), fmt.Sprint("dear ", 101*100+5*20+2000, " ", 101*100+5*20+2000, " "), "unknown - - unpriced",
		}},
		{"an image", image, nil, []string{
			fmt.Sprint("cheap ", 1000*2+50*2, " ", 1000*2+50*2, " lacks_capability"), fmt.Sprint("old ", 1000*4+10*4, " ", 1000*4+10*4, " lacks_capability"),
			fmt.Sprint("small ", 1000*3+1024*3, " ", 1000*3+1024*3, " lacks_capability"), fmt.Sprint("dear ", 1000*100+1024*20+1000, " ", 1000*100+4000*20+1000, " lacks_capability"), "unknown - - lacks_capability",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g, _ := calculable(t, false)
			more := tt.more
			if more == image {
				more = ""
			}
			r := rigRequest(t, more)
			if tt.more == image {
				doc, err := ParseChat([]byte(`{"model":"auto"` + image + `}`))
				if err != nil {
					t.Fatal(err)
				}
				r.Doc = doc
			}
			list, err := g.Calculate(t.Context(), r, tt.given)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range list {
				reason := ""
				if c.Skip != nil {
					reason = string(c.Skip.Reason)
				}
				if !c.Priced {
					got = append(got, c.Model.ID+" - - "+reason)
					continue
				}
				got = append(got, fmt.Sprint(c.Model.ID, " ", c.NanoUSD, " ", c.MostNanoUSD, " ", reason))
				if c.PremiumCenti != 33 || c.Substituted != (c.Model.ID == "old") || c.Substituted && c.Model.UpstreamID != "new" {
					t.Errorf("%+v, want 33 hundredths, and the replacement of old alone", c)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Calculate() = %q, want %q", got, tt.want)
			}
			if rows := g.ledger.all(); len(rows) != 0 || len(g.asked) != 0 {
				t.Errorf("%d rows, asked %q, want nothing spent", len(rows), g.asked)
			}
		})
	}
}

// What is left of a budget says whether a model may be used.
func TestCalculateWithinBudget(t *testing.T) {
	t.Parallel()
	g, _ := calculable(t, false)
	account(g).left = BudgetLeft{Bounded: true, NanoUSD: 60, Fraction: 0.1}
	list, err := g.Calculate(t.Context(), rigRequest(t, ""), nil)
	if err != nil || len(list) != 5 || list[0].Skip != nil || list[1].Skip == nil || list[1].Skip.Reason != SkipBudget {
		t.Errorf("Calculate() = %+v, %v, want old to be within the budget, and cheap over it", list, err)
	}
}

// A model without a price is refused, or charged as the dearest, and never for nothing.
func TestUnpricedModel(t *testing.T) {
	t.Parallel()
	ask := func(g *rig) error {
		g.decide = func(context.Context, *Request) (Decision, error) {
			return Decision{Source: "rule", Only: true, Models: []string{"unknown"}}, nil
		}
		_, err := g.Complete(t.Context(), rigRequest(t, `,"max_tokens":10`))
		return err
	}
	refusing, _ := calculable(t, false)
	if err := ask(refusing); CodeOf(err) != CodeNoTarget || len(refusing.ledger.all()) != 0 {
		t.Errorf("without a price = %v and %d rows, want it refused", err, len(refusing.ledger.all()))
	}
	charging, c := calculable(t, true)
	acc := account(charging)
	held := int64(0)
	acc.money = func(_ *Usage, worst int64) error { held = worst; return nil }
	if err := ask(charging); err != nil {
		t.Fatal(err)
	}
	top, _ := c.Charge("acme", "a", "unknown", time.Time{}, 0)
	rows := acc.rows
	if len(rows) != 1 {
		t.Fatalf("%d rows, want one", len(rows))
	}
	u := rows[0]
	if want := top.Cost(u.Tokens); u.CostNanoUSD != want || want == 0 || !u.Estimated || u.Unpriced || !u.PriceFrom.IsZero() {
		t.Errorf("row = %+v, want %d, estimated, at no version of a price", u, want)
	}
	if held < u.CostNanoUSD {
		t.Errorf("held %d, want at least the %d that it cost", held, u.CostNanoUSD)
	}
}
