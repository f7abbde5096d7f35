package storetest

import (
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var noteTests = []test{
	{"keeps every member until it expires", noteRoundTrip},
	{"adds once", noteAddTwice},
	{"lists newest first, so many", noteOrder},
	{"is its account's, user's and session's own", noteOwn},
	{"deletes one", noteDelete},
	{"lives through a restart until it expires", noteRestart},
	{"cleans text, and refuses what no note may be", noteOdd},
}

func fullNote() engine.Note {
	return engine.Note{
		SessionKey: sessionKey("acme", "bo", "chat 1/é"), ID: "n1", Type: engine.NoteSummary,
		Text: "line\n\ttab <script>é\u202e", Agent: "planner", Model: "gpt-4o", CreatedAt: at(1), ExpiresAt: at(later),
	}
}

func plainNote(k engine.SessionKey, id string) engine.Note {
	return engine.Note{SessionKey: k, ID: id, Type: engine.NoteContext, Text: "x", CreatedAt: at(0), ExpiresAt: at(later)}
}

func wantNotes(t *testing.T, s engine.Store, k engine.SessionKey, want ...engine.Note) {
	t.Helper()
	got, err := s.ListNotes(t.Context(), k, at(3), 100)
	must(t, "ListNotes()", err)
	wantEqual(t, "ListNotes()", got, want)
}

func noteRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	fine := fullNote()
	fine.CreatedAt, fine.ExpiresAt = finest(1), finest(later)
	must(t, "AddNotes() of none", s.AddNotes(t.Context(), nil))
	must(t, "AddNotes()", s.AddNotes(t.Context(), []engine.Note{fine}))
	k := fine.SessionKey
	wantNotes(t, s, k, fullNote())
	for _, c := range []struct {
		now  int64
		want int
	}{{later - 1, 1}, {later, 0}, {2 * later, 0}} {
		got, err := s.ListNotes(t.Context(), k, at(c.now), 10)
		must(t, "ListNotes()", err)
		count, err := s.CountNotes(t.Context(), k.AccountID, k.UserID, at(c.now))
		must(t, "CountNotes()", err)
		if len(got) != c.want || count != int64(c.want) {
			t.Errorf("ListNotes(%d), CountNotes(%d) = %d, %d notes, want %d", c.now, c.now, len(got), count, c.want)
		}
	}
	types := []engine.NoteType{engine.NoteContext, engine.NoteHandoff, engine.NoteSummary, engine.NotePreference, engine.NoteError}
	for i, kind := range types {
		n := plainNote(sessionKey("a", "u", "types"), string(rune('a'+i)))
		n.Type = kind
		must(t, "AddNotes("+string(kind)+")", s.AddNotes(t.Context(), []engine.Note{n}))
	}
}

func noteAddTwice(t *testing.T, d Database) {
	s := open(t, d)
	first, second := plainNote(sessionKey("a", "u", "s"), "1"), plainNote(sessionKey("a", "u", "s"), "2")
	changed := first
	changed.Text = "changed"
	must(t, "AddNotes()", s.AddNotes(t.Context(), []engine.Note{first}))
	must(t, "AddNotes() again", s.AddNotes(t.Context(), []engine.Note{changed, second, changed}))
	wantNotes(t, s, first.SessionKey, second, first)
	bad := plainNote(first.SessionKey, "")
	wantInvalid(t, "AddNotes() with a bad one", s.AddNotes(t.Context(), []engine.Note{plainNote(first.SessionKey, "3"), bad}), "id")
	wantNotes(t, s, first.SessionKey, second, first)
}

func noteOrder(t *testing.T, d Database) {
	s := open(t, d)
	k := sessionKey("a", "u", "s")
	over := plainNote(k, "5")
	over.ExpiresAt = at(3)
	for _, id := range []string{"3", "1", "4", "2"} {
		must(t, "AddNotes()", s.AddNotes(t.Context(), []engine.Note{plainNote(k, id)}))
	}
	must(t, "AddNotes()", s.AddNotes(t.Context(), []engine.Note{over}))
	wantNotes(t, s, k, plainNote(k, "4"), plainNote(k, "3"), plainNote(k, "2"), plainNote(k, "1"))
	got, err := s.ListNotes(t.Context(), k, at(3), 2)
	must(t, "ListNotes()", err)
	wantEqual(t, "ListNotes() of two", got, []engine.Note{plainNote(k, "4"), plainNote(k, "3")})
	for _, limit := range []int{-1, 0, 1001} {
		_, err := s.ListNotes(t.Context(), k, at(0), limit)
		wantInvalid(t, "ListNotes()", err, "limit")
	}
}

// owners are keys of which each differs from the first in one part.
var owners = []engine.SessionKey{
	sessionKey("a", "u", "s"), sessionKey("b", "u", "s"), sessionKey("a", "v", "s"), sessionKey("a", "u", "t"),
}

func noteOwn(t *testing.T, d Database) {
	s := open(t, d)
	var notes []engine.Note
	for _, k := range owners {
		n := plainNote(k, "n") // an id may be in each of them
		n.Text = k.AccountID + k.UserID + k.ID
		notes = append(notes, n)
	}
	must(t, "AddNotes()", s.AddNotes(t.Context(), notes))
	for i, k := range owners {
		wantNotes(t, s, k, notes[i])
	}
	for _, none := range []engine.SessionKey{
		sessionKey("b", "v", "s"), sessionKey("", "u", "s"), sessionKey("a", "", "s"), sessionKey("a", "u", ""), sessionKey("a", "u\x00", "s"),
	} {
		wantNotes(t, s, none)
	}
	for _, c := range []struct {
		account, user string
		want          int64
	}{{"a", "u", 2}, {"a", "v", 1}, {"b", "u", 1}, {"b", "v", 0}, {"a", "", 0}, {"", "", 0}, {"a", "\x00", 0}} {
		got, err := s.CountNotes(t.Context(), c.account, c.user, at(0))
		must(t, "CountNotes()", err)
		wantEqual(t, "CountNotes("+c.account+", "+c.user+")", got, c.want)
	}
}

func noteDelete(t *testing.T, d Database) {
	s := open(t, d)
	for _, k := range owners {
		must(t, "AddNotes()", s.AddNotes(t.Context(), []engine.Note{plainNote(k, "1"), plainNote(k, "2")}))
	}
	must(t, "DeleteNote()", s.DeleteNote(t.Context(), owners[0], "1"))
	wantErr(t, "DeleteNote() again", s.DeleteNote(t.Context(), owners[0], "1"), engine.ErrNotFound)
	wantErr(t, "DeleteNote() of an impossible id", s.DeleteNote(t.Context(), owners[0], "\x00"), engine.ErrNotFound)
	wantErr(t, "DeleteNote() of an impossible session", s.DeleteNote(t.Context(), sessionKey("a", "u", ""), "1"), engine.ErrNotFound)
	wantNotes(t, s, owners[0], plainNote(owners[0], "2"))
	for _, k := range owners[1:] {
		wantNotes(t, s, k, plainNote(k, "2"), plainNote(k, "1"))
	}
}

func noteRestart(t *testing.T, d Database) {
	first := d.Open(t, never)
	note, session, handoff := fullNote(), fullSession(), fullHandoff()
	over := plainNote(note.SessionKey, "over")
	over.ExpiresAt = at(later / 2)
	must(t, "AddNotes()", first.AddNotes(t.Context(), []engine.Note{note, over}))
	must(t, "SaveSessions()", first.SaveSessions(t.Context(), []engine.Session{session}))
	must(t, "AddHandoffs()", first.AddHandoffs(t.Context(), []engine.Handoff{handoff}))
	must(t, "Close()", first.Close())

	s := open(t, d)
	deleted, err := s.DeleteExpired(t.Context(), at(later-1), 100)
	must(t, "DeleteExpired()", err)
	wantEqual(t, "DeleteExpired() after a restart", deleted, 1)
	wantNotes(t, s, note.SessionKey, note)
	wantSession(t, s, session)
	wantHandoffs(t, s, handoff.SessionKey, handoff)
	deleted, err = s.DeleteExpired(t.Context(), at(later), 100)
	must(t, "DeleteExpired()", err)
	wantEqual(t, "DeleteExpired() when the rest expires", deleted, 2)
	wantNotes(t, s, note.SessionKey)
}

func noteOdd(t *testing.T, d Database) {
	s := open(t, d)
	k := sessionKey("a", "u", "s")
	odd := plainNote(k, "n")
	odd.Text, odd.Agent, odd.Model = "a\x00b"+strings.Repeat("é", engine.MaxNoteText/2-2), "\xff", "\x00"
	must(t, "AddNotes()", s.AddNotes(t.Context(), []engine.Note{odd}))
	odd.Text, odd.Agent, odd.Model = strings.Replace(odd.Text, "\x00", "\uFFFD", 1), "\uFFFD", "\uFFFD"
	wantNotes(t, s, k, odd)
	for _, c := range []struct {
		param  string
		change func(*engine.Note)
	}{
		{"account_id", func(n *engine.Note) { n.AccountID = "" }},
		{"user_id", func(n *engine.Note) { n.UserID = "" }},
		{"session_id", func(n *engine.Note) { n.SessionKey.ID = "" }},
		{"session_id", func(n *engine.Note) { n.SessionKey.ID = "\x00" }},
		{"id", func(n *engine.Note) { n.ID = "" }},
		{"type", func(n *engine.Note) { n.Type = "remark" }},
		{"text", func(n *engine.Note) { n.Text = strings.Repeat("x", engine.MaxNoteText+1) }},
	} {
		n := plainNote(k, "m")
		c.change(&n)
		wantInvalid(t, "AddNotes()", s.AddNotes(t.Context(), []engine.Note{n}), c.param)
	}
	wantNotes(t, s, k, odd)
}
