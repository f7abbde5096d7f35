package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func changeRaise(t *testing.T, d Database) {
	s := open(t, d)
	updated := plainRule("", "r")
	updated.UpdatedAt = at(1)
	for _, c := range []struct {
		name  string
		area  engine.Area
		write func() error
	}{
		{"CreateRule", engine.AreaRules, func() error { return s.CreateRule(t.Context(), plainRule("", "r")) }},
		{"UpdateRule", engine.AreaRules, func() error { return s.UpdateRule(t.Context(), updated, at(0)) }},
		{"DeleteRule", engine.AreaRules, func() error { return s.DeleteRule(t.Context(), "", "r") }},
		{"PutModel", engine.AreaCatalogue, func() error { return s.PutModel(t.Context(), plainModel("", "m")) }},
		{"PutModel again", engine.AreaCatalogue, func() error { return s.PutModel(t.Context(), plainModel("", "m")) }},
		{"PutProvider", engine.AreaCatalogue, func() error { return s.PutProvider(t.Context(), engine.Provider{ID: "p"}) }},
		{"PutPrice", engine.AreaCatalogue, func() error { return s.PutPrice(t.Context(), engine.Price{ProviderID: "p", UpstreamID: "u"}) }},
		{"CreateModel", engine.AreaCatalogue, func() error {
			return s.CreateModel(t.Context(), plainModel("", "n"), []engine.Price{{ProviderID: "p", UpstreamID: "u"}})
		}},
		{"UpdateModel", engine.AreaCatalogue, func() error { return s.UpdateModel(t.Context(), plainModel("", "n"), nil, at(0)) }},
		{"DeleteModel", engine.AreaCatalogue, func() error { return s.DeleteModel(t.Context(), "", "n") }},
		{"CreateProvider", engine.AreaCatalogue, func() error { return s.CreateProvider(t.Context(), engine.Provider{ID: "q", UpdatedAt: at(0)}) }},
		{"UpdateProvider", engine.AreaCatalogue, func() error { return s.UpdateProvider(t.Context(), engine.Provider{ID: "q", UpdatedAt: at(0)}, at(0)) }},
		{"CreateCredential", engine.AreaCatalogue, func() error { return s.CreateCredential(t.Context(), plainCredential("", "q", "k", 0)) }},
		{"UpdateCredential", engine.AreaCatalogue, func() error { return s.UpdateCredential(t.Context(), plainCredential("", "q", "k", 1), at(0)) }},
		{"DeleteCredential", engine.AreaCatalogue, func() error { return s.DeleteCredential(t.Context(), "", "q", "k") }},
		{"DeleteProvider", engine.AreaCatalogue, func() error { return s.DeleteProvider(t.Context(), "", "q") }},
		{"CreateAccount", engine.AreaTenants, func() error { return s.CreateAccount(t.Context(), engine.Account{ID: "a"}) }},
		{"CreateUser", engine.AreaTenants, func() error {
			return s.CreateUser(t.Context(), engine.User{AccountID: "a", ID: "u", Role: engine.RoleUser})
		}},
		{"CreateKey", engine.AreaTenants, func() error { return s.CreateKey(t.Context(), plainKey("a", "k", 1)) }},
		{"RevokeKey", engine.AreaTenants, func() error { return s.RevokeKey(t.Context(), "a", "k", at(2)) }},
		{"UpdateAccount", engine.AreaTenants, func() error { return s.UpdateAccount(t.Context(), plainAccount("a"), time.Time{}) }},
		{"CreateTeam", engine.AreaTenants, func() error { return s.CreateTeam(t.Context(), plainTeam("a", "t")) }},
		{"UpdateTeam", engine.AreaTenants, func() error { return s.UpdateTeam(t.Context(), plainTeam("a", "t"), at(0)) }},
		{"UpdateUser", engine.AreaTenants, func() error { return s.UpdateUser(t.Context(), plainUser("a", "u"), time.Time{}) }},
		{"UpdateKey", engine.AreaTenants, func() error { return s.UpdateKey(t.Context(), plainKey("a", "k", 1), time.Time{}) }},
		{"RotateKey", engine.AreaTenants, func() error {
			old := plainKey("a", "k", 1)
			old.RotatedTo = "l"
			return s.RotateKey(t.Context(), old, plainKey("a", "l", 2), at(0))
		}},
		{"PutPreferences", engine.AreaPolicies, func() error {
			return s.PutPreferences(t.Context(), plainPreferences("a", "", "", false), time.Time{})
		}},
		{"DeletePreferences", engine.AreaPolicies, func() error { return s.DeletePreferences(t.Context(), engine.Tenant{AccountID: "a"}, false) }},
		{"CreateAssignment", engine.AreaPolicies, func() error { return s.CreateAssignment(t.Context(), plainAssignment("a", "x")) }},
		{"UpdateAssignment", engine.AreaPolicies, func() error { return s.UpdateAssignment(t.Context(), plainAssignment("a", "x"), at(0)) }},
		{"DeleteAssignment", engine.AreaPolicies, func() error { return s.DeleteAssignment(t.Context(), "a", "x") }},
		{"CreatePlugin", engine.AreaPlugins, func() error { return s.CreatePlugin(t.Context(), plainPlugin("", "p", "1")) }},
		{"ActivatePlugin", engine.AreaPlugins, func() error { return s.ActivatePlugin(t.Context(), "", "p", "1") }},
		{"DeletePlugin", engine.AreaPlugins, func() error { return s.DeletePlugin(t.Context(), "", "p", "1") }},
		{"PublishRuleSet", engine.AreaRules, func() error {
			return s.PublishRuleSet(t.Context(), engine.RuleSet{AccountID: "a", Version: 1, Rules: []engine.Rule{plainRule("a", "r")}, CreatedAt: at(1)}, 0)
		}},
		{"PutRuleCase", engine.AreaOther, func() error { return s.PutRuleCase(t.Context(), plainRuleCase("a", "c")) }},
		{"DeleteRuleCase", engine.AreaOther, func() error { return s.DeleteRuleCase(t.Context(), "a", "c") }},
		{"CreateRollout", engine.AreaRollouts, func() error { return s.CreateRollout(t.Context(), shadowRollout("a", "o")) }},
		{"UpdateRollout", engine.AreaRollouts, func() error {
			r := shadowRollout("a", "o")
			r.Share, r.UpdatedAt = 100, at(1)
			return s.UpdateRollout(t.Context(), r, at(0))
		}},
		{"ReplacePrices", engine.AreaCatalogue, func() error {
			return s.ReplacePrices(t.Context(), []engine.Price{{ProviderID: "p", UpstreamID: "w", From: at(2)}})
		}},
		{"DeletePrices", engine.AreaCatalogue, func() error { return s.DeletePrices(t.Context(), "", "p", "w", at(2)) }},
		{"CreateBudget", engine.AreaBudgets, func() error { return s.CreateBudget(t.Context(), plainBudget("a", "b")) }},
		{"UpdateBudget", engine.AreaBudgets, func() error {
			return s.UpdateBudget(t.Context(), plainBudget("a", "b"), plainBudget("a", "b").UpdatedAt)
		}},
		{"DeleteBudget", engine.AreaBudgets, func() error { return s.DeleteBudget(t.Context(), "a", "b") }},
		{"CreateLimit", engine.AreaLimits, func() error { return s.CreateLimit(t.Context(), plainLimit("a", "l")) }},
		{"UpdateLimit", engine.AreaLimits, func() error { return s.UpdateLimit(t.Context(), plainLimit("a", "l"), plainLimit("a", "l").UpdatedAt) }},
		{"DeleteLimit", engine.AreaLimits, func() error { return s.DeleteLimit(t.Context(), "a", "l") }},
		{"CreateWebhook", engine.AreaOther, func() error { return s.CreateWebhook(t.Context(), plainWebhook("a", "w")) }},
		{"UpdateWebhook", engine.AreaOther, func() error {
			return s.UpdateWebhook(t.Context(), plainWebhook("a", "w"), plainWebhook("a", "w").UpdatedAt)
		}},
		{"DeleteWebhook", engine.AreaOther, func() error { return s.DeleteWebhook(t.Context(), "a", "w") }},
		{"PutDecisionSettings", engine.AreaDecisions, func() error {
			return s.PutDecisionSettings(t.Context(), engine.DecisionSettings{AccountID: "a", Share: 1, Days: 1, UpdatedAt: at(1)})
		}},
		{"DeleteDecisionSettings", engine.AreaDecisions, func() error { return s.DeleteDecisionSettings(t.Context(), "a") }},
		{"PutHealthControl", engine.AreaHealth, func() error {
			return s.PutHealthControl(t.Context(), engine.HealthControl{Subject: engine.HealthSubject{ProviderID: "p"}, Switch: engine.HealthDrained, UpdatedAt: at(1)})
		}},
	} {
		was, mark := revision(t, s), marked(t, s)
		must(t, c.name+"()", c.write())
		if now := revision(t, s); now != was+1 {
			t.Errorf("Revision() after %s() = %d, want %d", c.name, now, was+1)
		}
		if got := changes(t, s, mark); mark.Write != "" && (!got.Known || len(got.List) != 1 || got.List[0].Area != c.area) {
			t.Errorf("Changes() after %s() = %+v, want one of %s", c.name, got, c.area)
		}
	}
}
