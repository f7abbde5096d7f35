package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var decisionTests = []test{
	{"keeps every member", decisionRoundTrip},
	{"a row is stored once", decisionOnce},
	{"finds the newest that is meant of a request", decisionGet},
	{"pages newest first, each row once", decisionPages},
	{"narrows by each member", decisionNarrow},
	{"reads all of a time, of one account or of all", decisionScan},
	{"forgets what is older than each account keeps it", decisionDelete},
	{"odd text and times lose no row", decisionOdd},
	{"keeps settings, one of each account", decisionSettings},
}

func fullDecision() engine.DecisionRow {
	return engine.DecisionRow{
		AccountID: "acme", RequestID: "0199b8a2-2f3c-7000-8000-000000000001", At: at(1), TeamID: "red", UserID: "ann", KeyID: "0199b8a2-2f3c-7000-8000-0000000000aa",
		SessionID: "chat 1/é", Source: "my-rule", Model: "gpt-4o", Provider: "openai", Code: engine.CodeUpstreamTruncated, Variant: "rollout-1",
		CostNanoUSD: 1 << 60, Data: []byte{1, 0, 255},
	}
}

func plainDecision(account, request string, n int64) engine.DecisionRow {
	return engine.DecisionRow{AccountID: account, RequestID: request, At: at(n), Data: []byte{1}}
}

func addDecisions(t *testing.T, s engine.Store, rows ...engine.DecisionRow) {
	t.Helper()
	must(t, "AddDecisions()", s.AddDecisions(t.Context(), rows))
}

func decisionRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	in := fullDecision()
	in.At = finest(1)
	addDecisions(t, s)
	addDecisions(t, s, in, plainDecision("acme", "r-2", 0))
	got, err := s.GetDecision(t.Context(), engine.DecisionFilter{AccountID: "acme"}, in.RequestID)
	must(t, "GetDecision()", err)
	wantEqual(t, "GetDecision()", got, fullDecision())
	got, err = s.GetDecision(t.Context(), engine.DecisionFilter{AccountID: "acme"}, "r-2")
	must(t, "GetDecision(r-2)", err)
	wantEqual(t, "GetDecision(r-2)", got, plainDecision("acme", "r-2", 0))
	for _, account := range []string{"other", "", "a\x00"} {
		_, err = s.GetDecision(t.Context(), engine.DecisionFilter{AccountID: account}, in.RequestID)
		wantErr(t, fmt.Sprintf("GetDecision() of account %q", account), err, engine.ErrNotFound)
	}
	wantRevision(t, s, was, 0)
}

func decisionOnce(t *testing.T, d Database) {
	s := open(t, d)
	first, second := plainDecision("a", "r", 1), plainDecision("a", "r", 1)
	first.Source, second.Source = "first", "second"
	addDecisions(t, s, first, second)
	addDecisions(t, s, second, plainDecision("a", "r", 2))
	page, _, err := s.PageDecisions(t.Context(), engine.DecisionFilter{AccountID: "a"}, engine.DecisionMark{}, 10)
	must(t, "PageDecisions()", err)
	wantEqual(t, "PageDecisions()", page, []engine.DecisionRow{plainDecision("a", "r", 2), first})
}

func decisionGet(t *testing.T, d Database) {
	s := open(t, d)
	mine, theirs := plainDecision("a", "r", 1), plainDecision("a", "r", 2)
	mine.UserID, mine.TeamID, theirs.UserID, theirs.TeamID = "me", "red", "them", "blue"
	addDecisions(t, s, mine, theirs)
	for _, c := range []struct {
		filter engine.DecisionFilter
		want   string // user; "": none
	}{
		{engine.DecisionFilter{AccountID: "a"}, "them"},
		{engine.DecisionFilter{AccountID: "a", UserID: "me"}, "me"},
		{engine.DecisionFilter{AccountID: "a", TeamID: "red"}, "me"},
		{engine.DecisionFilter{AccountID: "a", UserID: "nobody"}, ""},
		{engine.DecisionFilter{AccountID: "b", UserID: "me"}, ""},
	} {
		got, err := s.GetDecision(t.Context(), c.filter, "r")
		if c.want == "" {
			wantErr(t, fmt.Sprintf("GetDecision(%+v)", c.filter), err, engine.ErrNotFound)
		} else if err != nil || got.UserID != c.want {
			t.Errorf("GetDecision(%+v) = %q, %v, want %q", c.filter, got.UserID, err, c.want)
		}
	}
}

func decisionPages(t *testing.T, d Database) {
	s := open(t, d)
	var rows []engine.DecisionRow
	for i := range int64(7) {
		rows = append(rows, plainDecision("a", fmt.Sprint("r", i), i/2)) // pairs of one time
	}
	addDecisions(t, s, append(rows, plainDecision("b", "r9", 9))...)
	for _, limit := range []int{1, 2, 3, 7, 10} {
		var seen []string
		mark := engine.DecisionMark{}
		for {
			page, next, err := s.PageDecisions(t.Context(), engine.DecisionFilter{AccountID: "a"}, mark, limit)
			must(t, "PageDecisions()", err)
			for _, r := range page {
				seen = append(seen, r.RequestID)
			}
			if next == (engine.DecisionMark{}) {
				break
			}
			mark = next
		}
		wantEqual(t, fmt.Sprintf("pages of %d", limit), seen, []string{"r6", "r5", "r4", "r3", "r2", "r1", "r0"})
	}
	page, _, err := s.PageDecisions(t.Context(), engine.DecisionFilter{AccountID: "a", From: at(1), To: at(2)}, engine.DecisionMark{}, 10)
	must(t, "PageDecisions() of a time", err)
	wantEqual(t, "PageDecisions() of a time", page, []engine.DecisionRow{rows[3], rows[2]})
	_, _, err = s.PageDecisions(t.Context(), engine.DecisionFilter{AccountID: "a"}, engine.DecisionMark{}, 0)
	wantInvalid(t, "PageDecisions() of none", err, "limit")
}

func decisionNarrow(t *testing.T, d Database) {
	s := open(t, d)
	full, answered := fullDecision(), plainDecision("acme", "plain", 5)
	addDecisions(t, s, full, answered)
	for name, f := range map[string]engine.DecisionFilter{
		"team": {TeamID: full.TeamID}, "user": {UserID: full.UserID}, "key": {KeyID: full.KeyID}, "session": {SessionID: full.SessionID},
		"source": {Source: full.Source}, "model": {Model: full.Model}, "code": {Code: full.Code}, "variant": {Variant: full.Variant},
	} {
		f.AccountID = "acme"
		page, next, err := s.PageDecisions(t.Context(), f, engine.DecisionMark{}, 10)
		must(t, "PageDecisions()", err)
		if len(page) != 1 || page[0].RequestID != full.RequestID || next != (engine.DecisionMark{}) {
			t.Errorf("PageDecisions(%s) = %v, %v, want the one", name, page, next)
		}
		f.Source, f.Model = "x", "x"
		if page, _, err := s.PageDecisions(t.Context(), f, engine.DecisionMark{}, 10); err != nil || len(page) != 0 {
			t.Errorf("PageDecisions(%s and another source) = %v, %v, want none", name, page, err)
		}
		f.Source = "\x00"
		if page, _, err := s.PageDecisions(t.Context(), f, engine.DecisionMark{}, 10); err != nil || len(page) != 0 {
			t.Errorf("PageDecisions(%s, NUL) = %v, %v, want none", name, page, err)
		}
	}
	page, _, err := s.PageDecisions(t.Context(), engine.DecisionFilter{AccountID: "acme", Answered: true}, engine.DecisionMark{}, 10)
	must(t, "PageDecisions()", err)
	wantEqual(t, "PageDecisions(answered)", page, []engine.DecisionRow{answered})
}

func decisionScan(t *testing.T, d Database) {
	s := open(t, d)
	addDecisions(t, s, plainDecision("b", "1", 1), plainDecision("a", "3", 3), plainDecision("a", "2", 2), plainDecision("a", "1", 1), plainDecision("c", "9", 9))
	scan := func(account string, from, to int64) (seen []string) {
		err := s.ScanDecisions(t.Context(), account, at(from), at(to), func(rows []engine.DecisionRow) error {
			for _, r := range rows {
				seen = append(seen, r.AccountID+r.RequestID)
			}
			return nil
		})
		must(t, "ScanDecisions()", err)
		return seen
	}
	wantEqual(t, "ScanDecisions(a)", scan("a", 1, 3), []string{"a1", "a2"})
	wantEqual(t, "ScanDecisions(all)", scan("", 1, 9), []string{"a1", "a2", "a3", "b1"})
	wantEqual(t, "ScanDecisions(nobody)", scan("x", 0, 9), []string(nil))
	stop := errors.New("stop")
	err := s.ScanDecisions(t.Context(), "", at(0), at(9), func([]engine.DecisionRow) error { return stop })
	wantErr(t, "ScanDecisions() that is stopped", err, stop)

	// More than are read at a time.
	var many []engine.DecisionRow
	for i := range int64(2_100) {
		many = append(many, plainDecision("m", fmt.Sprintf("%06d", i), 100+i/7))
	}
	addDecisions(t, s, many...)
	seen, last := 0, ""
	err = s.ScanDecisions(t.Context(), "m", at(0), at(10_000), func(rows []engine.DecisionRow) error {
		for _, r := range rows {
			if r.RequestID <= last {
				t.Errorf("%s came after %s", r.RequestID, last)
			}
			seen, last = seen+1, r.RequestID
		}
		return nil
	})
	must(t, "ScanDecisions(m)", err)
	if seen != len(many) {
		t.Errorf("ScanDecisions() gave %d rows, want %d", seen, len(many))
	}
}

func decisionDelete(t *testing.T, d Database) {
	s := open(t, d)
	day := int64(24 * time.Hour / time.Millisecond)
	for _, account := range []string{"long", "short", "usual"} {
		addDecisions(t, s, plainDecision(account, "40", -40*day), plainDecision(account, "10", -10*day), plainDecision(account, "1", -day))
	}
	must(t, "DeleteDecisionsBefore()", s.DeleteDecisionsBefore(t.Context(), at(-14*day), map[string]time.Time{"long": at(-90 * day), "short": at(-2 * day), "gone": at(0)}))
	var left []string
	err := s.ScanDecisions(t.Context(), "", at(-100*day), at(0), func(rows []engine.DecisionRow) error {
		for _, r := range rows {
			left = append(left, r.AccountID+" "+r.RequestID)
		}
		return nil
	})
	must(t, "ScanDecisions()", err)
	wantEqual(t, "what is left", left, []string{"long 40", "long 10", "long 1", "short 1", "usual 10", "usual 1"})
	// Whole days go at once, and may come again.
	must(t, "DeleteDecisionsBefore()", s.DeleteDecisionsBefore(t.Context(), at(0), nil))
	addDecisions(t, s, plainDecision("long", "40", -40*day))
	if _, err := s.GetDecision(t.Context(), engine.DecisionFilter{AccountID: "long"}, "1"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("GetDecision() of what is forgotten = %v, want %v", err, engine.ErrNotFound)
	}
	_, err = s.GetDecision(t.Context(), engine.DecisionFilter{AccountID: "long"}, "40")
	must(t, "GetDecision() of what came again", err)
}

func decisionOdd(t *testing.T, d Database) {
	s := open(t, d)
	odd := fullDecision()
	odd.RequestID, odd.SessionID, odd.Source, odd.Model, odd.Data = "r\x00", "\xff", "a\x00b", string(bytes.Repeat([]byte("x"), 5_000)), nil
	odd.At = time.Date(12_000, 1, 1, 0, 0, 0, 0, time.UTC)
	early := plainDecision("acme", "early", 0)
	early.At = time.Time{}
	addDecisions(t, s, odd, early, plainDecision("acme", "next", 1))
	page, _, err := s.PageDecisions(t.Context(), engine.DecisionFilter{AccountID: "acme"}, engine.DecisionMark{}, 10)
	must(t, "PageDecisions()", err)
	if len(page) < 2 || page[len(page)-2].RequestID != "next" {
		t.Errorf("PageDecisions() = %v, want the next row and the early one", page)
	}
	got, err := s.GetDecision(t.Context(), engine.DecisionFilter{AccountID: "acme"}, "r\x00")
	if err != nil || got.SessionID != "\uFFFD" || got.Source != "a\uFFFDb" {
		t.Errorf("GetDecision() = %+v, %v, want it cleaned", got, err)
	}
}

func decisionSettings(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	usual := engine.DecisionSettings{Share: 2_500, Days: 14, UpdatedBy: "default/root", UpdatedAt: at(1)}
	acme := engine.DecisionSettings{AccountID: "acme", Share: engine.WholeShare, Text: true, Days: 90, UpdatedAt: finest(2)}
	must(t, "PutDecisionSettings()", s.PutDecisionSettings(t.Context(), acme))
	acme.Share, acme.Text, acme.Days = 0, false, 1
	for _, put := range []engine.DecisionSettings{acme, usual} {
		must(t, "PutDecisionSettings()", s.PutDecisionSettings(t.Context(), put))
	}
	wantRevision(t, s, was, 3)
	got, err := s.ListDecisionSettings(t.Context())
	must(t, "ListDecisionSettings()", err)
	acme.UpdatedAt = at(2)
	wantEqual(t, "ListDecisionSettings()", got, []engine.DecisionSettings{usual, acme})
	for _, account := range []string{"acme", "\x00"} {
		must(t, "DeleteDecisionSettings()", s.DeleteDecisionSettings(t.Context(), account))
	}
	wantRevision(t, s, was, 4)
	got, err = s.ListDecisionSettings(t.Context())
	must(t, "ListDecisionSettings()", err)
	wantEqual(t, "ListDecisionSettings() after one was deleted", got, []engine.DecisionSettings{usual})
	for member, bad := range map[string]engine.DecisionSettings{
		"share":      {Share: 10_001, Days: 1, UpdatedAt: at(1)},
		"days":       {Days: 91, UpdatedAt: at(1)},
		"account_id": {AccountID: "\x00", Days: 1, UpdatedAt: at(1)},
	} {
		wantInvalid(t, "PutDecisionSettings() of a bad "+member, s.PutDecisionSettings(t.Context(), bad), member)
	}
}
