package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var sessionTests = []test{
	{"keeps every member until it expires", sessionRoundTrip},
	{"never goes back in turns", sessionTurns},
	{"is its account's and user's own", sessionOwn},
	{"pages newest first, each row once", sessionPages},
	{"cleans text, and refuses an impossible key", sessionOdd},
	{"deletes what has expired, so many at a time", sessionExpired},
	{"a renewed session is not deleted", sessionRenewed},
	{"raises no revision and waits for no configuration write", sessionApart},
	{"writers of the same rows do not wait for each other", sessionHammer},
}

// later is when everything of the suite still lives unless its test says otherwise.
const later = 1_000_000

func sessionKey(account, user, id string) engine.SessionKey {
	return engine.SessionKey{AccountID: account, UserID: user, ID: id}
}

func fullSession() engine.Session {
	return engine.Session{
		SessionKey: sessionKey("acme", "bo", "chat 1/é"), Turns: 7, Model: "gpt-4o", Agent: "planner",
		CreatedAt: at(1), UpdatedAt: at(2), ExpiresAt: at(later),
	}
}

func plainSession(account, user, id string, turns, updated int64) engine.Session {
	return engine.Session{
		SessionKey: sessionKey(account, user, id), Turns: turns, CreatedAt: at(0), UpdatedAt: at(updated), ExpiresAt: at(later),
	}
}

func wantSession(t *testing.T, s engine.Store, want engine.Session) {
	t.Helper()
	got, err := s.GetSession(t.Context(), want.SessionKey, at(3))
	must(t, "GetSession("+want.ID+")", err)
	wantEqual(t, "GetSession("+want.ID+")", got, want)
}

func save(t *testing.T, s engine.Store, rows ...engine.Session) {
	t.Helper()
	must(t, "SaveSessions()", s.SaveSessions(t.Context(), rows))
}

func sessionRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	fine := fullSession()
	fine.CreatedAt, fine.UpdatedAt, fine.ExpiresAt = finest(1), finest(2), finest(later)
	save(t, s)
	save(t, s, fine)
	wantSession(t, s, fullSession())
	_, err := s.GetSession(t.Context(), fine.SessionKey, at(later-1))
	must(t, "GetSession() just before it expires", err)
	_, err = s.GetSession(t.Context(), fine.SessionKey, at(later))
	wantErr(t, "GetSession() when it expires", err, engine.ErrNotFound)
	_, err = s.GetSession(t.Context(), sessionKey("acme", "bo", "chat"), at(3))
	wantErr(t, "GetSession() of none", err, engine.ErrNotFound)
}

func sessionTurns(t *testing.T, d Database) {
	s := open(t, d)
	third, second, fourth := plainSession("a", "u", "s", 3, 30), plainSession("a", "u", "s", 2, 99), plainSession("a", "u", "s", 4, 20)
	third.Model, second.Model, fourth.Model = "three", "two", "four"
	save(t, s, third)
	save(t, s, second)
	wantSession(t, s, third)
	again := third
	again.Agent, again.CreatedAt = "other", at(5)
	save(t, s, again)
	wantSession(t, s, again)
	save(t, s, fourth, second, third) // in one call, in any order
	wantSession(t, s, fourth)
	// Another conversation under the id of one that is over, but was not yet deleted.
	anew := plainSession("a", "u", "s", 1, later-1)
	anew.ExpiresAt = at(3 * later)
	save(t, s, anew)
	wantSession(t, s, fourth)
	anew.UpdatedAt = at(later)
	save(t, s, anew)
	wantSession(t, s, anew)
}

func sessionOwn(t *testing.T, d Database) {
	s := open(t, d)
	var rows []engine.Session
	for i, owner := range [][2]string{{"a", "u"}, {"a", "v"}, {"b", "u"}} {
		rows = append(rows, plainSession(owner[0], owner[1], "s", int64(i+1), int64(i)))
	}
	save(t, s, rows...)
	for _, r := range rows {
		wantSession(t, s, r)
		page, err := s.PageSessions(t.Context(), r.AccountID, r.UserID, at(3), engine.SessionMark{}, 10)
		must(t, "PageSessions()", err)
		wantEqual(t, "PageSessions("+r.AccountID+", "+r.UserID+")", page, []engine.Session{r})
	}
	page, err := s.PageSessions(t.Context(), "a", "", at(3), engine.SessionMark{}, 10)
	must(t, "PageSessions()", err)
	wantEqual(t, "PageSessions(a)", page, []engine.Session{rows[1], rows[0]})
	for _, none := range [][2]string{{"b", "v"}, {"c", ""}, {"c", "u"}, {"", ""}, {"", "u"}, {"a\x00", ""}, {"a", "\x00"}} {
		page, err := s.PageSessions(t.Context(), none[0], none[1], at(3), engine.SessionMark{}, 10)
		must(t, "PageSessions()", err)
		wantEqual(t, fmt.Sprintf("PageSessions(%q)", none), page, nil)
	}
	_, err = s.GetSession(t.Context(), sessionKey("b", "v", "s"), at(3))
	wantErr(t, "GetSession() of another user's", err, engine.ErrNotFound)
}

func sessionPages(t *testing.T, d Database) {
	s := open(t, d)
	want := []engine.Session{
		plainSession("a", "u", "newest", 1, 90),
		plainSession("a", "v", "s", 1, 50), // four of one time
		plainSession("a", "u", "é", 1, 50),
		plainSession("a", "u", "s", 1, 50),
		plainSession("a", "u", "S", 1, 50),
		plainSession("a", "v", "oldest", 1, 10),
	}
	over := plainSession("a", "u", "over", 1, 99)
	over.ExpiresAt = at(100)
	for _, i := range []int{4, 0, 5, 2, 1, 3} {
		save(t, s, want[i])
	}
	save(t, s, over, plainSession("b", "u", "other", 1, 60))
	for _, c := range []struct {
		user string
		want []engine.Session
	}{
		{"", want},
		{"u", []engine.Session{want[0], want[2], want[3], want[4]}},
		{"v", []engine.Session{want[1], want[5]}},
	} {
		for limit := 1; limit <= len(want)+1; limit++ {
			var all []engine.Session
			for before := (engine.SessionMark{}); ; {
				page, err := s.PageSessions(t.Context(), "a", c.user, at(100), before, limit)
				must(t, "PageSessions()", err)
				if len(page) > limit {
					t.Fatalf("PageSessions(%q, %d) = %d rows", c.user, limit, len(page))
				}
				if all = append(all, page...); len(page) < limit || len(all) > len(want) {
					break
				}
				last := page[len(page)-1]
				before = engine.SessionMark{UpdatedAt: last.UpdatedAt, UserID: last.UserID, ID: last.ID}
			}
			wantEqual(t, fmt.Sprintf("PageSessions(%q) by %d", c.user, limit), all, c.want)
		}
	}
	for _, limit := range []int{-1, 0, 1001} {
		_, err := s.PageSessions(t.Context(), "a", "", at(0), engine.SessionMark{}, limit)
		wantInvalid(t, "PageSessions()", err, "limit")
	}
}

func sessionOdd(t *testing.T, d Database) {
	s := open(t, d)
	odd := plainSession("a", "u", strings.Repeat("s", engine.MaxSessionID), 1, 0)
	odd.Model, odd.Agent = "a\x00b", "\xff"
	save(t, s, odd)
	odd.Model, odd.Agent = "a\uFFFDb", "\uFFFD"
	wantSession(t, s, odd)
	for _, c := range []struct {
		param string
		key   engine.SessionKey
	}{
		{"account_id", sessionKey("", "u", "s")},
		{"user_id", sessionKey("a", "", "s")},
		{"user_id", sessionKey("a", "\x00", "s")},
		{"id", sessionKey("a", "u", "")},
		{"id", sessionKey("a", "u", "a\x00b")},
		{"id", sessionKey("a", "u", "\xff")},
		{"id", sessionKey("a", "u", strings.Repeat("s", engine.MaxSessionID+1))},
	} {
		good, bad := plainSession("a", "u", "good", 1, 0), plainSession("", "", "", 1, 0)
		bad.SessionKey = c.key
		wantInvalid(t, "SaveSessions()", s.SaveSessions(t.Context(), []engine.Session{good, bad}), c.param)
		_, err := s.GetSession(t.Context(), c.key, at(0))
		wantErr(t, "GetSession() by an impossible key", err, engine.ErrNotFound)
		_, err = s.GetSession(t.Context(), good.SessionKey, at(0))
		wantErr(t, "GetSession() of a refused call", err, engine.ErrNotFound)
	}
	less := plainSession("a", "u", "s", -1, 0)
	wantInvalid(t, "SaveSessions()", s.SaveSessions(t.Context(), []engine.Session{less}), "turns")
}

func sessionExpired(t *testing.T, d Database) {
	s := open(t, d)
	var sessions []engine.Session
	var notes []engine.Note
	var handoffs []engine.Handoff
	week := int64(engine.NoteLifetime / time.Millisecond)
	for i := range int64(5) {
		account, id := fmt.Sprintf("a%d", i%2), fmt.Sprintf("s%d", i)
		session := plainSession(account, "u", id, 1, 0)
		session.ExpiresAt = at(10 * i)
		note := plainNote(session.SessionKey, "n")
		note.ExpiresAt = at(10 * i)
		handoff := plainHandoff(session.SessionKey, "h")
		handoff.CreatedAt = at(10*i - week)
		sessions, notes, handoffs = append(sessions, session), append(notes, note), append(handoffs, handoff)
	}
	save(t, s, sessions...)
	must(t, "AddNotes()", s.AddNotes(t.Context(), notes))
	must(t, "AddHandoffs()", s.AddHandoffs(t.Context(), handoffs))
	was := revision(t, s)
	left := func(now int64) (rows int) {
		t.Helper()
		for i := range sessions {
			if _, err := s.GetSession(t.Context(), sessions[i].SessionKey, at(-later)); err == nil {
				rows++
			}
			n, err := s.ListNotes(t.Context(), sessions[i].SessionKey, at(-later), 10)
			must(t, "ListNotes()", err)
			h, err := s.ListHandoffs(t.Context(), sessions[i].SessionKey, 10)
			must(t, "ListHandoffs()", err)
			rows += len(n) + len(h)
		}
		return rows
	}
	for _, step := range []struct {
		now   int64
		limit int
		want  int64
		left  int
	}{
		{-1, 10, 0, 15},
		{0, 10, 3, 12},  // what expires at that very time
		{29, 1, 3, 9},   // the one that expired first
		{29, 10, 3, 6},  // and what is left of them
		{29, 10, 0, 6},  // nothing more
		{500, 10, 6, 0}, // all
	} {
		got, err := s.DeleteExpired(t.Context(), at(step.now), step.limit)
		must(t, "DeleteExpired()", err)
		if rows := left(step.now); got != step.want || rows != step.left {
			t.Errorf("DeleteExpired(%d, %d) = %d, leaving %d rows, want %d and %d", step.now, step.limit, got, rows, step.want, step.left)
		}
		if step.now == 29 && step.limit == 1 {
			_, err := s.GetSession(t.Context(), sessions[1].SessionKey, at(-later))
			wantErr(t, "GetSession() of what expired first", err, engine.ErrNotFound)
		}
	}
	wantRevision(t, s, was, 0)
	_, err := s.DeleteExpired(t.Context(), at(0), 0)
	wantInvalid(t, "DeleteExpired()", err, "limit")
}

func sessionRenewed(t *testing.T, d Database) {
	s := open(t, d)
	old := plainSession("a", "u", "s", 1, 0)
	old.ExpiresAt = at(10)
	save(t, s, old)
	next := plainSession("a", "u", "s", 2, 9)
	save(t, s, next)
	got, err := s.DeleteExpired(t.Context(), at(10), 10)
	must(t, "DeleteExpired()", err)
	wantEqual(t, "DeleteExpired() after the session was renewed", got, 0)
	wantSession(t, s, next)
}

func sessionApart(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	save(t, s, fullSession())
	must(t, "AddNotes()", s.AddNotes(t.Context(), []engine.Note{fullNote()}))
	must(t, "AddHandoffs()", s.AddHandoffs(t.Context(), []engine.Handoff{fullHandoff()}))
	must(t, "DeleteNote()", s.DeleteNote(t.Context(), fullNote().SessionKey, fullNote().ID))
	_, err := s.DeleteExpired(t.Context(), at(2*later), 10)
	must(t, "DeleteExpired()", err)
	wantRevision(t, s, was, 0)
}

func sessionHammer(t *testing.T, d Database) {
	s := open(t, d)
	const writers, rounds, sessions = 4, 10, 6
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for round := range rounds {
				rows := make([]engine.Session, sessions)
				notes := make([]engine.Note, sessions)
				for i := range rows {
					id := i
					if w%2 == 1 {
						id = sessions - 1 - i // the other way round
					}
					rows[i] = plainSession("a", "u", fmt.Sprint(id), int64(round), int64(round))
					notes[i] = plainNote(rows[i].SessionKey, fmt.Sprint(round))
				}
				if err := s.SaveSessions(t.Context(), rows); err != nil {
					t.Errorf("SaveSessions() = %v, want nil", err)
				}
				if err := s.AddNotes(t.Context(), notes); err != nil {
					t.Errorf("AddNotes() = %v, want nil", err)
				}
			}
		})
	}
	group.Wait()
	for i := range sessions {
		wantSession(t, s, plainSession("a", "u", fmt.Sprint(i), rounds-1, rounds-1))
	}
	count, err := s.CountNotes(t.Context(), "a", "u", at(0))
	must(t, "CountNotes()", err)
	wantEqual(t, "CountNotes()", count, sessions*rounds)
}
