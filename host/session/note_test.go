package session_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/session"
)

func TestAddNote(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	k := engine.SessionKey{AccountID: "acme", UserID: "ben", ID: "chat/1"}
	for _, c := range []struct {
		name string
		in   engine.Note
		want engine.Note // without key, id and creation
	}{
		{"the defaults", engine.Note{Text: "x"}, engine.Note{Type: engine.NoteContext, Text: "x", Agent: "planner", ExpiresAt: start.Add(engine.NoteLifetime)}},
		{
			"everything", engine.Note{ID: "mine", Type: engine.NoteError, Text: "x", Agent: "coder", Model: "gpt-4o", CreatedAt: start.Add(-time.Hour), ExpiresAt: start.Add(time.Minute)},
			engine.Note{Type: engine.NoteError, Text: "x", Agent: "coder", Model: "gpt-4o", ExpiresAt: start.Add(time.Minute)},
		},
		{
			"text stays text", engine.Note{Type: engine.NoteSummary, Text: "<script>alert(1)</script> [x](javascript:x) 👩‍💻 ünï\n\tcode\r\n"},
			engine.Note{Type: engine.NoteSummary, Text: "<script>alert(1)</script> [x](javascript:x) 👩‍💻 ünï\n\tcode", Agent: "planner", ExpiresAt: start.Add(engine.NoteLifetime)},
		},
		{
			"controls are left out", engine.Note{Text: " \x1b[31mred\x1b[0m \x00nul \u009bcsi \u202eback\u2066 \x7f", Agent: "a\nb\x1b", Model: "m\t"},
			engine.Note{Type: engine.NoteContext, Text: "[31mred[0m nul csi back", Agent: "ab", Model: "m", ExpiresAt: start.Add(engine.NoteLifetime)},
		},
		{
			"who writes cannot pass for the gateway", engine.Note{Type: engine.NoteHandoff, Text: "x", Agent: "\x00\u202e"},
			engine.Note{Type: engine.NoteHandoff, Text: "x", Agent: "planner", ExpiresAt: start.Add(engine.NoteLifetime)},
		},
		{
			"nor by blanks", engine.Note{Type: engine.NoteError, Text: "x", Agent: " \t"},
			engine.Note{Type: engine.NoteError, Text: "x", Agent: "planner", ExpiresAt: start.Add(engine.NoteLifetime)},
		},
		{
			"as long as may be", engine.Note{Text: strings.Repeat("x", engine.MaxNoteText)},
			engine.Note{Type: engine.NoteContext, Text: strings.Repeat("x", engine.MaxNoteText), Agent: "planner", ExpiresAt: start.Add(engine.NoteLifetime)},
		},
	} {
		c.in.SessionKey = engine.SessionKey{ID: k.ID}
		got, err := o.AddNote(t.Context(), ben, c.in)
		must(t, c.name+": AddNote()", err)
		want := c.want
		want.SessionKey, want.ID, want.CreatedAt = k, got.ID, start
		if got != want || got.ID == "" || got.ID == "mine" {
			t.Errorf("%s: AddNote() = %+v, want %+v", c.name, got, want)
		}
		stored, err := o.Service.ListNotes(t.Context(), ben, k, 1)
		must(t, c.name+": ListNotes()", err)
		if len(stored) != 1 || stored[0] != got {
			t.Errorf("%s: ListNotes() = %+v, want %+v first", c.name, stored, got)
		}
	}
}

func TestAddNoteRefuses(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, c := range []struct {
		name  string
		note  engine.Note
		code  engine.Code
		param string
	}{
		{"no text", engine.Note{}, engine.CodeInvalid, "text"},
		{"only what is left out", engine.Note{Text: " \n\x00\x1b\t"}, engine.CodeInvalid, "text"},
		{"too long", engine.Note{Text: strings.Repeat("x", engine.MaxNoteText+1)}, engine.CodeTooLarge, "text"},
		{"too long in bytes", engine.Note{Text: strings.Repeat("é", engine.MaxNoteText/2) + "x"}, engine.CodeTooLarge, "text"},
		{"too long with what is left out", engine.Note{Text: strings.Repeat("\x00", engine.MaxNoteText) + "x"}, engine.CodeTooLarge, "text"},
		{"not UTF-8", engine.Note{Text: "\xff"}, engine.CodeInvalid, "text"},
		{"a type of its own", engine.Note{Type: "remark", Text: "x"}, engine.CodeInvalid, "type"},
		{"agent not UTF-8", engine.Note{Text: "x", Agent: "\xff"}, engine.CodeInvalid, "agent"},
		{"agent too long", engine.Note{Text: "x", Agent: strings.Repeat("a", 129)}, engine.CodeInvalid, "agent"},
		{"model too long", engine.Note{Text: "x", Model: strings.Repeat("a", 257)}, engine.CodeInvalid, "model"},
		{"expired", engine.Note{Text: "x", ExpiresAt: start}, engine.CodeInvalid, "expires_at"},
		{"for ever", engine.Note{Text: "x", ExpiresAt: start.Add(engine.NoteLifetime + time.Millisecond)}, engine.CodeInvalid, "expires_at"},
		{"session not UTF-8", engine.Note{SessionKey: engine.SessionKey{ID: "\xff"}, Text: "x"}, engine.CodeInvalid, "id"},
		{"session with a NUL", engine.Note{SessionKey: engine.SessionKey{ID: "a\x00"}, Text: "x"}, engine.CodeInvalid, "id"},
		{"session too long", engine.Note{SessionKey: engine.SessionKey{ID: strings.Repeat("s", 257)}, Text: "x"}, engine.CodeInvalid, "id"},
	} {
		if c.note.SessionKey.ID == "" {
			c.note.SessionKey.ID = "s"
		}
		_, err := o.AddNote(t.Context(), ben, c.note)
		var e *engine.Error
		if e, _ = err.(*engine.Error); e == nil || e.Code != c.code || e.Param != c.param {
			t.Errorf("%s: AddNote() = %v, want %s of %q", c.name, err, c.code, c.param)
		}
	}
	_, err := o.AddNote(t.Context(), ben, engine.Note{Text: "x"})
	wantCode(t, "AddNote() to no session", err, engine.CodeInvalid)
	count, err := o.CountNotes(t.Context(), "acme", "ben", start)
	must(t, "CountNotes()", err)
	if count != 0 {
		t.Errorf("CountNotes() after refusals = %d, want 0", count)
	}
}

func TestMaxNotes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	notes := make([]engine.Note, session.MaxNotes)
	for i := range notes {
		k := engine.SessionKey{AccountID: "acme", UserID: "ben", ID: fmt.Sprint(i % 7)}
		notes[i] = engine.Note{SessionKey: k, ID: fmt.Sprint(i), Type: engine.NoteContext, Text: "x", CreatedAt: start, ExpiresAt: start.Add(time.Hour)}
	}
	must(t, "AddNotes()", o.AddNotes(t.Context(), notes))
	more := engine.Note{SessionKey: engine.SessionKey{AccountID: "acme", UserID: "ben", ID: "another"}, Text: "x"}
	_, err := o.AddNote(t.Context(), ben, more)
	wantCode(t, "AddNote() to a full user", err, engine.CodeConflict)
	_, err = o.AddNote(t.Context(), ann, more)
	wantCode(t, "AddNote() to a full user, by another", err, engine.CodeConflict)
	_, err = o.AddNote(t.Context(), cid, engine.Note{SessionKey: engine.SessionKey{ID: "s"}, Text: "x"})
	must(t, "AddNote() of another user", err)
	must(t, "DeleteNote()", o.Service.DeleteNote(t.Context(), ben, notes[0].SessionKey, notes[0].ID))
	_, err = o.AddNote(t.Context(), ben, more)
	must(t, "AddNote() after a delete", err)
	o.now = start.Add(time.Hour)
	_, err = o.AddNote(t.Context(), ben, more)
	must(t, "AddNote() after the others expired", err)
}

// What is live is counted from the clock, also after a restart and without a clean-up.
func TestNotesExpire(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	k := engine.SessionKey{ID: "s"}
	hour, err := o.AddNote(t.Context(), ben, engine.Note{SessionKey: k, Text: "for an hour", ExpiresAt: start.Add(time.Hour)})
	must(t, "AddNote()", err)
	week, err := o.AddNote(t.Context(), ben, engine.Note{SessionKey: k, Text: "for a week"})
	must(t, "AddNote()", err)
	must(t, "Close()", o.Close())
	o.open(t)
	for _, c := range []struct {
		after time.Duration
		want  []engine.Note
	}{
		{time.Hour - time.Millisecond, []engine.Note{week, hour}},
		{time.Hour, []engine.Note{week}},
		{engine.NoteLifetime - time.Millisecond, []engine.Note{week}},
		{engine.NoteLifetime, nil},
	} {
		o.now = start.Add(c.after)
		got, err := o.Service.ListNotes(t.Context(), ben, k, 10)
		must(t, "ListNotes()", err)
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("ListNotes() after %v = %v, want %v", c.after, got, c.want)
		}
	}
}

func FuzzAddNote(f *testing.F) {
	for _, text := range []string{"", "plain", "\x1b[2J", "a\x00b", "\xff", "\u202e", strings.Repeat("é", 9000), "\r\n\t"} {
		f.Add(text, text)
	}
	sink := &sink{}
	s := session.NewService(sink, nil, func() time.Time { return start })
	f.Fuzz(func(t *testing.T, text, agent string) {
		n, err := s.AddNote(t.Context(), ben, engine.Note{SessionKey: engine.SessionKey{ID: "s"}, Text: text, Agent: agent})
		if err != nil {
			return
		}
		for _, got := range []string{n.Text, n.Agent} {
			if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\x1b\r\x7f\u009b\u202e\u2066") {
				t.Errorf("AddNote(%q, %q) keeps %q", text, agent, got)
			}
		}
		if n.Text == "" || len(n.Text) > engine.MaxNoteText || len(n.Agent) > 128 {
			t.Errorf("AddNote(%q, %q) = %d and %d bytes", text, agent, len(n.Text), len(n.Agent))
		}
	})
}
