package tenancy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// anyCondition takes every text for a condition.
type anyCondition struct{}

func (anyCondition) CheckCondition(string) error { return nil }

// office is the settings over a store with the people in it.
type office struct {
	*Preferences
	tasks    *Assignments
	keys     *Keys
	users    *Users
	policies *engine.Policies
}

var officeModels = []string{"m-a", "m-b", "m-c", "m-d"}

func newOffice(t *testing.T) *office {
	t.Helper()
	k, _, _, users := populated(t)
	o := &office{keys: k, users: users}
	var models []engine.Model
	for _, id := range officeModels {
		models = append(models, engine.Model{ID: id, Enabled: true})
	}
	catalogue := engine.NewCatalogue(models, nil, nil)
	rows := k.store.(SettingStore)
	reload := func(ctx context.Context) error {
		preferences, err := rows.ListPreferences(ctx)
		if err != nil {
			return err
		}
		assignments, err := rows.ListAssignments(ctx)
		o.policies = engine.NewPolicies(preferences, assignments, nil)
		return err
	}
	must(t, reload(t.Context()))
	o.Preferences, o.tasks = NewSettings(SettingConfig{
		Keys: k, Store: rows, Catalogue: func() *engine.Catalogue { return catalogue }, Policies: func() *engine.Policies { return o.policies },
		Conditions: anyCondition{}, Reload: reload, Now: func() time.Time { return testNow },
	})
	return o
}

// set makes somebody change what is set for a tenant.
func (o *office) set(t *testing.T, p engine.Principal, of engine.Tenant, edit func(*engine.Preferences)) error {
	t.Helper()
	_, err := o.ChangePreferences(t.Context(), p, of, time.Time{}, edit)
	return err
}

func wantCode(t *testing.T, what string, err error, want engine.Code) {
	t.Helper()
	if got := engine.CodeOf(err); err == nil && want != "" || err != nil && got != want {
		t.Errorf("%s = %v, want %q", what, err, want)
	}
}

var (
	acme     = engine.Tenant{AccountID: "acme"}
	acmeRed  = engine.Tenant{AccountID: "acme", TeamID: "red"}
	acmeUser = engine.Tenant{AccountID: "acme", UserID: "user"}
	acmeLead = engine.Tenant{AccountID: "acme", UserID: "lead"}
)

// What was set for one person by somebody above binds that person, a team lead too.
func TestOwnLevelBinds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	boss := principal(person("acme", "boss"))
	tokens, more := int64(1_000), int64(1_000_000)
	for _, who := range []string{"user", "lead"} {
		self, own := principal(person("acme", who)), engine.Tenant{AccountID: "acme", UserID: who}
		must(t, o.set(t, boss, own, func(p *engine.Preferences) {
			p.MaxTokensPerDay, p.BlockedModels = &tokens, &[]string{"m-a"}
		}))
		for name, edit := range map[string]func(*engine.Preferences){
			"a cap":  func(p *engine.Preferences) { p.MaxTokensPerDay = &more },
			"no cap": func(p *engine.Preferences) { p.MaxTokensPerDay = nil },
			"a list": func(p *engine.Preferences) { p.BlockedModels = nil },
		} {
			wantCode(t, who+" changes "+name, o.set(t, self, own, edit), engine.CodeForbidden)
		}
		wantCode(t, who+" deletes its settings", o.DeletePreferences(t.Context(), self, own, time.Time{}), engine.CodeForbidden)
		wantCode(t, who+" prefers", o.set(t, self, own, func(p *engine.Preferences) { p.PreferCost = new(bool) }), "")

		given, err := o.tasks.CreateAssignment(t.Context(), boss, engine.Assignment{
			Tenant: own, ID: "for-" + who, TaskType: "review", Model: "m-b", Allowed: []string{"m-b"}, Priority: 1, Enabled: true,
		})
		must(t, err)
		_, err = o.tasks.ChangeAssignment(t.Context(), self, "acme", given.ID, time.Time{}, func(a *engine.Assignment) { a.Enabled = false })
		wantCode(t, who+" switches off what was assigned", err, engine.CodeForbidden)
		wantCode(t, who+" deletes what was assigned", o.tasks.DeleteAssignment(t.Context(), self, "acme", given.ID, time.Time{}), engine.CodeForbidden)
		_, err = o.tasks.CreateAssignment(t.Context(), self, engine.Assignment{
			Tenant: own, ID: "own-" + who, TaskType: "review", Model: "m-c", Priority: engine.MaxPriority, Enabled: true,
		})
		must(t, err)
		if list := o.policies.Of(self).Assignments(testNow)["review"]; len(list) != 2 || list[0].ID != given.ID {
			t.Errorf("assignments of %s = %v, want %s first", who, list, given.ID)
		}
		must(t, o.tasks.DeleteAssignment(t.Context(), self, "acme", "own-"+who, time.Time{}))
	}
	// Who manages the team changes what was set for its users, and a lead still its team.
	lead := principal(person("acme", "lead"))
	wantCode(t, "lead changes its user's cap", o.set(t, lead, acmeUser, func(p *engine.Preferences) { p.MaxTokensPerDay = nil }), "")
	wantCode(t, "lead sets its team's cap", o.set(t, lead, acmeRed, func(p *engine.Preferences) { p.MaxTokensPerDay = &more }), "")
	wantCode(t, "boss changes the lead's cap", o.set(t, boss, acmeLead, func(p *engine.Preferences) { p.MaxTokensPerDay = nil }), "")
}

// TestSettingsNeverWiden: whatever a user and a team lead write, in whatever order, neither is
// allowed more than what others have set leaves to it.
func TestSettingsNeverWiden(t *testing.T) {
	t.Parallel()
	const seed, steps = 11, 600
	o := newOffice(t)
	boss, lead, user := principal(person("acme", "boss")), principal(person("acme", "lead")), principal(person("acme", "user"))
	one, two := int64(1_000), int64(2_000)
	off := false
	must(t, o.set(t, boss, acme, func(p *engine.Preferences) {
		p.AllowedModels, p.MaxCostPerDay, p.StoreText = &[]string{"m-a", "m-b", "m-c"}, &two, &off
		p.Locked = []string{engine.MemberAllowedModels, engine.MemberMaxTokens, engine.MemberMaxCost, engine.MemberStoreText}
	}))
	for _, own := range []engine.Tenant{acmeUser, acmeLead} {
		must(t, o.set(t, boss, own, func(p *engine.Preferences) { p.BlockedModels, p.MaxTokensPerDay = &[]string{"m-a"}, &one }))
		_, err := o.tasks.CreateAssignment(t.Context(), boss, engine.Assignment{Tenant: own, ID: "given-" + own.UserID, TaskType: "review", Model: "m-b", Enabled: true})
		must(t, err)
	}
	random := rand.New(rand.NewPCG(seed, seed))
	pick := func(list ...engine.Tenant) engine.Tenant { return list[random.IntN(len(list))] }
	models := func() *[]string {
		if random.IntN(3) == 0 {
			return nil
		}
		list := slices.Clone(officeModels)[:random.IntN(len(officeModels)+1)]
		return &list
	}
	names := []string{engine.MemberAllowedModels, engine.MemberBlockedModels, engine.MemberMaxTokens, engine.MemberDefaultModel}
	made := []string{"given-user", "given-lead"}
	done := 0
	for step := range steps {
		by := user
		if random.IntN(2) == 0 {
			by = lead
		}
		of := pick(engine.Tenant{}, acme, acmeRed, acmeUser, acmeLead, engine.Tenant{AccountID: "acme", TeamID: "blue"}, engine.Tenant{AccountID: "rival", UserID: "user"})
		if by.UserID == "lead" && of == acmeUser {
			of = acmeRed // a lead may change what was set for its users
		}
		mine := made[random.IntN(len(made))]
		if by.UserID == "lead" && mine == "given-user" {
			mine = "given-lead"
		}
		what, err := "", error(nil)
		switch n := random.IntN(10); {
		case n < 5:
			what = "changes preferences"
			err = o.set(t, by, of, func(p *engine.Preferences) {
				switch random.IntN(6) {
				case 0:
					p.AllowedModels = models()
				case 1:
					p.BlockedModels = models()
				case 2:
					p.MaxTokensPerDay, p.MaxCostPerDay = nil, new(int64)
				case 3:
					p.StoreText, p.PreferCost = nil, new(bool)
				case 4:
					p.Locked = names[:random.IntN(len(names)+1)]
				case 5:
					p.DefaultModel, p.Model = &officeModels[random.IntN(len(officeModels))], nil
				}
			})
		case n < 6:
			what, err = "deletes preferences", o.DeletePreferences(t.Context(), by, of, time.Time{})
		case n < 7:
			what = "overrides"
			_, err = o.SetOverride(t.Context(), by, of, engine.Preferences{AllowedModels: &officeModels, Reason: "mine"})
		case n < 8:
			what = "assigns"
			id := fmt.Sprintf("a%d", step)
			_, err = o.tasks.CreateAssignment(t.Context(), by, engine.Assignment{Tenant: of, ID: id, TaskType: "review", Model: "m-c", Priority: random.IntN(10_001), Locked: random.IntN(2) == 0, Enabled: true})
			if err == nil {
				made = append(made, id)
			}
		case n < 9:
			what = "changes an assignment"
			_, err = o.tasks.ChangeAssignment(t.Context(), by, "acme", mine, time.Time{}, func(a *engine.Assignment) {
				if random.IntN(3) == 0 {
					a.TaskType = "other"
				}
				a.Priority, a.Enabled, a.UpdatedBy, a.Tenant = engine.MaxPriority, random.IntN(2) == 0, "acme/boss", acme
			})
		default:
			what, err = "deletes an assignment", o.tasks.DeleteAssignment(t.Context(), by, "acme", mine, time.Time{})
		}
		if err == nil {
			done++
		} else if engine.CodeOf(err) == engine.CodeInternal {
			t.Fatalf("seed %d, step %d: %s %s of %+v: %v", seed, step, by.UserID, what, of, err)
		}
		for _, p := range []engine.Principal{user, lead} {
			holds := o.policies.Of(p)
			if holds.Allows("m-a") || holds.Allows("m-d") || holds.StoreText || holds.Model != "" {
				t.Fatalf("seed %d, step %d: after %s %s of %+v, %s is allowed %+v", seed, step, by.UserID, what, of, p.UserID, holds)
			}
			tokens, cost := false, false
			for _, c := range holds.Caps {
				tokens = tokens || c.Tenant.UserID == p.UserID && c.Tokens == one
				cost = cost || c.Tenant == acme && c.NanoUSD == two
			}
			if !tokens || !cost {
				t.Fatalf("seed %d, step %d: after %s %s of %+v, the caps of %s are %+v", seed, step, by.UserID, what, of, p.UserID, holds.Caps)
			}
			if list := holds.Assignments(testNow)["review"]; p.UserID == "lead" || by.UserID == "user" {
				if !slices.ContainsFunc(list, func(a *engine.Assignment) bool { return a.ID == "given-"+p.UserID }) && !slices.ContainsFunc(list, func(a *engine.Assignment) bool { return a.Locked && a.TeamID == "red" }) {
					t.Fatalf("seed %d, step %d: after %s %s of %+v, %s lacks what was assigned: %v", seed, step, by.UserID, what, of, p.UserID, list)
				}
				if len(list) > 0 && list[0].UserID == p.UserID && list[0].UpdatedBy != "acme/boss" {
					t.Fatalf("seed %d, step %d: after %s %s of %+v, %s goes before what was assigned: %+v", seed, step, by.UserID, what, of, p.UserID, list[0])
				}
			}
		}
	}
	if done < steps/10 {
		t.Errorf("%d changes were made of %d, want some for the test to mean something", done, steps)
	}
}

// Of another account one has to say who is meant: the caller is nobody there.
func TestEffectiveOfAnotherAccount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, err := o.GetEffective(t.Context(), admin, "acme", "")
	wantCode(t, "effective of acme without a user", err, engine.CodeInvalid)
	e, err := o.GetEffective(t.Context(), admin, "acme", "user")
	if err != nil || e.Principal.UserID != "user" || e.Principal.TeamID != "red" {
		t.Errorf("effective of acme's user = %+v, %v, want it", e.Principal, err)
	}
	e, err = o.GetEffective(t.Context(), principal(person("acme", "user")), "acme", "")
	if err != nil || e.Principal.UserID != "user" {
		t.Errorf("effective of oneself = %+v, %v, want it", e.Principal, err)
	}
	_, err = o.GetEffective(t.Context(), principal(person("acme", "user")), "rival", "")
	wantCode(t, "effective of rival", err, engine.CodeNotFound)
}

// Nobody below an administrator fills an account's room for assignments alone.
func TestAssignmentsOfOneLevel(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	user, boss := principal(person("acme", "user")), principal(person("acme", "boss"))
	assign := func(p engine.Principal, n int) error {
		_, err := o.tasks.CreateAssignment(t.Context(), p, engine.Assignment{
			Tenant: acmeUser, ID: fmt.Sprintf("a%d", n), TaskType: fmt.Sprintf("task %d", n), Model: "m-a", Enabled: true,
		})
		return err
	}
	for n := range maxOfLevel {
		must(t, assign(user, n))
	}
	wantCode(t, "one too many by the user", assign(user, maxOfLevel), engine.CodeConflict)
	wantCode(t, "one more by an administrator", assign(boss, maxOfLevel), "")
	wantCode(t, "a change of what is there", func() error {
		_, err := o.tasks.ChangeAssignment(t.Context(), user, "acme", "a0", time.Time{}, func(a *engine.Assignment) { a.Model = "m-b" })
		return err
	}(), "")
}

// What a deleted user leaves behind takes room: an administrator sees it and can delete it,
// and nobody can change it or add to it.
func TestAssignmentsOfTheDeleted(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	boss, lead := principal(person("acme", "boss")), principal(person("acme", "lead"))
	for _, id := range []string{"left", "new"} {
		if id == "new" {
			must(t, o.users.DeleteUser(t.Context(), boss, "acme", "user", time.Time{}))
		}
		_, err := o.tasks.CreateAssignment(t.Context(), boss, engine.Assignment{Tenant: acmeUser, ID: id, TaskType: "review", Model: "m-a", Enabled: true})
		wantCode(t, "create "+id, err, map[string]engine.Code{"new": engine.CodeNotFound}[id])
	}
	for _, c := range []struct {
		p    engine.Principal
		want int
		code engine.Code
	}{{lead, 0, engine.CodeNotFound}, {principal(person("rival", "boss")), 0, engine.CodeNotFound}, {boss, 1, ""}} {
		if rows, err := o.tasks.ListAssignments(t.Context(), c.p, c.p.AccountID); err != nil || len(rows) != c.want {
			t.Errorf("ListAssignments(%s) = %v, %v, want %d", c.p.UserID, rows, err, c.want)
		}
		_, err := o.tasks.ChangeAssignment(t.Context(), c.p, "acme", "left", time.Time{}, func(a *engine.Assignment) { a.Priority = 1 })
		wantCode(t, c.p.UserID+" changes it", err, engine.CodeNotFound)
		wantCode(t, c.p.UserID+" deletes it", o.tasks.DeleteAssignment(t.Context(), c.p, "acme", "left", time.Time{}), c.code)
	}
}

// Of what is gone the audit log has no row: a detail is the row as it is after the change.
func TestDeletedSettingsAreAudited(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	boss := principal(person("acme", "boss"))
	must(t, o.set(t, boss, acme, func(p *engine.Preferences) { p.DefaultModel = &officeModels[0] }))
	must(t, o.DeletePreferences(t.Context(), boss, acme, time.Time{}))
	_, err := o.SetOverride(t.Context(), admin, acme, engine.Preferences{DefaultModel: &officeModels[1], Reason: "a test"})
	must(t, err)
	must(t, o.RemoveOverride(t.Context(), admin, acme))
	_, err = o.tasks.CreateAssignment(t.Context(), boss, engine.Assignment{Tenant: acme, ID: "a", TaskType: "review", Model: "m-a", Enabled: true})
	must(t, err)
	must(t, o.tasks.DeleteAssignment(t.Context(), boss, "acme", "a", time.Time{}))
	entries, err := o.keys.store.(engine.AuditStore).ReadAudit(t.Context(), "acme", 0, 100)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%s %s %v", e.Action, e.Object, len(e.Detail) > 0))
	}
	want := []string{
		"preferences.update preferences/account true", "preferences.delete preferences/account false",
		"override.set override/account true", "override.remove override/account false",
		"assignment.create assignment/a true", "assignment.delete assignment/a false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("audit = %q, want %q", got, want)
	}
}
