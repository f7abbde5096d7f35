package storetest

import (
	"math"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var catalogueTests = []test{
	{"keeps every member of a model", modelRoundTrip},
	{"put replaces a model but its creation", modelReplace},
	{"a model is created once, changed as it was seen, deleted once", modelChange},
	{"a model comes with its prices or not at all", modelPrices},
	{"keeps, replaces and lists providers", providerPut},
	{"a provider is created once, changed as it was seen, deleted once", providerChange},
	{"a provider that serves a model is not deleted", providerServes},
	{"a provider goes with its credentials and its account's prices", providerGoes},
	{"keeps prices, and nil apart from 0", pricePut},
	{"a version of a price is replaced and deleted whole", priceReplace},
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
		Credential: "env:OPENAI_API_KEY", Config: []byte("{ \"b\":1, \"a\" : 9007199254740993}"), Keyless: true,
		Enabled: true, CreatedAt: at(1), UpdatedAt: at(2),
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

func modelChange(t *testing.T, d Database) {
	s := open(t, d)
	m := fullModel()
	must(t, "CreateModel()", s.CreateModel(t.Context(), m, nil))
	wantErr(t, "CreateModel() again", s.CreateModel(t.Context(), m, nil), engine.ErrConflict)
	next := plainModel("acme", "gpt-4o")
	next.CreatedAt, next.UpdatedAt = at(90), at(91)
	wantErr(t, "UpdateModel() of a stale row", s.UpdateModel(t.Context(), next, nil, at(1)), engine.ErrConflict)
	must(t, "UpdateModel()", s.UpdateModel(t.Context(), next, nil, finest(2)))
	got, err := s.ListModels(t.Context())
	must(t, "ListModels()", err)
	want := next
	want.CreatedAt = at(1)
	wantEqual(t, "ListModels() after the update", got, []engine.Model{want})
	must(t, "UpdateModel() unchecked", s.UpdateModel(t.Context(), fullModel(), nil, time.Time{}))
	got, err = s.ListModels(t.Context())
	must(t, "ListModels()", err)
	wantEqual(t, "ListModels() after the second update", got, []engine.Model{fullModel()})
	wantErr(t, "UpdateModel() of none", s.UpdateModel(t.Context(), plainModel("", "gpt-4o"), nil, time.Time{}), engine.ErrNotFound)
	wantErr(t, "DeleteModel() of another account", s.DeleteModel(t.Context(), "", "gpt-4o"), engine.ErrNotFound)
	must(t, "DeleteModel()", s.DeleteModel(t.Context(), "acme", "gpt-4o"))
	wantErr(t, "DeleteModel() again", s.DeleteModel(t.Context(), "acme", "gpt-4o"), engine.ErrNotFound)
}

func modelPrices(t *testing.T, d Database) {
	s := open(t, d)
	price := engine.Price{AccountID: "a", ProviderID: "p", UpstreamID: "u", From: at(0), Input: 1}
	later := price
	later.From, later.Input = at(1), 2
	must(t, "CreateModel()", s.CreateModel(t.Context(), plainModel("a", "m"), []engine.Price{price}))
	was := revision(t, s)
	bad := price
	bad.Input = -1
	wantErr(t, "CreateModel() of a taken id", s.CreateModel(t.Context(), plainModel("a", "m"), []engine.Price{later}), engine.ErrConflict)
	wantErr(t, "UpdateModel() of a stale row", s.UpdateModel(t.Context(), plainModel("a", "m"), []engine.Price{later}, at(9)), engine.ErrConflict)
	wantInvalid(t, "UpdateModel() with a bad price", s.UpdateModel(t.Context(), plainModel("a", "m"), []engine.Price{bad}, at(0)), "input")
	wantRevision(t, s, was, 0)
	got, err := s.ListPrices(t.Context())
	must(t, "ListPrices()", err)
	wantEqual(t, "ListPrices() after refusals", got, []engine.Price{price})
	must(t, "UpdateModel()", s.UpdateModel(t.Context(), plainModel("a", "m"), []engine.Price{later}, at(0)))
	wantRevision(t, s, was, 1)
	got, err = s.ListPrices(t.Context())
	must(t, "ListPrices()", err)
	wantEqual(t, "ListPrices()", got, []engine.Price{price, later})
}

func providerChange(t *testing.T, d Database) {
	s := open(t, d)
	p := engine.Provider{AccountID: "acme", ID: "own", Name: "Own", Config: []byte(`{"a":1}`), Keyless: true, CreatedAt: at(1), UpdatedAt: at(2)}
	must(t, "CreateProvider()", s.CreateProvider(t.Context(), p))
	wantErr(t, "CreateProvider() again", s.CreateProvider(t.Context(), p), engine.ErrConflict)
	next := engine.Provider{AccountID: "acme", ID: "own", Name: "Other", BaseURL: "https://h", Adapter: "openai", Credential: "c", Enabled: true, CreatedAt: at(8), UpdatedAt: at(9)}
	wantErr(t, "UpdateProvider() of a stale row", s.UpdateProvider(t.Context(), next, at(1)), engine.ErrConflict)
	must(t, "UpdateProvider()", s.UpdateProvider(t.Context(), next, at(2)))
	got, err := s.ListProviders(t.Context())
	must(t, "ListProviders()", err)
	next.CreatedAt = at(1)
	wantEqual(t, "ListProviders() after the update", got, []engine.Provider{next})
	must(t, "UpdateProvider() unchecked", s.UpdateProvider(t.Context(), p, time.Time{}))
	got, err = s.ListProviders(t.Context())
	must(t, "ListProviders()", err)
	wantEqual(t, "ListProviders() after the second update", got, []engine.Provider{p})
	wantErr(t, "UpdateProvider() of none", s.UpdateProvider(t.Context(), engine.Provider{ID: "own"}, time.Time{}), engine.ErrNotFound)
	wantErr(t, "DeleteProvider() of another account", s.DeleteProvider(t.Context(), "", "own"), engine.ErrNotFound)
	must(t, "DeleteProvider()", s.DeleteProvider(t.Context(), "acme", "own"))
	wantErr(t, "DeleteProvider() again", s.DeleteProvider(t.Context(), "acme", "own"), engine.ErrNotFound)
}

func providerServes(t *testing.T, d Database) {
	s := open(t, d)
	for _, account := range []string{"", "acme"} {
		must(t, "CreateProvider()", s.CreateProvider(t.Context(), engine.Provider{AccountID: account, ID: "p"}))
	}
	must(t, "CreateModel()", s.CreateModel(t.Context(), plainModel("acme", "m"), nil))
	was := revision(t, s)
	wantErr(t, "DeleteProvider() of the model's account", s.DeleteProvider(t.Context(), "acme", "p"), engine.ErrConflict)
	wantRevision(t, s, was, 0)
	must(t, "DeleteProvider() of the shadowed row", s.DeleteProvider(t.Context(), "", "p"))

	must(t, "CreateProvider() again", s.CreateProvider(t.Context(), engine.Provider{ID: "p"}))
	must(t, "CreateModel() of another account", s.CreateModel(t.Context(), plainModel("other", "m"), nil))
	wantErr(t, "DeleteProvider() of a global row that serves an account", s.DeleteProvider(t.Context(), "", "p"), engine.ErrConflict)
	must(t, "DeleteModel()", s.DeleteModel(t.Context(), "other", "m"))
	must(t, "CreateModel() that is global", s.CreateModel(t.Context(), plainModel("", "m"), nil))
	wantErr(t, "DeleteProvider() of a global row that serves a global model", s.DeleteProvider(t.Context(), "", "p"), engine.ErrConflict)
	must(t, "DeleteModel()", s.DeleteModel(t.Context(), "", "m"))
	must(t, "DeleteProvider()", s.DeleteProvider(t.Context(), "", "p"))
}

func providerGoes(t *testing.T, d Database) {
	s := open(t, d)
	for _, account := range []string{"", "acme"} {
		must(t, "CreateProvider()", s.CreateProvider(t.Context(), engine.Provider{AccountID: account, ID: "p"}))
		must(t, "CreateCredential()", s.CreateCredential(t.Context(), plainCredential(account, "p", "a", 0)))
		must(t, "PutPrice()", s.PutPrice(t.Context(), engine.Price{AccountID: account, ProviderID: "p", UpstreamID: "u", From: at(0)}))
	}
	must(t, "DeleteProvider()", s.DeleteProvider(t.Context(), "acme", "p"))
	credentials, err := s.ListCredentials(t.Context())
	must(t, "ListCredentials()", err)
	wantEqual(t, "ListCredentials()", credentials, []engine.StoredCredential{plainCredential("", "p", "a", 0)})
	prices, err := s.ListPrices(t.Context())
	must(t, "ListPrices()", err)
	wantEqual(t, "ListPrices()", prices, []engine.Price{{ProviderID: "p", UpstreamID: "u", From: at(0)}})
}

func pricePut(t *testing.T, d Database) {
	s := open(t, d)
	price := func(provider, upstream string, from, above, input int64) engine.Price {
		return engine.Price{ProviderID: provider, UpstreamID: upstream, From: at(from), AbovePrompt: above, Input: input}
	}
	full := price("p", "u", 5, 200_000, math.MaxInt64)
	full.AccountID, full.Output, full.Source = "acme", 1, "page"
	full.CachedInput, full.CacheWrite, full.CacheWrite1h = ptr[int64](0), ptr[int64](7), ptr[int64](math.MaxInt64)
	full.Reasoning, full.PerRequest, full.PerImage = ptr[int64](0), math.MaxInt64, 9
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
	changed.Reasoning, changed.PerRequest, changed.PerImage = nil, 0, 10
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
		{"reasoning", func(p *engine.Price) { p.Reasoning = ptr[int64](-1) }},
		{"per_request", func(p *engine.Price) { p.PerRequest = -1 }},
		{"per_image", func(p *engine.Price) { p.PerImage = math.MinInt64 }},
	} {
		p := engine.Price{ProviderID: "p", UpstreamID: "u", From: at(0)}
		c.change(&p)
		wantInvalid(t, "PutPrice()", s.PutPrice(t.Context(), p), c.param)
	}
	wantInvalid(t, "PutProvider()", s.PutProvider(t.Context(), engine.Provider{}), "id")
	wantInvalid(t, "CreateProvider()", s.CreateProvider(t.Context(), engine.Provider{}), "id")
	wantInvalid(t, "CreateProvider()", s.CreateProvider(t.Context(), engine.Provider{ID: "p", Config: []byte("{")}), "config")
	wantInvalid(t, "CreateModel()", s.CreateModel(t.Context(), engine.Model{}, nil), "id")
	wantRevision(t, s, was, 0)
}
