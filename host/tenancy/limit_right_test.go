package tenancy

import (
	"testing"

	"github.com/pointsman/pointsman/engine"
)

func TestLimitRights(t *testing.T) {
	t.Parallel()
	d := &directory{}
	for _, row := range []any{
		engine.Account{ID: "acme"}, engine.Account{ID: "rival"},
		engine.User{AccountID: "acme", ID: "bob", TeamID: "red", Role: engine.RoleUser},
		engine.User{AccountID: "acme", ID: "eve", TeamID: "blue", Role: engine.RoleUser},
		engine.Key{AccountID: "acme", ID: "k-bob", UserID: "bob"}, engine.Key{AccountID: "acme", ID: "k-eve", UserID: "eve"},
	} {
		d = d.with(row)
	}
	lead := engine.Principal{AccountID: "acme", TeamID: "red", UserID: "lead", Role: engine.RoleTeamLead}
	admin := engine.Principal{AccountID: "acme", UserID: "boss", Role: engine.RoleAccountAdmin}
	super := engine.Principal{AccountID: "default", UserID: "admin", Role: engine.RoleSuperAdmin}
	bob := engine.Principal{AccountID: "acme", TeamID: "red", UserID: "bob", KeyID: "k-bob", Role: engine.RoleUser}
	of := func(s engine.LimitScope) engine.Limit {
		return engine.Limit{AccountID: "acme", Scope: s, LeastRole: engine.RoleTeamLead}
	}
	above := of(engine.LimitScope{TeamID: "red"})
	above.LeastRole = engine.RoleAccountAdmin
	unsaid := above
	unsaid.LeastRole = ""
	override := of(engine.LimitScope{TeamID: "red"})
	override.Override = true
	homeless := lead
	homeless.TeamID = ""
	for _, test := range []struct {
		name          string
		who           engine.Principal
		limit         engine.Limit
		reads, writes bool
	}{
		{"a lead, of its team", lead, of(engine.LimitScope{TeamID: "red"}), true, true},
		{"a lead, of a user in it", lead, of(engine.LimitScope{UserID: "bob"}), true, true},
		{"a lead, of a key in it", lead, of(engine.LimitScope{KeyID: "k-bob"}), true, true},
		{"a lead, of another team", lead, of(engine.LimitScope{TeamID: "blue"}), false, false},
		{"a lead, of a user of another team", lead, of(engine.LimitScope{UserID: "eve"}), false, false},
		{"a lead, of its team and a user of another", lead, of(engine.LimitScope{TeamID: "red", UserID: "eve"}), false, false},
		{"a lead, of a key of another team", lead, of(engine.LimitScope{KeyID: "k-eve"}), false, false},
		{"a lead, of a user that is not there", lead, of(engine.LimitScope{UserID: "nobody"}), false, false},
		{"a lead, of the whole account", lead, of(engine.LimitScope{}), true, false},
		{"a lead, of a model for everybody", lead, of(engine.LimitScope{ModelID: "gpt-5"}), true, false},
		{"a lead, of its team, set above it", lead, above, true, false},
		{"a lead, of its team, by whom is not known", lead, unsaid, true, false},
		{"a lead, in the place of others", lead, override, true, false},
		{"a lead without a team", homeless, of(engine.LimitScope{UserID: "bob"}), false, false},
		{"an admin, set above a team", admin, above, true, true},
		{"an admin, by a lead", admin, of(engine.LimitScope{TeamID: "blue"}), true, true},
		{"an admin, of everybody", admin, engine.Limit{}, true, false},
		{"an admin, of its account by the super admin", admin, engine.Limit{Scope: engine.LimitScope{AccountID: "acme"}}, true, false},
		{"an admin, of another account", admin, engine.Limit{AccountID: "rival"}, false, false},
		{"an admin, of another account by the super admin", admin, engine.Limit{Scope: engine.LimitScope{AccountID: "rival"}}, false, false},
		{"a user, of itself", bob, of(engine.LimitScope{UserID: "bob"}), true, false},
		{"a user, of its team", bob, of(engine.LimitScope{TeamID: "red"}), true, false},
		{"a user, of another user", bob, of(engine.LimitScope{UserID: "eve"}), false, false},
		{"a super admin, of everybody", super, engine.Limit{}, true, true},
		{"a super admin, of an account", super, above, true, true},
		{"nobody", engine.Principal{}, engine.Limit{}, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := d.readsLimit(test.who, test.limit); got != test.reads {
				t.Errorf("readsLimit(%+v) = %v, want %v", test.limit, got, test.reads)
			}
			if err := d.mayWriteLimit(test.who, test.limit); (err == nil) != test.writes {
				t.Errorf("mayWriteLimit(%+v) = %v, want allowed: %v", test.limit, err, test.writes)
			}
		})
	}
}
