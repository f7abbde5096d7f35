package storetest

import (
	"math"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var catalogueTests = []test{
	{"keeps every member of a model", modelRoundTrip},
	{"put replaces a model but its creation", modelReplace},
	{"keeps, replaces and lists providers", providerPut},
	{"keeps prices, and nil apart from 0", pricePut},
	{"refuses what no row may be", catalogueInvalid},
}

func fullModel() engine.Model {
	return engine.Model{
		AccountID: "acme", ID: "gpt-4o", Family: "GPT", DisplayName: "GPT-4o", Tier: "flagship", PremiumCenti: 33,
		ProviderID: "openai", UpstreamID: "gpt-4o-2024-11-20", API: engine.APIChat, ContextWindow: 128_000, MaxOutput: math.MaxInt64,
		Modalities: []string{"text", "image"}, Capabilities: []engine.Capability{engine.CapVision, engine.CapTools},
		Unsupported: []string{"temperature", "temperature+top_p"}, Rename: map[string]string{"max_tokens": "max_completion_tokens"},
		Fallbacks: []string{"b", "a"}, Source: "a page", RetiresAt: at(7),
		Replacement: &engine.Replacement{
			UpstreamID: "next", API: engine.APIResponses, ContextWindow: 1 << 53, MaxOutput: math.MaxInt64,
			Unsupported: []string{"top_p"}, Rename: map[string]string{"a": "b"},
		},
		NoSubstitute: true, Enabled: true, CreatedAt: at(1), UpdatedAt: at(2),
	}
}

func plainModel(account, id string) engine.Model {
	return engine.Model{AccountID: account, ID: id, ProviderID: "p", UpstreamID: "u", CreatedAt: at(0), UpdatedAt: at(0)}
}

func modelRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	in := fullModel()
	in.RetiresAt, in.CreatedAt, in.UpdatedAt = finest(7), finest(1), finest(2)
	empty := plainModel("", "b")
	empty.Modalities, empty.Rename, empty.Replacement = []string{}, map[string]string{}, &engine.Replacement{UpstreamID: "r"}
	want := plainModel("", "b")
	want.Replacement = &engine.Replacement{UpstreamID: "r"}
	for _, m := range []engine.Model{in, empty, plainModel("", "a")} {
		must(t, "PutModel("+m.ID+")", s.PutModel(t.Context(), m))
	}
	got, err := s.ListModels(t.Context())
	must(t, "ListModels()", err)
	wantEqual(t, "ListModels()", got, []engine.Model{plainModel("", "a"), want, fullModel()})
}

func modelReplace(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "PutModel()", s.PutModel(t.Context(), fullModel()))
	next := plainModel("acme", "gpt-4o")
	next.CreatedAt, next.UpdatedAt = at(90), at(91)
	must(t, "PutModel() again", s.PutModel(t.Context(), next))
	got, err := s.ListModels(t.Context())
	must(t, "ListModels()", err)
	next.CreatedAt = at(1)
	wantEqual(t, "ListModels() after the second put", got, []engine.Model{next})
}

func providerPut(t *testing.T, d Database) {
	s := open(t, d)
	full := engine.Provider{
		AccountID: "acme", ID: "openai", Name: "OpenAI", Adapter: "openai", BaseURL: "https://h/v1",
		Credential: "env:OPENAI_API_KEY", Enabled: true, CreatedAt: at(1), UpdatedAt: at(2),
	}
	plain := engine.Provider{ID: "z", CreatedAt: at(0), UpdatedAt: at(0)}
	must(t, "PutProvider()", s.PutProvider(t.Context(), full))
	must(t, "PutProvider()", s.PutProvider(t.Context(), plain))
	got, err := s.ListProviders(t.Context())
	must(t, "ListProviders()", err)
	wantEqual(t, "ListProviders()", got, []engine.Provider{plain, full})
	next := engine.Provider{AccountID: "acme", ID: "openai", Name: "other", CreatedAt: at(8), UpdatedAt: at(9)}
	must(t, "PutProvider() again", s.PutProvider(t.Context(), next))
	got, err = s.ListProviders(t.Context())
	must(t, "ListProviders()", err)
	next.CreatedAt = at(1)
	wantEqual(t, "ListProviders() after the second put", got, []engine.Provider{plain, next})
}

func pricePut(t *testing.T, d Database) {
	s := open(t, d)
	price := func(provider, upstream string, from, above, input int64) engine.Price {
		return engine.Price{ProviderID: provider, UpstreamID: upstream, From: at(from), AbovePrompt: above, Input: input}
	}
	full := price("p", "u", 5, 200_000, math.MaxInt64)
	full.AccountID, full.Output, full.Source = "acme", 1, "page"
	full.CachedInput, full.CacheWrite, full.CacheWrite1h = ptr[int64](0), ptr[int64](7), ptr[int64](math.MaxInt64)
	want := []engine.Price{
		price("a", "z", 9, 0, 1),
		price("p", "U", 9, 0, 2),
		price("p", "u", 5, 0, 3),
		price("p", "u", 5, 200_000, 4),
		price("p", "u", 6, 0, 5),
		full,
	}
	for _, i := range []int{4, 1, 5, 0, 3, 2} {
		p := want[i]
		p.From = p.From.Add(999) // nanoseconds, which a row does not keep
		must(t, "PutPrice()", s.PutPrice(t.Context(), p))
	}
	got, err := s.ListPrices(t.Context())
	must(t, "ListPrices()", err)
	wantEqual(t, "ListPrices()", got, want)

	changed := full
	changed.Input, changed.CachedInput, changed.CacheWrite = 8, nil, ptr[int64](0)
	must(t, "PutPrice() again", s.PutPrice(t.Context(), changed))
	want[5] = changed
	got, err = s.ListPrices(t.Context())
	must(t, "ListPrices()", err)
	wantEqual(t, "ListPrices() after the second put", got, want)
}

func catalogueInvalid(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	for _, c := range []struct {
		param  string
		change func(*engine.Model)
	}{
		{"id", func(m *engine.Model) { m.ID = "" }},
		{"provider_id", func(m *engine.Model) { m.ProviderID = "" }},
		{"premium_centi", func(m *engine.Model) { m.PremiumCenti = -1 }},
		{"max_output", func(m *engine.Model) { m.MaxOutput = -1 }},
		{"capabilities", func(m *engine.Model) { m.Capabilities = []engine.Capability{"a\x00"} }},
		{"rename", func(m *engine.Model) { m.Rename = map[string]string{"a": "\xff"} }},
		{"replacement.upstream_id", func(m *engine.Model) { m.Replacement = &engine.Replacement{} }},
	} {
		m := plainModel("a", "m")
		c.change(&m)
		wantInvalid(t, "PutModel()", s.PutModel(t.Context(), m), c.param)
	}
	for _, c := range []struct {
		param  string
		change func(*engine.Price)
	}{
		{"upstream_id", func(p *engine.Price) { p.UpstreamID = "" }},
		{"input", func(p *engine.Price) { p.Input = -1 }},
		{"cached_input", func(p *engine.Price) { p.CachedInput = ptr[int64](-1) }},
		{"above_prompt", func(p *engine.Price) { p.AbovePrompt = -1 }},
	} {
		p := engine.Price{ProviderID: "p", UpstreamID: "u", From: at(0)}
		c.change(&p)
		wantInvalid(t, "PutPrice()", s.PutPrice(t.Context(), p), c.param)
	}
	wantInvalid(t, "PutProvider()", s.PutProvider(t.Context(), engine.Provider{}), "id")
	wantRevision(t, s, was, 0)
}
