package engine_test

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// catalogueConfig is the office's, with an adapter of each wire and a seal that shows what
// was sealed.
func (o *office) catalogueConfig() engine.CatalogueConfig {
	return engine.CatalogueConfig{
		Store: o, Catalogue: o.catalogue.Load, Adapters: adapterBench{}, Seal: paperSeal{},
		PublicHost: func(host string) bool { return strings.HasSuffix(host, ".example") },
		Reload:     o.reload, Now: o.clock,
	}
}

func (o *office) providers() *engine.ProviderService {
	_, s := engine.NewCatalogueServices(o.catalogueConfig())
	return s
}

// adapterBench has the adapters openai and anthropic, and one of the account acme.
type adapterBench struct{}

func (adapterBench) AdapterManifest(account, name string) (engine.Manifest, error) {
	native := map[string][]string{"openai": {"chat", "responses"}, "anthropic": {"messages"}, "none": nil}
	wires, ok := native[name]
	if !ok && !(name == "own" && account == "acme") {
		return engine.Manifest{}, engine.ErrNotFound
	}
	return engine.Manifest{Name: name, Kind: "provider", Provider: &engine.ManifestProvider{BaseURL: "https://api." + name + ".example/v1", Native: wires}}, nil
}

func (b adapterBench) ConfigureAdapter(_ context.Context, account, name string, config []byte) error {
	if _, err := b.AdapterManifest(account, name); err != nil {
		return err
	}
	if strings.Contains(string(config), "wrong") {
		return &engine.Error{Code: engine.CodeInvalid, Param: "config.wrong", Message: "config.wrong: no such member"}
	}
	return nil
}

// paperSeal writes the row's name before the text.
type paperSeal struct{}

func sealName(c engine.StoredCredential) string {
	return strings.Join([]string{c.AccountID, c.ProviderID, c.ID, string(rune('0' + c.Version))}, "/") + " "
}

func (paperSeal) SealCredential(c engine.StoredCredential, secret string) (engine.StoredCredential, error) {
	c.SealKey, c.Sealed = "new", []byte(base64.StdEncoding.EncodeToString([]byte(sealName(c)+secret)))
	return c, nil
}

func (paperSeal) OpenCredential(c engine.StoredCredential) (string, error) {
	text, err := base64.StdEncoding.DecodeString(string(c.Sealed))
	secret, ok := strings.CutPrefix(string(text), sealName(c))
	if err != nil || !ok {
		return "", errors.New("sealed for another row")
	}
	return secret, nil
}

func isInvalid(t *testing.T, what string, err error, param string) {
	t.Helper()
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != engine.CodeInvalid || e.Param != param {
		t.Errorf("%s = %v, want invalid_request with param %q", what, err, param)
	}
}

func mustCreateProvider(t *testing.T, s *engine.ProviderService, p engine.Principal, row engine.Provider) engine.Provider {
	t.Helper()
	made, err := s.CreateProvider(t.Context(), p, row)
	if err != nil {
		t.Fatalf("CreateProvider(%+v) = %v, want nil", row, err)
	}
	return made
}

func TestProviderLife(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.providers()
	made := mustCreateProvider(t, s, super, engine.Provider{ID: "vllm-1", Adapter: "openai", BaseURL: "http://127.0.0.1:8000/v1", Keyless: true, Enabled: true,
		Config: []byte(`{"a":1}`), Credential: "env:STOLEN", Credentials: []engine.Credential{{ID: "env", Enabled: true}}})
	if made.Name != "vllm-1" || made.Credential != "" || made.Credentials != nil || made.UpdatedAt.Equal(made.CreatedAt) {
		t.Errorf("CreateProvider() = %+v, want it named, no operator's key, and not to look seeded", made)
	}
	if got, ok := o.catalogue.Load().Provider("acme", "vllm-1"); !ok || !got.Keyless || string(got.Config) != `{"a":1}` {
		t.Errorf("in force: %+v, %v, want the provider", got, ok)
	}
	_, err := s.CreateProvider(t.Context(), super, engine.Provider{ID: "vllm-1", Adapter: "openai"})
	hasCode(t, "the same id again", err, engine.CodeConflict)
	if p := mustCreateProvider(t, s, admin, engine.Provider{AccountID: "acme", ID: "claude", Adapter: "anthropic"}); p.BaseURL != "https://api.anthropic.example/v1" {
		t.Errorf("base URL left out = %q, want the adapter's own", p.BaseURL)
	}
	mustCreateProvider(t, s, admin, engine.Provider{AccountID: "acme", ID: "special", Adapter: "own"})
	_, err = s.CreateProvider(t.Context(), super, engine.Provider{ID: "special", Adapter: "own"})
	isInvalid(t, "another account's adapter", err, "adapter")

	next, err := s.ChangeProvider(t.Context(), super, "", "vllm-1", made.UpdatedAt, func(p *engine.Provider) {
		p.Enabled, p.AccountID, p.ID, p.Credential, p.CreatedAt = false, "acme", "x", "env:STOLEN", time.Time{}
	})
	if err != nil || next.Enabled || next.ID != "vllm-1" || next.AccountID != "" || next.Credential != "" || !next.CreatedAt.Equal(made.CreatedAt) || !next.UpdatedAt.After(made.UpdatedAt) {
		t.Errorf("ChangeProvider() = %+v, %v, want it disabled and its key as it was", next, err)
	}
	_, err = s.ChangeProvider(t.Context(), super, "", "vllm-1", made.UpdatedAt, func(p *engine.Provider) { p.Name = "late" })
	hasCode(t, "a change of what changed meanwhile", err, engine.CodeConflict)
	_, err = s.ChangeProvider(t.Context(), super, "", "ghost", time.Time{}, func(*engine.Provider) {})
	hasCode(t, "a change of none", err, engine.CodeNotFound)
	if err := s.DeleteProvider(t.Context(), super, "", "vllm-1"); err != nil {
		t.Errorf("DeleteProvider() = %v, want nil", err)
	}
	hasCode(t, "deleting it again", s.DeleteProvider(t.Context(), super, "", "vllm-1"), engine.CodeNotFound)
}

func TestProviderRefuses(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.providers()
	good := func() engine.Provider {
		return engine.Provider{AccountID: "acme", ID: "own", Adapter: "openai", BaseURL: "https://llm.example/v1", Enabled: true}
	}
	for _, tt := range []struct {
		name, param string
		change      func(*engine.Provider)
	}{
		{"no id", "id", func(p *engine.Provider) { p.ID = "" }},
		{"capital id", "id", func(p *engine.Provider) { p.ID = "Own" }},
		{"id with a slash", "id", func(p *engine.Provider) { p.ID = "a/b" }},
		{"id that begins with a dot", "id", func(p *engine.Provider) { p.ID = ".." }},
		{"long id", "id", func(p *engine.Provider) { p.ID = strings.Repeat("a", 65) }},
		{"id with a line end", "id", func(p *engine.Provider) { p.ID = "own\n" }},
		{"no such adapter", "adapter", func(p *engine.Provider) { p.Adapter = "gopher" }},
		{"no adapter", "adapter", func(p *engine.Provider) { p.Adapter = "" }},
		{"config that the adapter refuses", "config.wrong", func(p *engine.Provider) { p.Config = []byte(`{"wrong":1}`) }},
		{"name with a control character", "name", func(p *engine.Provider) { p.Name = "a\x1b[2J" }},
		{"http", "base_url", func(p *engine.Provider) { p.BaseURL = "http://llm.example/v1" }},
		{"loopback", "base_url", func(p *engine.Provider) { p.BaseURL = "https://127.0.0.1/v1" }},
		{"IPv6 loopback", "base_url", func(p *engine.Provider) { p.BaseURL = "https://[::1]/v1" }},
		{"private name", "base_url", func(p *engine.Provider) { p.BaseURL = "https://localhost/v1" }},
		{"user", "base_url", func(p *engine.Provider) { p.BaseURL = "https://u:p@llm.example/v1" }},
		{"public user, private host", "base_url", func(p *engine.Provider) { p.BaseURL = "https://llm.example@127.0.0.1/v1" }},
		{"query", "base_url", func(p *engine.Provider) { p.BaseURL = "https://llm.example/v1?key=1" }},
		{"empty query", "base_url", func(p *engine.Provider) { p.BaseURL = "https://llm.example/v1?" }},
		{"fragment", "base_url", func(p *engine.Provider) { p.BaseURL = "https://llm.example/v1#" }},
		{"file", "base_url", func(p *engine.Provider) { p.BaseURL = "file:///etc/passwd" }},
		{"no host", "base_url", func(p *engine.Provider) { p.BaseURL = "https:///v1" }},
		{"opaque", "base_url", func(p *engine.Provider) { p.BaseURL = "https:llm.example" }},
		{"no scheme", "base_url", func(p *engine.Provider) { p.BaseURL = "llm.example/v1" }},
		{"blank", "base_url", func(p *engine.Provider) { p.BaseURL = "https://llm.example/v 1" }},
		{"too long", "base_url", func(p *engine.Provider) { p.BaseURL = "https://llm.example/" + strings.Repeat("a", 2048) }},
	} {
		row := good()
		tt.change(&row)
		_, err := s.CreateProvider(t.Context(), admin, row)
		isInvalid(t, tt.name, err, tt.param)
	}
	mustCreateProvider(t, s, admin, good())
	_, err := s.ChangeProvider(t.Context(), admin, "acme", "own", time.Time{}, func(p *engine.Provider) { p.BaseURL = "https://10.0.0.1/" })
	isInvalid(t, "a change to a private address", err, "base_url")
	_, err = s.ChangeProvider(t.Context(), super, "acme", "own", time.Time{}, func(p *engine.Provider) { p.BaseURL = "http://10.0.0.1/" })
	isInvalid(t, "the same by a super admin, for a tenant", err, "base_url")
	_, err = s.ChangeProvider(t.Context(), admin, "acme", "own", time.Time{}, func(p *engine.Provider) { p.BaseURL = "" })
	isInvalid(t, "an address taken away", err, "base_url")
	if n := o.reloads.Load(); n != 1 {
		t.Errorf("%d reloads, want 1: for the one that was stored", n)
	}
}

// Each kind of user against each place of a provider, its credentials and its models.
func TestCatalogueAuthority(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s, models := o.providers(), o.models()
	free := &engine.Price{}
	for _, account := range []string{"", "acme", "other"} {
		mustCreateProvider(t, s, super, engine.Provider{AccountID: account, ID: "p", Adapter: "openai", Enabled: true})
		if _, err := s.CreateCredential(t.Context(), super, engine.StoredCredential{AccountID: account, ProviderID: "p", ID: "k"}, "secret"); err != nil {
			t.Fatal(err)
		}
		if _, err := models.CreateModel(t.Context(), super, engine.Model{AccountID: account, ID: "m", ProviderID: "p", UpstreamID: "u"}, free); err != nil {
			t.Fatal(err)
		}
	}
	const ok, forbidden, absent = engine.Code(""), engine.CodeForbidden, engine.CodeNotFound
	type cell struct{ read, write engine.Code }
	for _, tt := range []struct {
		name                string
		p                   engine.Principal
		global, own, theirs cell
	}{
		{"super admin", super, cell{ok, ok}, cell{ok, ok}, cell{ok, ok}},
		{"account admin", admin, cell{ok, forbidden}, cell{ok, ok}, cell{absent, absent}},
		{"team lead", lead, cell{ok, forbidden}, cell{ok, forbidden}, cell{absent, absent}},
		{"user", user, cell{ok, forbidden}, cell{ok, forbidden}, cell{absent, absent}},
		{"another account's admin", foreign, cell{ok, forbidden}, cell{absent, absent}, cell{ok, ok}},
		{"nobody", engine.Principal{}, cell{ok, forbidden}, cell{absent, absent}, cell{absent, absent}},
	} {
		visible := 0
		for _, at := range []struct {
			account string
			want    cell
		}{{"", tt.global}, {"acme", tt.own}, {"other", tt.theirs}} {
			what := tt.name + " at '" + at.account + "' "
			_, err := s.GetProvider(t.Context(), tt.p, at.account, "p")
			hasCode(t, what+"reads a provider", err, at.want.read)
			if err == nil {
				visible++
			}
			_, err = models.GetModel(t.Context(), tt.p, at.account, "m")
			hasCode(t, what+"reads a model", err, at.want.read)
			_, err = s.ListCredentials(t.Context(), tt.p, at.account, "p")
			hasCode(t, what+"lists credentials", err, at.want.write)
			_, err = s.ChangeProvider(t.Context(), tt.p, at.account, "p", time.Time{}, func(*engine.Provider) {})
			hasCode(t, what+"changes a provider", err, at.want.write)
			_, err = s.ChangeCredential(t.Context(), tt.p, at.account, "p", "k", time.Time{}, nil, func(*engine.StoredCredential) {})
			hasCode(t, what+"changes a credential", err, at.want.write)
			create := at.want.write
			if create == absent {
				create = forbidden
			}
			_, err = models.ChangeModel(t.Context(), tt.p, at.account, "m", time.Time{}, nil, func(*engine.Model) {})
			hasCode(t, what+"changes a model", err, create)
			_, err = s.CreateProvider(t.Context(), tt.p, engine.Provider{AccountID: at.account, ID: "q", Adapter: "openai"})
			hasCode(t, what+"creates a provider", err, create)
			_, err = models.CreateModel(t.Context(), tt.p, engine.Model{AccountID: at.account, ID: "n", ProviderID: "p", UpstreamID: "u"}, nil)
			hasCode(t, what+"creates a model", err, create)
			_, err = s.CreateCredential(t.Context(), tt.p, engine.StoredCredential{AccountID: at.account, ProviderID: "p", ID: "l"}, "secret")
			hasCode(t, what+"creates a credential", err, at.want.write)
			if create != ok {
				hasCode(t, what+"deletes a provider", s.DeleteProvider(t.Context(), tt.p, at.account, "p"), at.want.write)
				hasCode(t, what+"deletes a model", models.DeleteModel(t.Context(), tt.p, at.account, "m"), create)
				hasCode(t, what+"deletes a credential", s.DeleteCredential(t.Context(), tt.p, at.account, "p", "k"), at.want.write)
				continue
			}
			for _, err := range []error{
				s.DeleteProvider(t.Context(), tt.p, at.account, "q"), models.DeleteModel(t.Context(), tt.p, at.account, "n"),
				s.DeleteCredential(t.Context(), tt.p, at.account, "p", "l"),
			} {
				if err != nil {
					t.Errorf("%s deletes what it made: %v", what, err)
				}
			}
		}
		list, err := s.ListProviders(t.Context(), tt.p)
		if err != nil || len(list) != visible {
			t.Errorf("%s lists %d providers, %v, want the %d that can be read", tt.name, len(list), err, visible)
		}
	}
}

// What costs the operator money is not the tenant's to say.
func TestModelsOnTheOperatorsProvider(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	providers, s := o.providers(), o.models()
	mustCreateProvider(t, providers, super, engine.Provider{ID: "big", Adapter: "openai", Enabled: true})
	free := &engine.Price{}
	_, err := s.CreateModel(t.Context(), admin, engine.Model{AccountID: "acme", ID: "m", ProviderID: "big", UpstreamID: "dear"}, free)
	hasCode(t, "a tenant's model on a global provider", err, engine.CodeForbidden)
	if _, err := s.CreateModel(t.Context(), super, engine.Model{AccountID: "acme", ID: "m", ProviderID: "big", UpstreamID: "cheap", PremiumCenti: 100}, &engine.Price{Input: 5}); err != nil {
		t.Fatalf("CreateModel() by a super admin = %v, want nil", err)
	}
	for name, edit := range map[string]func(*engine.Model){
		"another upstream model": func(m *engine.Model) { m.UpstreamID = "dear" },
		"another wire":           func(m *engine.Model) { m.API = engine.APIResponses },
		"another replacement": func(m *engine.Model) {
			m.Replacement = &engine.Replacement{UpstreamID: "dear", API: engine.APIChat}
		},
		"a member that becomes another":     func(m *engine.Model) { m.Rename = map[string]string{"user": "service_tier"} },
		"a member that is dropped":          func(m *engine.Model) { m.Unsupported = []string{"max_tokens"} },
		"fewer premium requests":            func(m *engine.Model) { m.PremiumCenti = 0 },
		"an end, so that another serves it": func(m *engine.Model) { m.RetiresAt = o.now },
		"more capabilities":                 func(m *engine.Model) { m.Capabilities = []engine.Capability{engine.CapFiles} },
	} {
		_, err := s.ChangeModel(t.Context(), admin, "acme", "m", time.Time{}, nil, edit)
		hasCode(t, name, err, engine.CodeForbidden)
	}
	_, err = s.ChangeModel(t.Context(), admin, "acme", "m", time.Time{}, free, func(*engine.Model) {})
	hasCode(t, "another price", err, engine.CodeForbidden)
	if m, err := s.ChangeModel(t.Context(), admin, "acme", "m", time.Time{}, nil, func(m *engine.Model) { m.DisplayName, m.Enabled, m.Fallbacks = "mine", true, []string{"gpt-5"} }); err != nil || m.DisplayName != "mine" || !m.Enabled {
		t.Errorf("ChangeModel() of how it is seen = %+v, %v, want it changed", m, err)
	}

	// Nor by a provider of their own that has the name for a while.
	mustCreateProvider(t, providers, admin, engine.Provider{AccountID: "acme", ID: "big", Adapter: "openai", Enabled: true})
	if _, err := s.CreateModel(t.Context(), admin, engine.Model{AccountID: "acme", ID: "n", ProviderID: "big", UpstreamID: "dear"}, free); err != nil {
		t.Fatalf("CreateModel() on a provider of their own = %v, want nil", err)
	}
	err = providers.DeleteProvider(t.Context(), admin, "acme", "big")
	if hasCode(t, "deleting a provider that serves models", err, engine.CodeConflict); err != nil && !strings.Contains(err.Error(), "m, n") {
		t.Errorf("DeleteProvider() = %v, want it to name the models", err)
	}
	for _, id := range []string{"m", "n"} {
		if err := s.DeleteModel(t.Context(), admin, "acme", id); err != nil {
			t.Fatal(err)
		}
	}
	if err := providers.DeleteProvider(t.Context(), admin, "acme", "big"); err != nil {
		t.Fatal(err)
	}
	if price, ok := o.catalogue.Load().AccountPrice("acme", "big", "dear", o.now, 0); ok {
		t.Errorf("AccountPrice() after its provider is gone = %+v, want none", price)
	}
}

func TestModelLife(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	mustCreateProvider(t, o.providers(), super, engine.Provider{ID: "own", Adapter: "anthropic", Enabled: true})
	s := o.models()
	made, err := s.CreateModel(t.Context(), super, engine.Model{ID: "llama3.2:3b", ProviderID: "own", UpstreamID: "meta/Llama 3.2", Fallbacks: []string{"gpt-5"}, Enabled: true},
		&engine.Price{AccountID: "x", ProviderID: "x", UpstreamID: "x", From: o.now.Add(time.Hour), AbovePrompt: 7, Input: 1, Output: 2})
	if err != nil || made.API != engine.APIMessages || made.DisplayName != "llama3.2:3b" || made.UpdatedAt.Equal(made.CreatedAt) {
		t.Fatalf("CreateModel() = %+v, %v, want it on the adapter's wire", made, err)
	}
	price, ok := o.catalogue.Load().Price("own", "meta/Llama 3.2", o.now, 0)
	if !ok || price.Input != 1 || price.Output != 2 || price.AbovePrompt != 0 {
		t.Errorf("Price() = %+v, %v, want it in force at once", price, ok)
	}
	_, err = s.CreateModel(t.Context(), super, engine.Model{ID: "llama3.2:3b", ProviderID: "own", UpstreamID: "meta/Llama 3.2"}, nil)
	hasCode(t, "the same id again", err, engine.CodeConflict)
	next, err := s.ChangeModel(t.Context(), super, "", "llama3.2:3b", made.UpdatedAt, &engine.Price{Input: 9}, func(m *engine.Model) { m.ContextWindow = 10; m.ID = "x" })
	if err != nil || next.ContextWindow != 10 || next.ID != "llama3.2:3b" {
		t.Errorf("ChangeModel() = %+v, %v, want the window", next, err)
	}
	if price, _ := o.catalogue.Load().Price("own", "meta/Llama 3.2", o.now, 0); price.Input != 9 || price.Output != 0 {
		t.Errorf("Price() after the change = %+v, want the new one alone", price)
	}
	_, err = s.ChangeModel(t.Context(), super, "", "llama3.2:3b", made.UpdatedAt, nil, func(*engine.Model) {})
	hasCode(t, "a change of what changed meanwhile", err, engine.CodeConflict)
	if err := s.DeleteModel(t.Context(), super, "", "llama3.2:3b"); err != nil {
		t.Errorf("DeleteModel() = %v, want nil", err)
	}
	hasCode(t, "deleting it again", s.DeleteModel(t.Context(), super, "", "llama3.2:3b"), engine.CodeNotFound)
}

func TestModelRefuses(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	mustCreateProvider(t, o.providers(), super, engine.Provider{ID: "own", Adapter: "openai", Enabled: true})
	s, was := o.models(), o.reloads.Load()
	for _, tt := range []struct {
		name, param string
		change      func(*engine.Model)
	}{
		{"no id", "id", func(m *engine.Model) { m.ID = "" }},
		{"auto", "id", func(m *engine.Model) { m.ID = "auto" }},
		{"a slash, which is a pin", "id", func(m *engine.Model) { m.ID = "own/m" }},
		{"capitals", "id", func(m *engine.Model) { m.ID = "GPT" }},
		{"no upstream id", "upstream_id", func(m *engine.Model) { m.UpstreamID = "" }},
		{"upstream id with a line end", "upstream_id", func(m *engine.Model) { m.UpstreamID = "a\r\nb" }},
		{"no such provider", "provider", func(m *engine.Model) { m.ProviderID = "ghost" }},
		{"no such wire", "api", func(m *engine.Model) { m.API = "soap" }},
		{"no such capability", "capabilities[1]", func(m *engine.Model) { m.Capabilities = []engine.Capability{"tools", "magic"} }},
		{"no such fallback", "fallbacks[1]", func(m *engine.Model) { m.Fallbacks = []string{"gpt-5", "gpt-6"} }},
		{"itself as fallback", "fallbacks[0]", func(m *engine.Model) { m.Fallbacks = []string{"m"} }},
		{"a negative window", "context_window", func(m *engine.Model) { m.ContextWindow = -1 }},
		{"a member renamed to model", "rename", func(m *engine.Model) { m.Rename = map[string]string{"user": "model"} }},
		{"model renamed", "rename", func(m *engine.Model) { m.Rename = map[string]string{"model": "engine"} }},
		{"a name with a line end", "unsupported[0]", func(m *engine.Model) { m.Unsupported = []string{"a\nb"} }},
		{"a long name", "modalities[0]", func(m *engine.Model) { m.Modalities = []string{strings.Repeat("x", 129)} }},
		{"a replacement without a wire", "replacement", func(m *engine.Model) { m.Replacement = &engine.Replacement{UpstreamID: "r"} }},
	} {
		m := engine.Model{ID: "m", ProviderID: "own", UpstreamID: "u"}
		tt.change(&m)
		_, err := s.CreateModel(t.Context(), super, m, &engine.Price{})
		isInvalid(t, tt.name, err, tt.param)
	}
	_, err := s.CreateModel(t.Context(), super, engine.Model{ID: "m", ProviderID: "own", UpstreamID: "u"}, nil)
	isInvalid(t, "no price", err, "price")
	_, err = s.ChangeModel(t.Context(), super, "", "gpt-5", time.Time{}, nil, func(m *engine.Model) { m.ProviderID = "own" })
	isInvalid(t, "a move to where no price is known", err, "price")
	for _, tt := range []struct {
		name    string
		p       engine.Principal
		account string
		id      string
		want    engine.Code
	}{
		{"a user", user, "", "gpt-5", engine.CodeForbidden},
		{"an account admin, another account", admin, "other", "gpt-5", engine.CodeForbidden},
		{"a row that the account has not", admin, "acme", "gpt-5", engine.CodeNotFound},
		{"no such model", super, "", "gpt-6", engine.CodeNotFound},
	} {
		_, err := s.ChangeModel(t.Context(), tt.p, tt.account, tt.id, time.Time{}, nil, func(m *engine.Model) { m.Enabled = false })
		hasCode(t, tt.name, err, tt.want)
	}
	if n := o.reloads.Load(); n != was {
		t.Errorf("%d reloads after refusals, want none", n-was)
	}
}

func TestCredentialLife(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.providers()
	mustCreateProvider(t, s, admin, engine.Provider{AccountID: "acme", ID: "own", Adapter: "openai", Enabled: true})
	const long, short = "sk-0123456789-abcdefgh-wxyz", "short-secret-of-19c"
	row := engine.StoredCredential{AccountID: "acme", ProviderID: "own", Name: "first", Enabled: true}
	made, err := s.CreateCredential(t.Context(), admin, row, " "+long+"\n")
	if err != nil || made.ID == "" || made.Hint != "wxyz" || made.Weight != 1 || made.Version != 1 {
		t.Fatalf("CreateCredential() = %+v, %v, want an id, a hint, weight and version 1", made, err)
	}
	if text, err := (paperSeal{}).OpenCredential(made); err != nil || text != long {
		t.Errorf("sealed = %q, %v, want the text without white space, for this row", text, err)
	}
	row.ID = "b"
	if second, err := s.CreateCredential(t.Context(), admin, row, short); err != nil || second.Hint != "" {
		t.Errorf("CreateCredential(19 characters) = %+v, %v, want no hint", second, err)
	}
	_, err = s.CreateCredential(t.Context(), admin, row, long)
	hasCode(t, "the same id again", err, engine.CodeConflict)

	heavier, err := s.ChangeCredential(t.Context(), admin, "acme", "own", "b", time.Time{}, nil, func(c *engine.StoredCredential) {
		c.Weight, c.Version, c.Hint, c.Sealed, c.ProviderID = 7, 99, "hint", nil, "other"
	})
	if err != nil || heavier.Weight != 7 || heavier.Version != 1 || heavier.Hint != "" || len(heavier.Sealed) == 0 || heavier.ProviderID != "own" {
		t.Errorf("ChangeCredential() = %+v, %v, want the weight changed alone", heavier, err)
	}
	next := long + "2"
	renewed, err := s.ChangeCredential(t.Context(), admin, "acme", "own", "b", heavier.UpdatedAt, &next, func(*engine.StoredCredential) {})
	if err != nil || renewed.Version != 2 || renewed.Hint != "xyz2" {
		t.Errorf("ChangeCredential(secret) = %+v, %v, want version 2 with its hint", renewed, err)
	}
	if text, err := (paperSeal{}).OpenCredential(renewed); err != nil || text != next {
		t.Errorf("sealed = %q, %v, want the new text for the new version", text, err)
	}
	_, err = s.ChangeCredential(t.Context(), admin, "acme", "own", "b", heavier.UpdatedAt, nil, func(*engine.StoredCredential) {})
	hasCode(t, "a change of what changed meanwhile", err, engine.CodeConflict)
	list, err := s.ListCredentials(t.Context(), admin, "acme", "own")
	if err != nil || len(list) != 2 || !slices.ContainsFunc(list, func(c engine.StoredCredential) bool { return c.ID == "b" && c.Weight == 7 }) {
		t.Errorf("ListCredentials() = %+v, %v, want both", list, err)
	}
	if err := s.DeleteCredential(t.Context(), admin, "acme", "own", "b"); err != nil {
		t.Errorf("DeleteCredential() = %v, want nil", err)
	}
	hasCode(t, "deleting it again", s.DeleteCredential(t.Context(), admin, "acme", "own", "b"), engine.CodeNotFound)
	hasCode(t, "deleting the environment's", s.DeleteCredential(t.Context(), admin, "acme", "own", "env"), engine.CodeNotFound)
}

func TestCredentialRefuses(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.providers()
	mustCreateProvider(t, s, admin, engine.Provider{AccountID: "acme", ID: "own", Adapter: "openai", Enabled: true})
	for _, tt := range []struct {
		name, id, label, secret, param string
		weight                         int
	}{
		{"empty secret", "a", "", "", "secret", 1},
		{"blank secret", "a", "", " \n", "secret", 1},
		{"line end within", "a", "", "sk-canary\nHost: evil", "secret", 1},
		{"not ASCII", "a", "", "sk-canary-ü", "secret", 1},
		{"too long", "a", "", strings.Repeat("sk-canary", 1000), "secret", 1},
		{"the environment's id", "env", "", "sk-canary", "id", 1},
		{"id with a slash", "a/b", "", "sk-canary", "id", 1},
		{"negative weight", "a", "", "sk-canary", "weight", -1},
		{"weight over the limit", "a", "", "sk-canary", "weight", 1001},
		{"name with a control character", "a", "\x00", "sk-canary", "name", 1},
	} {
		_, err := s.CreateCredential(t.Context(), admin, engine.StoredCredential{AccountID: "acme", ProviderID: "own", ID: tt.id, Name: tt.label, Weight: tt.weight}, tt.secret)
		isInvalid(t, tt.name, err, tt.param)
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error holds the secret: %v", tt.name, err)
		}
	}
	_, err := s.CreateCredential(t.Context(), admin, engine.StoredCredential{AccountID: "acme", ProviderID: "ghost"}, "secret")
	hasCode(t, "no such provider", err, engine.CodeNotFound)
}

// An account cannot fill every process's memory.
func TestCatalogueIsBounded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.providers()
	mustCreateProvider(t, s, admin, engine.Provider{AccountID: "acme", ID: "own", Adapter: "openai"})
	for i := range engine.MaxProviders - 1 {
		if err := o.PutProvider(t.Context(), engine.Provider{AccountID: "acme", ID: "p" + strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range engine.MaxModels {
		if err := o.PutModel(t.Context(), engine.Model{AccountID: "acme", ID: "m" + strconv.Itoa(i), ProviderID: "own", UpstreamID: "u"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range engine.MaxCredentials {
		c := engine.StoredCredential{AccountID: "acme", ProviderID: "own", ID: "k" + strconv.Itoa(i), Weight: 1, Version: 1, Sealed: []byte("x")}
		if err := o.Store.CreateCredential(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.CreateProvider(t.Context(), admin, engine.Provider{AccountID: "acme", ID: "more", Adapter: "openai"})
	hasCode(t, "a provider too many", err, engine.CodeConflict)
	_, err = o.models().CreateModel(t.Context(), admin, engine.Model{AccountID: "acme", ID: "more", ProviderID: "own", UpstreamID: "u"}, &engine.Price{})
	hasCode(t, "a model too many", err, engine.CodeConflict)
	_, err = s.CreateCredential(t.Context(), admin, engine.StoredCredential{AccountID: "acme", ProviderID: "own"}, "secret")
	hasCode(t, "a credential too many", err, engine.CodeConflict)
	mustCreateProvider(t, s, foreign, engine.Provider{AccountID: "other", ID: "own", Adapter: "openai"})
}

// Two processes that change a row at once both last, unless one of them said what it saw.
func TestProviderChangesAddUp(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	mustCreateProvider(t, o.providers(), super, engine.Provider{ID: "p", Adapter: "openai"})
	var changes sync.WaitGroup
	for _, edit := range []func(*engine.Provider){
		func(p *engine.Provider) { p.Enabled = true }, func(p *engine.Provider) { p.Keyless = true }, func(p *engine.Provider) { p.Name = "n" },
	} {
		s := o.providers()
		changes.Go(func() {
			if _, err := s.ChangeProvider(t.Context(), super, "", "p", time.Time{}, edit); err != nil {
				t.Error(err)
			}
		})
	}
	changes.Wait()
	got, err := o.providers().GetProvider(t.Context(), super, "", "p")
	if err != nil || !got.Enabled || !got.Keyless || got.Name != "n" {
		t.Errorf("GetProvider() = %+v, %v, want all three changes", got, err)
	}
}
