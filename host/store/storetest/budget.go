package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var budgetTests = []test{
	{"keeps every member", budgetRoundTrip},
	{"lists by account, id", budgetOrder},
	{"update keeps key and creation, and refuses a stale writer", budgetUpdate},
	{"forgets what was counted when it counts something else", budgetRecount},
	{"deletes with what was counted", budgetDelete},
	{"refuses what no budget may be", budgetInvalid},
	{"an alert fires once", budgetAlert},
}

func plainBudget(account, id string) engine.Budget {
	return engine.Budget{AccountID: account, ID: id, Period: engine.PeriodDay, Enabled: true, CreatedAt: at(0), UpdatedAt: at(0)}
}

func fullBudget() engine.Budget {
	return engine.Budget{
		AccountID: "acme", ID: "red-month", Name: "Red's \"month\"", TeamID: "red", UserID: "bob", KeyID: "k", ModelID: "gpt-4o",
		Period: engine.PeriodMonth, NanoUSD: engine.MaxBudgetNanoUSD, Hard: true,
		Thresholds: []engine.Threshold{
			{Percent: 50, Actions: []string{engine.ActionEvent, engine.ActionWebhook}},
			{Percent: 100, Projected: true, Actions: []string{engine.ActionPreferCheaper}}, {Percent: 100, Actions: []string{engine.ActionStop}},
		},
		Enabled: true, LeastRole: engine.RoleAccountAdmin, UpdatedBy: "acme/boss", CreatedAt: at(1), UpdatedAt: at(2),
	}
}

func budgetRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	fine := fullBudget()
	fine.CreatedAt, fine.UpdatedAt = finest(1), finest(2)
	for _, c := range []struct {
		name     string
		in, want engine.Budget
	}{
		{"every member", fine, fullBudget()},
		{"of an account, of nothing", plainBudget("acme", "b"), plainBudget("acme", "b")},
	} {
		was := revision(t, s)
		must(t, c.name+": CreateBudget()", s.CreateBudget(t.Context(), c.in))
		wantRevision(t, s, was, 1)
		got, err := s.GetBudget(t.Context(), c.in.AccountID, c.in.ID)
		must(t, c.name+": GetBudget()", err)
		wantEqual(t, c.name+": GetBudget()", got, c.want)
		wantErr(t, c.name+": CreateBudget() again", s.CreateBudget(t.Context(), c.in), engine.ErrConflict)
	}
	_, err := s.GetBudget(t.Context(), "rival", "b")
	wantErr(t, "GetBudget() of another account", err, engine.ErrNotFound)
}

func budgetOrder(t *testing.T, d Database) {
	s := open(t, d)
	want := []engine.Budget{plainBudget("B", "z"), plainBudget("a", "b"), plainBudget("a", "c")}
	for _, i := range []int{2, 0, 1} {
		must(t, "CreateBudget()", s.CreateBudget(t.Context(), want[i]))
	}
	got, err := s.ListBudgets(t.Context())
	must(t, "ListBudgets()", err)
	wantEqual(t, "ListBudgets()", got, want)
}

func budgetUpdate(t *testing.T, d Database) {
	s := open(t, d)
	old := plainBudget("acme", "red-month")
	must(t, "CreateBudget()", s.CreateBudget(t.Context(), old))
	next := fullBudget()
	was := revision(t, s)
	must(t, "UpdateBudget()", s.UpdateBudget(t.Context(), next, old.UpdatedAt))
	wantRevision(t, s, was, 1)
	next.CreatedAt = old.CreatedAt
	got, err := s.GetBudget(t.Context(), "acme", "red-month")
	must(t, "GetBudget()", err)
	wantEqual(t, "GetBudget() after UpdateBudget()", got, next)
	wantErr(t, "UpdateBudget() of an older version", s.UpdateBudget(t.Context(), old, old.UpdatedAt), engine.ErrConflict)
	wantErr(t, "UpdateBudget() of none", s.UpdateBudget(t.Context(), plainBudget("rival", "red-month"), time.Time{}), engine.ErrNotFound)
	must(t, "UpdateBudget() of any version", s.UpdateBudget(t.Context(), old, time.Time{}))
}

func budgetRecount(t *testing.T, d Database) {
	s := open(t, d)
	for _, c := range []struct {
		name   string
		change func(*engine.Budget)
		forget bool
	}{
		{"amount", func(b *engine.Budget) { b.NanoUSD = 7 }, false},
		{"hard", func(b *engine.Budget) { b.Hard = true }, false},
		{"team", func(b *engine.Budget) { b.TeamID = "red" }, true},
		{"period", func(b *engine.Budget) { b.Period = engine.PeriodWeek }, true},
		{"enabled", func(b *engine.Budget) { b.Enabled = true }, true},
	} {
		b := plainBudget("acme", c.name)
		b.Enabled = c.name != "enabled"
		must(t, "CreateBudget()", s.CreateBudget(t.Context(), b))
		claim := claimOn("acme", c.name)
		claim.Opening = []engine.BudgetStep{{Start: at(0), NanoUSD: 5}}
		claimed(t, s, "r1", claim)
		c.change(&b)
		must(t, "UpdateBudget()", s.UpdateBudget(t.Context(), b, time.Time{}))
		if got := claimed(t, s, "r1", claimOn("acme", c.name))[0].Known; got == c.forget {
			t.Errorf("%s: what was counted is known after the change: %v, want %v", c.name, got, !c.forget)
		}
	}
}

func budgetDelete(t *testing.T, d Database) {
	s := open(t, d)
	for _, account := range []string{"acme", "rival"} {
		must(t, "CreateBudget()", s.CreateBudget(t.Context(), plainBudget(account, "b")))
		claim := claimOn(account, "b")
		claim.Opening = []engine.BudgetStep{}
		claimed(t, s, "r1", claim)
	}
	must(t, "DeleteBudget()", s.DeleteBudget(t.Context(), "acme", "b"))
	wantErr(t, "DeleteBudget() again", s.DeleteBudget(t.Context(), "acme", "b"), engine.ErrNotFound)
	for account, want := range map[string]bool{"acme": false, "rival": true} {
		if got := claimed(t, s, "r1", claimOn(account, "b"))[0].Known; got != want {
			t.Errorf("the budget of %s is known: %v, want %v", account, got, want)
		}
	}
}

func budgetInvalid(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	event := []string{engine.ActionEvent}
	for _, c := range []struct {
		name, param string
		change      func(*engine.Budget)
	}{
		{"no account", "account_id", func(b *engine.Budget) { b.AccountID = "" }},
		{"no id", "id", func(b *engine.Budget) { b.ID = "" }},
		{"NUL", "scope", func(b *engine.Budget) { b.UserID = "\x00" }},
		{"odd period", "period", func(b *engine.Budget) { b.Period = "year" }},
		{"negative amount", "amount", func(b *engine.Budget) { b.NanoUSD = -1 }},
		{"too large an amount", "amount", func(b *engine.Budget) { b.NanoUSD = engine.MaxBudgetNanoUSD + 1 }},
		{"threshold of nothing", "thresholds[0].percent", func(b *engine.Budget) { b.Thresholds = []engine.Threshold{{Actions: event}} }},
		{"threshold without action", "thresholds[0].actions", func(b *engine.Budget) { b.Thresholds = []engine.Threshold{{Percent: 1}} }},
		{"unknown action", "thresholds[0].actions", func(b *engine.Budget) {
			b.Thresholds = []engine.Threshold{{Percent: 1, Actions: []string{"pray"}}}
		}},
		{"threshold twice", "thresholds[1]", func(b *engine.Budget) {
			b.Thresholds = []engine.Threshold{{Percent: 1, Actions: event}, {Percent: 1, Actions: event}}
		}},
	} {
		b := plainBudget("a", "b")
		c.change(&b)
		wantInvalid(t, c.name+": CreateBudget()", s.CreateBudget(t.Context(), b), c.param)
		wantInvalid(t, c.name+": UpdateBudget()", s.UpdateBudget(t.Context(), b, time.Time{}), c.param)
	}
	wantRevision(t, s, was, 0)
}

func budgetAlert(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	one := engine.BudgetAlert{
		AccountID: "acme", BudgetID: "b", TeamID: "red", UserID: "bob", KeyID: "k", ModelID: "m", WindowStart: at(0),
		Threshold: engine.Threshold{Percent: 80, Actions: []string{engine.ActionEvent}}, NanoUSD: 100, Spent: 81, FiredAt: at(5),
	}
	projected, later, another := one, one, one
	projected.Threshold.Projected, projected.FiredAt = true, at(6)
	later.WindowStart, later.FiredAt = at(1000), at(7)
	another.AccountID = "rival"
	for i, a := range []engine.BudgetAlert{one, projected, later, another} {
		fired, err := s.AddBudgetAlert(t.Context(), a)
		must(t, "AddBudgetAlert()", err)
		again, err := s.AddBudgetAlert(t.Context(), a)
		must(t, "AddBudgetAlert() again", err)
		if !fired || again {
			t.Errorf("alert %d fired %v and then %v, want it to fire once", i, fired, again)
		}
	}
	got, err := s.ListBudgetAlerts(t.Context(), "acme", 2)
	must(t, "ListBudgetAlerts()", err)
	wantEqual(t, "ListBudgetAlerts()", got, []engine.BudgetAlert{later, projected})
	must(t, "DropBudgetWindows()", s.DropBudgetWindows(t.Context(), at(0), at(7)))
	got, err = s.ListBudgetAlerts(t.Context(), "acme", 1000)
	must(t, "ListBudgetAlerts()", err)
	wantEqual(t, "ListBudgetAlerts() after DropBudgetWindows()", got, []engine.BudgetAlert{later})
	wantRevision(t, s, was, 0)
}
