package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var assignmentTests = []test{
	{"keeps every member", assignmentRoundTrip},
	{"lists by account, priority, creation, id", assignmentOrder},
	{"creates once in an account", assignmentCreateTwice},
	{"update keeps key and creation", assignmentUpdate},
	{"update refuses a stale writer", assignmentStale},
	{"deletes one row", assignmentDelete},
	{"refuses what no assignment may be", assignmentInvalid},
}

func fullAssignment() engine.Assignment {
	return engine.Assignment{
		Tenant: engine.Tenant{AccountID: "acme", UserID: "bo"}, ID: "review", TaskType: "code_review", Model: "gpt-5",
		Fallbacks: []string{"gpt-4.1", "o3"}, Allowed: []string{"gpt-5", "gpt-4.1", "o3"}, Priority: 77,
		When: `features.tokens > 10 && "é<&>" != ""`, ExpiresAt: at(9), Locked: true, Enabled: true, UpdatedBy: "acme/lead",
		CreatedAt: at(1), UpdatedAt: at(2),
	}
}

func plainAssignment(account, id string) engine.Assignment {
	return engine.Assignment{
		Tenant: engine.Tenant{AccountID: account}, ID: id, TaskType: "t", Model: "m", CreatedAt: at(0), UpdatedAt: at(0),
	}
}

func wantAssignments(t *testing.T, s engine.Store, want ...engine.Assignment) {
	t.Helper()
	got, err := s.ListAssignments(t.Context())
	must(t, "ListAssignments()", err)
	wantEqual(t, "ListAssignments()", got, want)
}

func assignmentRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	fine := fullAssignment()
	fine.ExpiresAt, fine.CreatedAt, fine.UpdatedAt = finest(9), finest(1), finest(2)
	empty := plainAssignment("", "empty")
	empty.Fallbacks, empty.Allowed = []string{}, []string{}
	team := plainAssignment("acme", "team")
	team.TeamID, team.Priority = "ops", engine.MaxPriority
	for _, c := range []struct {
		name     string
		in, want engine.Assignment
	}{
		{"every member, time cut to milliseconds UTC", fine, fullAssignment()},
		{"empty lists are nil", empty, plainAssignment("", "empty")},
		{"of a team", team, team},
	} {
		must(t, c.name+": CreateAssignment()", s.CreateAssignment(t.Context(), c.in))
		got, err := s.GetAssignment(t.Context(), c.in.AccountID, c.in.ID)
		must(t, c.name+": GetAssignment()", err)
		wantEqual(t, c.name+": GetAssignment()", got, c.want)
	}
	wantAssignments(t, s, plainAssignment("", "empty"), team, fullAssignment())
}

func assignmentOrder(t *testing.T, d Database) {
	s := open(t, d)
	wantAssignments(t, s)
	want := []engine.Assignment{}
	for _, key := range []struct {
		account, id       string
		priority, created int64
	}{
		{"", "low", 1, 0},
		{"B", "x", 50, 0},
		{"a", "first", 90, 9},
		{"a", "old", 50, 3},
		{"a", "Z", 50, 4},
		{"a", "z", 50, 4},
		{"a", "last", 0, 0},
	} {
		a := plainAssignment(key.account, key.id)
		a.Priority, a.CreatedAt = int(key.priority), at(key.created)
		want = append(want, a)
	}
	for _, i := range []int{5, 2, 0, 6, 1, 3, 4} {
		must(t, "CreateAssignment("+want[i].ID+")", s.CreateAssignment(t.Context(), want[i]))
	}
	wantAssignments(t, s, want...)
}

func assignmentCreateTwice(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateAssignment()", s.CreateAssignment(t.Context(), plainAssignment("a", "x")))
	again := plainAssignment("a", "x")
	again.TeamID = "ops" // an id is one in its account, whichever level it is of
	wantErr(t, "CreateAssignment() again", s.CreateAssignment(t.Context(), again), engine.ErrConflict)
	must(t, "CreateAssignment() in another account", s.CreateAssignment(t.Context(), plainAssignment("b", "x")))
	_, err := s.GetAssignment(t.Context(), "c", "x")
	wantErr(t, "GetAssignment() in a third account", err, engine.ErrNotFound)
	_, err = s.GetAssignment(t.Context(), "", "x")
	wantErr(t, "GetAssignment() of a global one", err, engine.ErrNotFound)
	wantAssignments(t, s, plainAssignment("a", "x"), plainAssignment("b", "x"))
}

func assignmentUpdate(t *testing.T, d Database) {
	s := open(t, d)
	old := fullAssignment()
	must(t, "CreateAssignment()", s.CreateAssignment(t.Context(), old))
	next := engine.Assignment{
		Tenant: engine.Tenant{AccountID: "acme", TeamID: "ops"}, ID: old.ID, TaskType: "other", Model: "o3", Priority: 3,
		UpdatedBy: "acme/bo", CreatedAt: at(50), UpdatedAt: at(60),
	}
	must(t, "UpdateAssignment()", s.UpdateAssignment(t.Context(), next, old.UpdatedAt))
	want := next
	want.CreatedAt = old.CreatedAt
	wantAssignments(t, s, want)
	must(t, "UpdateAssignment() back", s.UpdateAssignment(t.Context(), old, time.Time{}))
	wantAssignments(t, s, old)
}

func assignmentStale(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateAssignment()", s.CreateAssignment(t.Context(), plainAssignment("a", "x")))
	next := plainAssignment("a", "x")
	next.Enabled, next.UpdatedAt = true, at(5)
	must(t, "UpdateAssignment()", s.UpdateAssignment(t.Context(), next, finest(0))) // compared as stored: in milliseconds
	was := revision(t, s)
	wantErr(t, "UpdateAssignment() of an older version", s.UpdateAssignment(t.Context(), plainAssignment("a", "x"), at(0)), engine.ErrConflict)
	wantErr(t, "UpdateAssignment() of none", s.UpdateAssignment(t.Context(), plainAssignment("b", "x"), time.Time{}), engine.ErrNotFound)
	wantErr(t, "UpdateAssignment() of none, versioned", s.UpdateAssignment(t.Context(), plainAssignment("", "x"), at(5)), engine.ErrNotFound)
	wantRevision(t, s, was, 0)
	wantAssignments(t, s, next)
}

func assignmentDelete(t *testing.T, d Database) {
	s := open(t, d)
	for _, account := range []string{"", "a", "b"} {
		must(t, "CreateAssignment()", s.CreateAssignment(t.Context(), plainAssignment(account, "x")))
	}
	must(t, "DeleteAssignment()", s.DeleteAssignment(t.Context(), "a", "x"))
	wantErr(t, "DeleteAssignment() again", s.DeleteAssignment(t.Context(), "a", "x"), engine.ErrNotFound)
	wantErr(t, "DeleteAssignment() of an impossible id", s.DeleteAssignment(t.Context(), "a", "\x00"), engine.ErrNotFound)
	wantAssignments(t, s, plainAssignment("", "x"), plainAssignment("b", "x"))
}

func assignmentInvalid(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateAssignment()", s.CreateAssignment(t.Context(), plainAssignment("a", "there")))
	was := revision(t, s)
	for _, c := range []struct {
		param  string
		change func(*engine.Assignment)
	}{
		{"id", func(a *engine.Assignment) { a.ID = "" }},
		{"team_id", func(a *engine.Assignment) { a.TeamID, a.UserID = "t", "u" }},
		{"user_id", func(a *engine.Assignment) { a.AccountID, a.UserID = "", "u" }},
		{"task_type", func(a *engine.Assignment) { a.TaskType = "" }},
		{"model", func(a *engine.Assignment) { a.Model = "\x00" }},
		{"fallbacks", func(a *engine.Assignment) { a.Fallbacks = []string{"\xff"} }},
		{"allowed_models", func(a *engine.Assignment) { a.Allowed = []string{"\xff"} }},
		{"priority", func(a *engine.Assignment) { a.Priority = -1 }},
		{"priority", func(a *engine.Assignment) { a.Priority = engine.MaxPriority + 1 }},
		{"when", func(a *engine.Assignment) { a.When = "\x00" }},
		{"expires_at", func(a *engine.Assignment) { a.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
	} {
		a := plainAssignment("a", "there")
		c.change(&a)
		wantInvalid(t, "CreateAssignment()", s.CreateAssignment(t.Context(), a), c.param)
		wantInvalid(t, "UpdateAssignment()", s.UpdateAssignment(t.Context(), a, time.Time{}), c.param)
	}
	wantRevision(t, s, was, 0)
	wantAssignments(t, s, plainAssignment("a", "there"))
}
