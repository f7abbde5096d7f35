package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var reopenTests = []test{
	{"everything is there after a restart", reopenAll},
	{"a closed store refuses calls", reopenClosed},
}

func reopenAll(t *testing.T, d Database) {
	first := d.Open(t, never)
	withUsers(t, first)
	key := plainKey("a", "k", 1)
	plugin := plainPlugin("", "p", "1")
	price := engine.Price{ProviderID: "p", UpstreamID: "u", From: at(0), Input: 1, CachedInput: ptr[int64](0)}
	credential := plainCredential("", "p", "k", 0)
	provider := engine.Provider{ID: "p", Config: []byte(`{}`), Keyless: true, CreatedAt: at(0), UpdatedAt: at(0)}
	must(t, "CreateRule()", first.CreateRule(t.Context(), fullRule()))
	must(t, "PutModel()", first.PutModel(t.Context(), fullModel()))
	must(t, "PutProvider()", first.PutProvider(t.Context(), provider))
	must(t, "CreateCredential()", first.CreateCredential(t.Context(), credential))
	must(t, "PutPrice()", first.PutPrice(t.Context(), price))
	must(t, "CreateKey()", first.CreateKey(t.Context(), key))
	must(t, "CreateTeam()", first.CreateTeam(t.Context(), plainTeam("a", "t")))
	must(t, "CreatePlugin()", first.CreatePlugin(t.Context(), plugin))
	must(t, "AddUsage()", first.AddUsage(t.Context(), []engine.Usage{fullUsage()}))
	must(t, "PutPreferences()", first.PutPreferences(t.Context(), fullPreferences(), time.Time{}))
	must(t, "CreateAssignment()", first.CreateAssignment(t.Context(), fullAssignment()))
	must(t, "PutSetting()", first.PutSetting(t.Context(), "s", "v"))
	was := revision(t, first)
	must(t, "Close()", first.Close())

	s := open(t, d)
	rules, err := s.ListRules(t.Context())
	must(t, "ListRules()", err)
	wantEqual(t, "ListRules()", rules, []engine.Rule{fullRule()})
	models, err := s.ListModels(t.Context())
	must(t, "ListModels()", err)
	wantEqual(t, "ListModels()", models, []engine.Model{fullModel()})
	providers, err := s.ListProviders(t.Context())
	must(t, "ListProviders()", err)
	wantEqual(t, "ListProviders()", providers, []engine.Provider{provider})
	wantCredentials(t, s, credential)
	prices, err := s.ListPrices(t.Context())
	must(t, "ListPrices()", err)
	wantEqual(t, "ListPrices()", prices, []engine.Price{price})
	account, err := s.GetAccount(t.Context(), "a")
	must(t, "GetAccount()", err)
	wantEqual(t, "GetAccount()", account, engine.Account{ID: "a"})
	teams, err := s.ListTeams(t.Context())
	must(t, "ListTeams()", err)
	wantEqual(t, "ListTeams()", teams, []engine.Team{plainTeam("a", "t")})
	users, err := s.ListUsers(t.Context())
	must(t, "ListUsers()", err)
	wantEqual(t, "len(ListUsers())", len(users), 2)
	keys, err := s.ListKeys(t.Context())
	must(t, "ListKeys()", err)
	wantEqual(t, "ListKeys()", keys, []engine.Key{key})
	got, err := s.GetPlugin(t.Context(), "", "p", "1")
	must(t, "GetPlugin()", err)
	wantEqual(t, "GetPlugin()", got, plugin)
	wantUsage(t, s, "acme", "", 10, fullUsage())
	wantPreferences(t, s, fullPreferences())
	wantAssignments(t, s, fullAssignment())
	value, err := s.GetSetting(t.Context(), "s")
	must(t, "GetSetting()", err)
	wantEqual(t, "GetSetting()", value, "v")
	wantRevision(t, s, was, 0)
}

func reopenClosed(t *testing.T, d Database) {
	s := d.Open(t, never)
	must(t, "Close()", s.Close())
	if _, err := s.ListRules(t.Context()); err == nil {
		t.Error("ListRules() on a closed store = nil, want an error")
	}
	if err := s.PutModel(t.Context(), plainModel("", "m")); err == nil {
		t.Error("PutModel() on a closed store = nil, want an error")
	}
}
