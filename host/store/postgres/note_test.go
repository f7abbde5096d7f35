package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// A service that forgets whose session it is puts no note into another account's, and
// finds none there.
func TestNotesStayInTheirAccount(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated.PostgresURL(t), Config{})
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	note := func(accountID, id string) engine.Note {
		return engine.Note{
			SessionKey: engine.SessionKey{AccountID: accountID, UserID: "u", ID: "s"}, ID: id, Type: engine.NoteContext,
			Text: "x", CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		}
	}
	if err := s.AddNotes(t.Context(), []engine.Note{note("b", "theirs"), note("a", "ours")}); err != nil {
		t.Fatalf("AddNotes() of the gateway, for two accounts = %v, want nil", err)
	}
	for _, c := range []struct {
		name    string
		ctx     context.Context
		account string
		allowed bool
	}{
		{"a user", behalf(t, "a", engine.RoleUser), "a", true},
		{"a user, another's", behalf(t, "a", engine.RoleUser), "b", false},
		{"an admin, another's", behalf(t, "a", engine.RoleAccountAdmin), "b", false},
		{"a super admin", behalf(t, "default", engine.RoleSuperAdmin), "b", true},
	} {
		before, err := s.CountNotes(t.Context(), c.account, "u", now)
		if err != nil {
			t.Fatal(err)
		}
		err = s.AddNotes(c.ctx, []engine.Note{note(c.account, c.name)})
		after, _ := s.CountNotes(t.Context(), c.account, "u", now)
		if (err == nil) != c.allowed || (after == before+1) != c.allowed {
			t.Errorf("%s: AddNotes() in %q = %v, with %d notes after %d, want it allowed: %v", c.name, c.account, err, after, before, c.allowed)
		}
		seen, err := s.ListNotes(c.ctx, note(c.account, "").SessionKey, now, 10)
		if err != nil || (len(seen) > 0) != c.allowed {
			t.Errorf("%s: ListNotes() in %q = %v, %v, want some: %v", c.name, c.account, seen, err, c.allowed)
		}
		counted, err := s.CountNotes(c.ctx, c.account, "u", now)
		if err != nil || (counted > 0) != c.allowed {
			t.Errorf("%s: CountNotes() in %q = %d, %v, want some: %v", c.name, c.account, counted, err, c.allowed)
		}
		want := error(nil)
		if !c.allowed {
			want = engine.ErrNotFound
		}
		id := map[string]string{"a": "ours", "b": "theirs"}[c.account]
		if err := s.DeleteNote(c.ctx, note(c.account, "").SessionKey, id); !errors.Is(err, want) {
			t.Errorf("%s: DeleteNote() in %q = %v, want %v", c.name, c.account, err, want)
		}
	}
}
