package session_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/session"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/tenancy"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Who asks. Of acme, ben is in lea's team and cid is not.
var (
	root  = engine.Principal{AccountID: "default", UserID: "root", KeyName: "root", Role: engine.RoleSuperAdmin}
	ann   = engine.Principal{AccountID: "acme", UserID: "ann", KeyName: "ann", Role: engine.RoleAccountAdmin}
	lea   = engine.Principal{AccountID: "acme", UserID: "lea", TeamID: "core", KeyName: "lea", Role: engine.RoleTeamLead}
	ben   = engine.Principal{AccountID: "acme", UserID: "ben", TeamID: "core", KeyName: "planner", Role: engine.RoleUser}
	cid   = engine.Principal{AccountID: "acme", UserID: "cid", KeyName: "cid", Role: engine.RoleUser}
	otto  = engine.Principal{AccountID: "rival", UserID: "otto", KeyName: "otto", Role: engine.RoleAccountAdmin}
	rolf  = engine.Principal{AccountID: "rival", UserID: "ben", KeyName: "ben", Role: engine.RoleUser} // an id of acme's too
	ghost = engine.Principal{}
)

var everybody = []engine.Principal{root, ann, lea, ben, cid, otto, rolf, ghost}

// office is sessions over a real store.
type office struct {
	engine.Store
	*session.Service
	path string
	now  time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{path: "sqlite:" + filepath.Join(t.TempDir(), "sessions.db"), now: start}
	o.open(t)
	for _, p := range everybody[:len(everybody)-1] {
		_ = o.CreateAccount(t.Context(), engine.Account{ID: p.AccountID, Name: p.AccountID, CreatedAt: start, UpdatedAt: start})
		u := engine.User{AccountID: p.AccountID, ID: p.UserID, TeamID: p.TeamID, Name: p.UserID, Role: p.Role, CreatedAt: start, UpdatedAt: start}
		if err := o.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// open opens the store, at the first time and after a close.
func (o *office) open(t *testing.T) {
	t.Helper()
	s, err := store.Open(t.Context(), o.path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	o.Store = s
	o.Service = session.NewService(s, tenancy.NewUsers(tenancy.NewKeys(s, []byte("a pepper of thirty-two bytes, ok"))), func() time.Time { return o.now })
}

// seed keeps one session s, one note and one handoff of each owner.
func (o *office) seed(t *testing.T, owners ...engine.Principal) {
	t.Helper()
	for i, p := range owners {
		k := engine.SessionKey{AccountID: p.AccountID, UserID: p.UserID, ID: "s"}
		at := start.Add(time.Duration(i) * time.Second)
		row := engine.Session{SessionKey: k, Turns: 1, Model: "gpt-4o", CreatedAt: at, UpdatedAt: at, ExpiresAt: at.Add(engine.NoteLifetime)}
		note := engine.Note{SessionKey: k, ID: "n", Type: engine.NoteContext, Text: "secret of " + p.UserID, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
		handoff := engine.Handoff{SessionKey: k, ID: "h", Reason: engine.HandoffRouting, Summary: "secret of " + p.UserID, CreatedAt: at}
		for what, err := range map[string]error{
			"SaveSessions": o.SaveSessions(t.Context(), []engine.Session{row}),
			"AddNotes":     o.AddNotes(t.Context(), []engine.Note{note}),
			"AddHandoffs":  o.AddHandoffs(t.Context(), []engine.Handoff{handoff}),
		} {
			if err != nil {
				t.Fatalf("%s() = %v", what, err)
			}
		}
	}
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s = %v, want nil", what, err)
	}
}

// wantCode asks for an *engine.Error of that code.
func wantCode(t *testing.T, what string, err error, want engine.Code) {
	t.Helper()
	if err == nil || engine.CodeOf(err) != want {
		t.Errorf("%s = %v, want %s", what, err, want)
	}
}
