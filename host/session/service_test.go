package session_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/session"
)

// TestWhoSees: everybody asks for everybody's session, by every method.
func TestWhoSees(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	owners := []engine.Principal{root, ann, lea, ben, cid, otto, rolf}
	o.seed(t, owners...)
	sees := map[string][]engine.Principal{
		"root@default": owners, "ann@acme": {ann, lea, ben, cid}, "lea@acme": {lea, ben}, "ben@acme": {ben},
		"cid@acme": {cid}, "otto@rival": {otto, rolf}, "ben@rival": {rolf}, "@": nil,
	}
	for _, p := range everybody {
		who := p.UserID + "@" + p.AccountID
		for _, owner := range owners {
			k := engine.SessionKey{AccountID: owner.AccountID, UserID: owner.UserID, ID: "s"}
			what := fmt.Sprintf("%s of %s@%s", who, owner.UserID, owner.AccountID)
			row, err1 := o.Service.GetSession(t.Context(), p, k)
			rows, _, err2 := o.ListSessions(t.Context(), p, k, engine.Page{})
			notes, err3 := o.Service.ListNotes(t.Context(), p, k, 10)
			handoffs, err4 := o.Service.ListHandoffs(t.Context(), p, k, 10)
			added, err5 := o.AddNote(t.Context(), p, engine.Note{SessionKey: k, Text: "mine"})
			err6 := o.Service.DeleteNote(t.Context(), p, k, added.ID)
			errs := []error{err1, err2, err3, err4, err5, err6}
			if slices.Contains(sees[who], owner) {
				if slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
					t.Errorf("%s: %v, want no error", what, errs)
				}
				if row.SessionKey != k || len(rows) != 1 || rows[0].SessionKey != k || len(notes) != 1 || notes[0].SessionKey != k ||
					len(handoffs) != 1 || handoffs[0].SessionKey != k || added.SessionKey != k {
					t.Errorf("%s: %v, %v, %v, %v, %v, want the owner's rows", what, row, rows, notes, handoffs, added)
				}
				continue
			}
			for i, err := range errs {
				wantCode(t, fmt.Sprintf("%s, call %d", what, i), err, engine.CodeNotFound)
			}
			if row.ID != "" || len(rows)+len(notes)+len(handoffs) > 0 {
				t.Errorf("%s: %v, %v, %v, %v, want nothing", what, row, rows, notes, handoffs)
			}
		}
	}
	for _, owner := range owners {
		k := engine.SessionKey{AccountID: owner.AccountID, UserID: owner.UserID, ID: "s"}
		notes, err := o.Store.ListNotes(t.Context(), k, o.now, 10)
		must(t, "ListNotes()", err)
		if len(notes) != 1 || notes[0].ID != "n" {
			t.Errorf("notes of %s@%s = %v, want what was there before", owner.UserID, owner.AccountID, notes)
		}
	}
}

func TestOwnSessionsAreTheDefault(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.seed(t, ben, lea, ann)
	for _, p := range []engine.Principal{ben, lea, ann} {
		rows, next, err := o.ListSessions(t.Context(), p, engine.SessionKey{}, engine.Page{})
		must(t, "ListSessions()", err)
		if len(rows) != 1 || rows[0].UserID != p.UserID || next != "" {
			t.Errorf("ListSessions(%s) = %v, %q, want its own", p.UserID, rows, next)
		}
	}
	// A super admin is nobody in another account.
	_, _, err := o.ListSessions(t.Context(), root, engine.SessionKey{AccountID: "acme"}, engine.Page{})
	wantCode(t, "ListSessions() of no user elsewhere", err, engine.CodeInvalid)
	_, err = o.Service.GetSession(t.Context(), ben, engine.SessionKey{ID: "none"})
	wantCode(t, "GetSession() of none", err, engine.CodeNotFound)
	o.now = start.Add(engine.NoteLifetime + time.Minute)
	_, err = o.Service.GetSession(t.Context(), ben, engine.SessionKey{ID: "s"})
	wantCode(t, "GetSession() of an expired one", err, engine.CodeNotFound)
}

func TestEveryUser(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.seed(t, ben, cid, lea, otto)
	for _, c := range []struct {
		p       engine.Principal
		account string
		want    int // newest first; -1: refused
		code    engine.Code
	}{
		{ann, "", 3, ""},
		{ann, "acme", 3, ""},
		{ann, "rival", -1, engine.CodeNotFound},
		{root, "acme", 3, ""},
		{root, "rival", 1, ""},
		{root, "", 0, ""},
		{lea, "", -1, engine.CodeForbidden},
		{ben, "", -1, engine.CodeForbidden},
		{ben, "rival", -1, engine.CodeNotFound},
		{ghost, "", -1, engine.CodeNotFound},
		{ghost, "acme", -1, engine.CodeNotFound},
	} {
		what := fmt.Sprintf("ListSessions(%s, every user of %q)", c.p.UserID, c.account)
		rows, _, err := o.ListSessions(t.Context(), c.p, engine.SessionKey{AccountID: c.account, UserID: session.EveryUser}, engine.Page{})
		if c.want < 0 {
			wantCode(t, what, err, c.code)
		} else if err != nil || len(rows) != c.want {
			t.Errorf("%s = %v, %v, want %d", what, rows, err, c.want)
		}
		if c.code == "" {
			continue
		}
		if len(rows) > 0 {
			t.Errorf("%s = %v beside an error", what, rows)
		}
	}
	// A session of every user is no session.
	for _, p := range everybody {
		_, err := o.Service.GetSession(t.Context(), p, engine.SessionKey{AccountID: "acme", UserID: session.EveryUser, ID: "s"})
		wantCode(t, "GetSession() of every user", err, engine.CodeNotFound)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var want []string
	for i := range 7 {
		row := engine.Session{
			SessionKey: engine.SessionKey{AccountID: "acme", UserID: "ben", ID: fmt.Sprintf("%d/ /%%", i)},
			Turns:      1, UpdatedAt: start.Add(time.Duration(i/3) * time.Millisecond), ExpiresAt: start.Add(time.Hour),
		}
		want = append(want, row.ID)
		must(t, "SaveSessions()", o.SaveSessions(t.Context(), []engine.Session{row}))
	}
	slices.Reverse(want)
	for limit := 1; limit <= 8; limit++ {
		var got []string
		page := engine.Page{Limit: limit}
		for calls := 0; calls < 10; calls++ {
			rows, next, err := o.ListSessions(t.Context(), ben, engine.SessionKey{}, page)
			must(t, "ListSessions()", err)
			for _, r := range rows {
				got = append(got, r.ID)
			}
			if page.After = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("ListSessions() by %d = %q, want %q", limit, got, want)
		}
	}
	for _, after := range []string{"x", "1", "1\x00u", "y\x00u\x00s"} {
		_, _, err := o.ListSessions(t.Context(), ben, engine.SessionKey{}, engine.Page{After: after})
		wantCode(t, fmt.Sprintf("ListSessions() after %q", after), err, engine.CodeInvalid)
	}
}
