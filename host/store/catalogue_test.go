package store_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// The catalogue as the product lists it.
func TestCatalogueModels(t *testing.T) {
	t.Parallel()
	want := map[string]struct {
		family, name, tier string
		premium            int64
	}{
		"gpt-4.1":                    {"GPT", "GPT-4.1", "flagship", 0},
		"gpt-4o":                     {"GPT", "GPT-4o", "flagship", 0},
		"gpt-5-mini":                 {"GPT", "GPT-5 mini", "standard", 0},
		"gpt-5":                      {"GPT", "GPT-5", "flagship", 100},
		"gpt-5.1":                    {"GPT", "GPT-5.1", "flagship", 100},
		"gpt-5.2":                    {"GPT", "GPT-5.2", "flagship", 100},
		"gpt-5-codex-preview":        {"Codex", "GPT-5-Codex (Preview)", "preview", 100},
		"gpt-5.1-codex":              {"Codex", "GPT-5.1-Codex", "flagship", 100},
		"gpt-5.1-codex-max":          {"Codex", "GPT-5.1-Codex-Max", "flagship", 100},
		"gpt-5.1-codex-mini-preview": {"Codex", "GPT-5.1-Codex-Mini (Preview)", "preview", 33},
		"gpt-5.2-codex":              {"Codex", "GPT-5.2-Codex", "flagship", 100},
		"claude-haiku-4.5":           {"Claude", "Claude Haiku 4.5", "economy", 33},
		"claude-opus-4.5":            {"Claude", "Claude Opus 4.5", "flagship", 300},
		"claude-sonnet-4":            {"Claude", "Claude Sonnet 4", "standard", 100},
		"claude-sonnet-4.5":          {"Claude", "Claude Sonnet 4.5", "standard", 100},
		"gemini-2.5-pro":             {"Gemini", "Gemini 2.5 Pro", "flagship", 100},
		"gemini-3-flash-preview":     {"Gemini", "Gemini 3 Flash (Preview)", "preview", 33},
		"gemini-3-pro-preview":       {"Gemini", "Gemini 3 Pro (Preview)", "preview", 100},
		"raptor-mini-preview":        {"Raptor", "Raptor mini (Preview)", "preview", 0},
	}
	chats := 0
	for _, m := range catalogue(t).Models {
		if m.Has(engine.CapEmbeddings) {
			continue // TestCatalogueEmbeddings
		}
		chats++
		w, ok := want[m.ID]
		if !ok || m.Family != w.family || m.DisplayName != w.name || m.Tier != w.tier || m.PremiumCenti != w.premium {
			t.Errorf("model %s = %s, %q, %s, %d, want %v", m.ID, m.Family, m.DisplayName, m.Tier, m.PremiumCenti, w)
		}
		if m.AccountID != "" || !m.Enabled || m.NoSubstitute || m.Source == "" {
			t.Errorf("model %s must be global, enabled, substitutable and say its source", m.ID)
		}
	}
	if chats != 19 || len(want) != 19 {
		t.Errorf("the catalogue has %d chat models, want 19", chats)
	}
}

// The embedding models: served by their own id alone, since no other model's vectors can
// stand in for theirs, and paid for what goes in.
func TestCatalogueEmbeddings(t *testing.T) {
	t.Parallel()
	want := map[string]string{ // provider, window, USD per million tokens
		"text-embedding-3-small": "openai 8192 0.02",
		"text-embedding-3-large": "openai 8192 0.13",
		"text-embedding-ada-002": "openai 8192 0.1",
		"gemini-embedding-001":   "google 2048 0.15",
		"gemini-embedding-2":     "google 8192 0.2",
	}
	c := catalogue(t)
	index := engine.NewCatalogue(c.Models, c.Providers, c.Prices)
	got := 0
	for _, m := range c.Models {
		if !m.Has(engine.CapEmbeddings) {
			if m.API == engine.APIEmbeddings {
				t.Errorf("%s is called for embeddings and does not make them", m.ID)
			}
			continue
		}
		got++
		p, ok := index.Price(m.ProviderID, m.UpstreamID, seedTime, 1)
		if text := fmt.Sprint(m.ProviderID, " ", m.ContextWindow, " ", float64(p.Input)/1e9); !ok || text != want[m.ID] || p.Output != 0 || p.CachedInput != nil {
			t.Errorf("%s = %s (%+v), want %s", m.ID, text, p, want[m.ID])
		}
		if m.API != engine.APIEmbeddings || m.UpstreamID != m.ID || len(m.Capabilities) != 1 || len(m.Fallbacks) != 0 || m.Replacement != nil || m.PremiumCenti != 0 || m.MaxOutput != 0 || m.Source == "" || !m.Enabled {
			t.Errorf("%s = %+v, want nothing but embeddings of its own", m.ID, m)
		}
	}
	if got != len(want) {
		t.Errorf("the catalogue has %d embedding models, want %d", got, len(want))
	}
	for _, r := range c.Rules {
		for _, id := range append([]string{r.Target}, r.Fallbacks...) {
			if want[id] != "" {
				t.Errorf("rule %s sends chats to %s", r.ID, id)
			}
		}
	}
}

// Every name in the catalogue is one of a row.
func TestCatalogueReferences(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	models, providers := map[string]bool{}, map[string]bool{}
	for _, m := range c.Models {
		models[m.ID] = true
	}
	for _, p := range c.Providers {
		providers[p.ID] = true
	}
	for _, m := range c.Models {
		if !providers[m.ProviderID] {
			t.Errorf("model %s has the unknown provider %q", m.ID, m.ProviderID)
		}
		if m.Has(engine.CapEmbeddings) {
			continue // it must have none
		}
		if len(m.Fallbacks) == 0 {
			t.Errorf("model %s has no fallback", m.ID)
		}
		others := 0
		for _, f := range m.Fallbacks {
			i := slices.IndexFunc(c.Models, func(n engine.Model) bool { return n.ID == f })
			if i < 0 || f == m.ID {
				t.Errorf("model %s has the fallback %q, want another model", m.ID, f)
			} else if c.Models[i].ProviderID != m.ProviderID {
				others++
			}
		}
		if others == 0 {
			t.Errorf("model %s falls back to its own provider alone: %v", m.ID, m.Fallbacks)
		}
	}
	if len(c.Rules) != 8 {
		t.Errorf("the catalogue has %d rules, want 8", len(c.Rules))
	}
	for _, r := range c.Rules {
		for _, id := range append([]string{r.Target}, r.Fallbacks...) {
			if !models[id] {
				t.Errorf("rule %s names the unknown model %q", r.ID, id)
			}
		}
		if !r.System || !r.Enabled || r.AccountID != "" || r.When == "" || r.Only {
			t.Errorf("rule %s must be an enabled global system rule with an expression", r.ID)
		}
		if want := strings.ToLower(strings.ReplaceAll(r.Name, " ", "-")); r.ID != want {
			t.Errorf("rule %q has the id %s, want %s", r.Name, r.ID, want)
		}
	}
	for _, p := range c.Prices {
		if !providers[p.ProviderID] {
			t.Errorf("the price of %s names the unknown provider %q", p.UpstreamID, p.ProviderID)
		}
	}
}

func TestCatalogueRules(t *testing.T) {
	t.Parallel()
	want := []string{ // priority, id, target, fallbacks
		"100 screenshot-analysis claude-opus-4.5 [gpt-4o]",
		"95 long-document-analysis gemini-2.5-pro [claude-opus-4.5]",
		"92 real-time-response gemini-3-flash-preview [claude-haiku-4.5]",
		"90 customer-service gpt-4o [claude-sonnet-4]",
		"88 complex-reasoning claude-opus-4.5 [gpt-5]",
		"87 browser-automation claude-sonnet-4 [claude-opus-4.5]",
		"85 complex-code-generation gpt-5.1-codex [claude-sonnet-4]",
		"80 quick-code-edits claude-haiku-4.5 [gpt-5-mini]",
	}
	var got []string
	for _, r := range catalogue(t).Rules {
		got = append(got, fmt.Sprintf("%d %s %s %v", r.Priority, r.ID, r.Target, r.Fallbacks))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rules are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCatalogueProviders(t *testing.T) {
	t.Parallel()
	want := map[string][3]string{
		"openai":    {"openai", "https://api.openai.com/v1", "env:OPENAI_API_KEY"},
		"anthropic": {"anthropic", "https://api.anthropic.com", "env:ANTHROPIC_API_KEY"},
		"google":    {"google", "https://generativelanguage.googleapis.com", "env:GEMINI_API_KEY"},
		"raptor":    {"openai", "", "env:RAPTOR_API_KEY"},
	}
	got := map[string][3]string{}
	for _, p := range catalogue(t).Providers {
		got[p.ID] = [3]string{p.Adapter, p.BaseURL, p.Credential}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the providers are %v, want %v", got, want)
	}
}

// Every model has a server and a price on the days that matter.
func TestCatalogueServesAndPrices(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	index := engine.NewCatalogue(c.Models, c.Providers, c.Prices)
	for _, day := range []time.Time{
		time.Date(2026, 7, 23, 0, 0, 0, 0, time.UTC), seedTime,
		time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		for _, m := range c.Models {
			served, _, ok := m.At(day)
			if !ok {
				t.Errorf("%s: nothing serves %s", day.Format(time.DateOnly), m.ID)
				continue
			}
			for _, prompt := range []int64{0, 1, 200_001, 272_001} {
				if m.Has(engine.CapEmbeddings) {
					break // TestCatalogueEmbeddings
				}
				p, ok := index.Price(served.ProviderID, served.UpstreamID, day, prompt)
				if !ok {
					t.Errorf("%s: %s (%s) has no price for %d tokens", day.Format(time.DateOnly), m.ID, served.UpstreamID, prompt)
				}
				if free := p.Input == 0; free != (m.ID == "raptor-mini-preview") || free != (p.Output == 0) || p.CachedInput == nil {
					t.Errorf("%s: %s (%s) costs %+v", day.Format(time.DateOnly), m.ID, served.UpstreamID, p)
				}
			}
		}
	}
}

func TestCatalogueLifecycle(t *testing.T) {
	t.Parallel()
	day := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 0, 0, 0, 0, time.UTC) }
	want := map[string]struct {
		retires  time.Time
		upstream string
		api      engine.API
	}{
		"gpt-5-codex-preview":        {day(7, 23), "gpt-5.4", engine.APIResponses},
		"gpt-5.1-codex":              {day(7, 23), "gpt-5.3-codex", engine.APIResponses},
		"gpt-5.1-codex-max":          {day(7, 23), "gpt-5.4", engine.APIResponses},
		"gpt-5.1-codex-mini-preview": {day(7, 23), "gpt-5.4-mini", engine.APIResponses},
		"gpt-5.2-codex":              {day(7, 23), "gpt-5.4", engine.APIResponses},
		"claude-sonnet-4":            {day(6, 15), "claude-sonnet-4-6", engine.APIMessages},
		"claude-sonnet-4.5":          {day(11, 30), "claude-sonnet-4-6", engine.APIMessages},
		"gemini-3-pro-preview":       {day(3, 9), "gemini-3.1-pro-preview", engine.APIGenerate},
	}
	for _, m := range catalogue(t).Models {
		w, retires := want[m.ID]
		if !m.RetiresAt.Equal(w.retires) {
			t.Errorf("%s retires at %v, want %v", m.ID, m.RetiresAt, w.retires)
		}
		if !retires {
			continue
		}
		before, substituted, ok := m.At(w.retires.Add(-time.Millisecond))
		if !ok || substituted || before.UpstreamID != m.UpstreamID {
			t.Errorf("%s is served by %s (substituted %t) until %v, want %s", m.ID, before.UpstreamID, substituted, w.retires, m.UpstreamID)
		}
		after, substituted, ok := m.At(w.retires)
		if !ok || !substituted || after.UpstreamID != w.upstream || after.API != w.api {
			t.Errorf("%s is served by %s on %s (substituted %t) from %v, want %s on %s",
				m.ID, after.UpstreamID, after.API, substituted, w.retires, w.upstream, w.api)
		}
	}
}

// Which member each wire rejects, and the wire of each family.
func TestCatalogueWires(t *testing.T) {
	t.Parallel()
	gpt5 := regexp.MustCompile(`^gpt-5`)
	responses := regexp.MustCompile(`codex|^gpt-5\.[2-9]`)
	check := func(id, upstream string, api engine.API, unsupported []string, rename map[string]string, vendor string) {
		want := engine.APIChat
		switch {
		case vendor == "anthropic":
			want = engine.APIMessages
		case vendor == "google":
			want = engine.APIGenerate
		case responses.MatchString(upstream):
			want = engine.APIResponses
		}
		if api != want {
			t.Errorf("%s: %s is called by %s, want %s", id, upstream, api, want)
		}
		if got := slices.Contains(unsupported, "temperature") && slices.Contains(unsupported, "top_p"); got != gpt5.MatchString(upstream) {
			t.Errorf("%s: %s rejects %v", id, upstream, unsupported)
		}
		renamed := rename["max_tokens"] == "max_completion_tokens"
		if renamed != (gpt5.MatchString(upstream) && want == engine.APIChat) {
			t.Errorf("%s: %s on %s renames %v", id, upstream, api, rename)
		}
		if both := slices.Contains(unsupported, "temperature+top_p"); both != (vendor == "anthropic" && upstream != "claude-sonnet-4-20250514") {
			t.Errorf("%s: %s rejects temperature with top_p: %t", id, upstream, both)
		}
	}
	for _, m := range catalogue(t).Models {
		if m.Has(engine.CapEmbeddings) {
			continue // no wire of its own
		}
		check(m.ID, m.UpstreamID, m.API, m.Unsupported, m.Rename, m.ProviderID)
		if r := m.Replacement; r != nil {
			check(m.ID, r.UpstreamID, r.API, r.Unsupported, r.Rename, m.ProviderID)
		}
		for _, c := range m.Capabilities {
			switch c {
			case engine.CapVision, engine.CapTools, engine.CapStructured, engine.CapReasoning, engine.CapAudio, engine.CapFiles, engine.CapImageURL, engine.CapEmbeddings, engine.CapPrefill:
			default:
				t.Errorf("%s has the unknown capability %q", m.ID, c)
			}
		}
		for modality, c := range map[string]engine.Capability{"image": engine.CapVision, "audio": engine.CapAudio, "pdf": engine.CapFiles} {
			if slices.Contains(m.Modalities, modality) != m.Has(c) {
				t.Errorf("%s takes %v and has %v", m.ID, m.Modalities, m.Capabilities)
			}
		}
	}
}

// fact is one entry of the recorded facts.
type fact struct {
	ID            string           `json:"id"`
	UpstreamID    string           `json:"upstream_id"`
	Aliases       []string         `json:"upstream_aliases"`
	USD           map[string]any   `json:"usd_per_mtok"`
	Tiers         []map[string]any `json:"tiers"`
	ContextWindow int64            `json:"context_window"`
	MaxOutput     int64            `json:"max_output_tokens"`
	Modalities    struct {
		Input []string `json:"input"`
	} `json:"modalities"`
}

// The numbers against the facts that they were taken from.
func TestCatalogueAgainstFacts(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "..", "shared", "data", "prices.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("the facts are not beside this repository: %v", err)
	}
	var facts struct {
		Models  []fact `json:"models"`
		Current struct {
			Prices map[string]map[string]any `json:"prices"`
		} `json:"current_replacements"`
	}
	if err := json.Unmarshal(b, &facts); err != nil {
		t.Fatal(err)
	}
	c := catalogue(t)
	checkPrice := func(provider, upstream string, above int64, usd map[string]any) {
		i := slices.IndexFunc(c.Prices, func(p engine.Price) bool {
			return p.ProviderID == provider && p.UpstreamID == upstream && p.AbovePrompt == above
		})
		if i < 0 {
			t.Errorf("%s above %d has no price, want %v", upstream, above, usd)
			return
		}
		p := c.Prices[i]
		for name, got := range map[string]*int64{
			"input": &p.Input, "output": &p.Output, "cached_input": p.CachedInput, "cache_write": p.CacheWrite, "cache_write_1h": p.CacheWrite1h,
		} {
			want, known := usd[name].(float64)
			if known != (got != nil) || known && *got != int64(math.Round(want*1e9)) {
				t.Errorf("%s above %d: %s = %v, want %v", upstream, above, name, got, usd[name])
			}
		}
	}
	for _, m := range c.Models {
		if m.Has(engine.CapEmbeddings) {
			continue // TestCatalogueEmbeddings
		}
		i := slices.IndexFunc(facts.Models, func(f fact) bool { return f.ID == m.ID })
		if i < 0 {
			t.Errorf("%s is not among the facts", m.ID)
			continue
		}
		f := facts.Models[i]
		if m.ProviderID == "raptor" {
			continue // the operator's own
		}
		if m.UpstreamID != f.UpstreamID && !slices.Contains(f.Aliases, m.UpstreamID) {
			t.Errorf("%s: upstream id = %s, want %s", m.ID, m.UpstreamID, f.UpstreamID)
		}
		if m.ContextWindow != f.ContextWindow || m.MaxOutput != f.MaxOutput || !slices.Equal(m.Modalities, f.Modalities.Input) {
			t.Errorf("%s: %d, %d, %v, want %d, %d, %v", m.ID, m.ContextWindow, m.MaxOutput, m.Modalities, f.ContextWindow, f.MaxOutput, f.Modalities.Input)
		}
		checkPrice(m.ProviderID, m.UpstreamID, 0, f.USD)
		for _, tier := range f.Tiers {
			if !strings.Contains(tier["when"].(string), "> 200000") {
				t.Fatalf("%s: unexpected tier %v", m.ID, tier["when"])
			}
			checkPrice(m.ProviderID, m.UpstreamID, 200_000, tier["usd_per_mtok"].(map[string]any))
		}
		if r := m.Replacement; r != nil {
			current, ok := facts.Current.Prices[r.UpstreamID]
			if !ok {
				t.Errorf("%s: the replacement %s is not among the facts", m.ID, r.UpstreamID)
				continue
			}
			checkPrice(m.ProviderID, r.UpstreamID, 0, current)
			for name, above := range map[string]int64{"above_200k": 200_000, "above_272k": 272_000} {
				if tier, ok := current[name].(map[string]any); ok {
					checkPrice(m.ProviderID, r.UpstreamID, above, tier)
				}
			}
			if got := float64(r.MaxOutput); got != current["max_output_tokens"] {
				t.Errorf("%s: the replacement's max output = %v, want %v", m.ID, got, current["max_output_tokens"])
			}
		}
	}
	if n := len(slices.CompactFunc(slices.SortedFunc(slices.Values(c.Prices), byKey), func(a, b engine.Price) bool { return byKey(a, b) == 0 })); n != len(c.Prices) {
		t.Errorf("%d of %d prices have a key of their own", n, len(c.Prices))
	}
}

func byKey(a, b engine.Price) int {
	return cmp.Or(cmp.Compare(a.ProviderID, b.ProviderID), cmp.Compare(a.UpstreamID, b.UpstreamID), a.From.Compare(b.From), cmp.Compare(a.AbovePrompt, b.AbovePrompt))
}
