package decision

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// shelf is a Store with one row and a Scope that lets everybody see its own.
type shelf struct {
	Store
	kept   kept
	row    engine.DecisionRow
	usage  []engine.Usage
	page   []engine.DecisionRow
	asked  []engine.DecisionFilter
	stored []engine.DecisionSettings
}

func (s *shelf) AddDecisions(ctx context.Context, rows []engine.DecisionRow) error {
	s.row = rows[0]
	return s.kept.AddDecisions(ctx, rows)
}

func (s *shelf) GetDecision(_ context.Context, f engine.DecisionFilter, id string) (engine.DecisionRow, error) {
	s.asked = append(s.asked, f)
	if s.row.RequestID != id || f.TeamID != "" && f.TeamID != s.row.TeamID || f.UserID != "" && f.UserID != s.row.UserID {
		return engine.DecisionRow{}, engine.ErrNotFound
	}
	return s.row, nil
}

func (s *shelf) PageDecisions(context.Context, engine.DecisionFilter, engine.DecisionMark, int) ([]engine.DecisionRow, engine.DecisionMark, error) {
	return s.page, engine.DecisionMark{At: testTime, RequestID: "a b"}, nil
}

func (s *shelf) ListUsage(context.Context, string, string, int) ([]engine.Usage, error) {
	return s.usage, nil
}

func (s *shelf) GetAccount(_ context.Context, id string) (a engine.Account, err error) {
	if id != "acme" {
		err = engine.ErrNotFound
	}
	return a, err
}

func (s *shelf) PutDecisionSettings(_ context.Context, d engine.DecisionSettings) error {
	s.stored = append(s.stored, d)
	return nil
}

func (s *shelf) DeleteDecisionSettings(_ context.Context, accountID string) error {
	s.stored = append(s.stored, engine.DecisionSettings{AccountID: accountID, UpdatedBy: "deleted"})
	return nil
}

func (s *shelf) Narrow(_ context.Context, p engine.Principal, f engine.CostFilter) (engine.CostFilter, error) {
	f.AccountID = p.AccountID
	switch p.Role {
	case engine.RoleUser:
		f.UserID = p.UserID
	case engine.RoleTeamLead:
		f.TeamID = p.TeamID
	}
	return f, nil
}

func service(s *shelf) *Service {
	return NewService(ServiceConfig{Store: s, Log: NewLog(s, Config{}), Scope: s, Reload: func(context.Context) error { return nil }, Now: func() time.Time { return testTime }})
}

// What was just decided is found though it is not written yet; others' is not.
func TestGetFindsWhatWaits(t *testing.T) {
	t.Parallel()
	at := testTime
	mine := engine.Usage{ID: "mine", UserID: "ann", KeyID: "key", StartedAt: at.Add(time.Second)}
	theirs, old := mine, mine
	theirs.UserID, old.StartedAt = "bo", at.Add(-time.Hour)
	s := &shelf{usage: []engine.Usage{theirs, mine, old}}
	v := service(s)
	v.cfg.Log.Record(record("r"))
	for _, c := range []struct {
		name string
		p    engine.Principal
		want engine.Code
	}{
		{"who asked", engine.Principal{AccountID: "acme", UserID: "ann", Role: engine.RoleUser}, ""},
		{"another user", engine.Principal{AccountID: "acme", UserID: "bo", Role: engine.RoleUser}, engine.CodeNotFound},
		{"its lead", engine.Principal{AccountID: "acme", TeamID: "red", UserID: "lead", Role: engine.RoleTeamLead}, ""},
		{"another lead", engine.Principal{AccountID: "acme", TeamID: "blue", UserID: "other", Role: engine.RoleTeamLead}, engine.CodeNotFound},
		{"a lead of what it asked for in another team", engine.Principal{AccountID: "acme", TeamID: "blue", UserID: "ann", Role: engine.RoleTeamLead}, ""},
	} {
		got, err := v.Get(t.Context(), c.p, "", "r")
		if engine.CodeOf(err) != c.want || c.want == "" && (got.Served != "claude-opus-4.5" || len(got.Usage) != 1 || got.Usage[0].ID != "mine") {
			t.Errorf("Get() as %s = %q, %+v, %v, want %q and its own row", c.name, got.Served, got.Usage, err, c.want)
		}
	}
}

func TestPageOfLaterVersions(t *testing.T) {
	t.Parallel()
	row := engine.DecisionRow{AccountID: "acme", RequestID: "r", At: testTime, Source: "default", Model: "gpt-4o", Data: []byte{255}}
	v := service(&shelf{page: []engine.DecisionRow{row}})
	admin := engine.Principal{AccountID: "acme", Role: engine.RoleAccountAdmin}
	page, next, err := v.Page(t.Context(), admin, engine.DecisionFilter{}, "", 10)
	if err != nil || len(page) != 1 || page[0].Served != "gpt-4o" || page[0].Inputs.RequestID != "r" {
		t.Errorf("Page() = %+v, %v, want what has columns", page, err)
	}
	mark, err := parseMark(next)
	if err != nil || mark.RequestID != "a b" || !mark.At.Equal(testTime.Truncate(time.Millisecond)) {
		t.Errorf("parseMark(%q) = %+v, %v, want the place", next, mark, err)
	}
	for _, bad := range []string{"x", "1", "x y"} {
		if _, _, err := v.Page(t.Context(), admin, engine.DecisionFilter{}, bad, 10); engine.CodeOf(err) != engine.CodeInvalid {
			t.Errorf("Page(after %q) = %v, want %s", bad, err, engine.CodeInvalid)
		}
	}
}

func TestPutSettings(t *testing.T) {
	t.Parallel()
	super := engine.Principal{AccountID: "default", UserID: "root", Role: engine.RoleSuperAdmin}
	admin := engine.Principal{AccountID: "acme", UserID: "boss", Role: engine.RoleAccountAdmin}
	user := engine.Principal{AccountID: "acme", UserID: "ann", Role: engine.RoleUser}
	fine := engine.DecisionSettings{Share: 100, Days: 7}
	with := func(edit func(*engine.DecisionSettings)) engine.DecisionSettings {
		d := fine
		edit(&d)
		return d
	}
	for _, c := range []struct {
		name string
		p    engine.Principal
		d    engine.DecisionSettings
		want engine.Code
		of   string
	}{
		{"an admin's own", admin, fine, "", "acme"},
		{"an admin's own with text", admin, with(func(d *engine.DecisionSettings) { d.Text = true }), "", "acme"},
		{"the usual ones", super, fine, "", ""},
		{"an account's by the super admin", super, with(func(d *engine.DecisionSettings) { d.AccountID = "acme" }), "", "acme"},
		{"no account's", super, with(func(d *engine.DecisionSettings) { d.AccountID = "none" }), engine.CodeNotFound, ""},
		{"another account's", admin, with(func(d *engine.DecisionSettings) { d.AccountID = "rival" }), engine.CodeNotFound, ""},
		{"a user's", user, fine, engine.CodeNotFound, ""},
		{"text for everybody", super, with(func(d *engine.DecisionSettings) { d.Text = true }), engine.CodeInvalid, ""},
		{"too long", admin, with(func(d *engine.DecisionSettings) { d.Days = 91 }), engine.CodeInvalid, ""},
		{"more than all", admin, with(func(d *engine.DecisionSettings) { d.Share = 10_001 }), engine.CodeInvalid, ""},
	} {
		s := &shelf{}
		_, err := service(s).PutSettings(t.Context(), c.p, c.d)
		if engine.CodeOf(err) != c.want {
			t.Errorf("%s: PutSettings() = %v, want %q", c.name, err, c.want)
		}
		if stored := len(s.stored) == 1; stored != (c.want == "") || stored && (s.stored[0].AccountID != c.of || s.stored[0].UpdatedBy != c.p.AccountID+"/"+c.p.UserID) {
			t.Errorf("%s: stored %+v, want it of %q", c.name, s.stored, c.of)
		}
	}
}

// Settings that are taken away leave those of everybody; the same people may do it.
func TestDeleteSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		p       engine.Principal
		account string
		want    engine.Code
		of      string
	}{
		{"an admin's own", engine.Principal{AccountID: "acme", Role: engine.RoleAccountAdmin}, "", "", "acme"},
		{"an account's by the super admin", engine.Principal{AccountID: "default", Role: engine.RoleSuperAdmin}, "acme", "", "acme"},
		{"everybody's", engine.Principal{AccountID: "default", Role: engine.RoleSuperAdmin}, "", "", ""},
		{"another account's", engine.Principal{AccountID: "acme", Role: engine.RoleAccountAdmin}, "rival", engine.CodeNotFound, ""},
		{"no account's", engine.Principal{AccountID: "default", Role: engine.RoleSuperAdmin}, "none", engine.CodeNotFound, ""},
		{"a user's", engine.Principal{AccountID: "acme", Role: engine.RoleUser}, "", engine.CodeNotFound, ""},
	} {
		s := &shelf{}
		left, err := service(s).DeleteSettings(t.Context(), c.p, c.account)
		if engine.CodeOf(err) != c.want {
			t.Errorf("%s: DeleteSettings() = %v, want %q", c.name, err, c.want)
		}
		if done := len(s.stored) == 1; done != (c.want == "") || done && (s.stored[0].AccountID != c.of || left.Days != engine.DefaultDecisionDays) {
			t.Errorf("%s: deleted %+v, left %+v, want those of %q, and the usual ones", c.name, s.stored, left, c.of)
		}
	}
}

// A store that does not take what waits does not keep anybody from reading.
func TestReadersDoNotWaitForTheWriter(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	s.kept.fail = errors.New("away")
	v := service(s)
	v.cfg.Log.Record(record("r"))
	if _, _, err := v.Page(t.Context(), engine.Principal{AccountID: "acme", Role: engine.RoleAccountAdmin}, engine.DecisionFilter{}, "", 10); err != nil {
		t.Errorf("Page() while the writer fails = %v, want what is stored", err)
	}
}
