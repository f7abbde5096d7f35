package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var healthTests = []test{
	{"transitions have rising sequences and are their subjects' last", healthTransitions},
	{"a transition is kept once", healthTransitionTwice},
	{"the latest transition holds, whichever comes last", healthLatest},
	{"an older secret does not replace a newer one", healthVersions},
	{"parts are saved apart", healthParts},
	{"text that no database keeps is cleaned", healthText},
	{"must be whole", healthInvalid},
	{"cells are added up", healthCells},
	{"old rows go", healthDropped},
	{"whoever follows is woken", healthFollowed},
}

var sharedHealthTests = []test{
	{"a transition wakes the followers of every process", healthShared},
	{"sequences come in the order in which they can be read", healthOrder},
}

var (
	openai = engine.HealthSubject{ProviderID: "openai"}
	gpt    = engine.HealthSubject{ProviderID: "openai", UpstreamID: "gpt-5"}
	secret = engine.HealthSubject{AccountID: "acme", ProviderID: "own", Credential: "k1", Version: 3}
)

func downTransition(s engine.HealthSubject, id string, n int64) engine.StoredTransition {
	return engine.StoredTransition{ID: id, Replica: "one", HealthTransition: engine.HealthTransition{
		Subject: s, From: engine.HealthHealthy, To: engine.HealthDown, Switch: engine.HealthDrained, Reason: engine.HealthConsecutive,
		Evidence: engine.HealthEvidence{Attempts: 7, Failures: 6, Consecutive: 5, Within: 10 * time.Second, LatencyMS: 3, UsualMS: 4, Detail: "500 server"},
		At:       at(n), Until: at(n + 30_000), Ejections: 2,
	}}
}

func addTransitions(t *testing.T, s engine.Store, list ...engine.StoredTransition) int64 {
	t.Helper()
	sequence, err := s.AddHealthTransitions(t.Context(), list)
	must(t, "AddHealthTransitions()", err)
	return sequence
}

func healthTransitions(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	if n, err := s.HealthSequence(t.Context()); n != 0 || err != nil {
		t.Errorf("HealthSequence() = %d, %v, want 0", n, err)
	}
	first, second, third := downTransition(gpt, "a", 0), downTransition(secret, "b", 1), downTransition(gpt, "c", 2)
	third.To, third.Until = engine.HealthHealthy, time.Time{}
	if n := addTransitions(t, s, first, second); n != 2 {
		t.Errorf("AddHealthTransitions() = %d, want 2", n)
	}
	fine := third
	fine.At = fine.At.Add(456_789 * time.Nanosecond)
	addTransitions(t, s, fine)
	third.At = third.At.Add(456 * time.Microsecond)
	first.Sequence, second.Sequence, third.Sequence = 1, 2, 3
	for _, c := range []struct {
		after int64
		limit int
		want  []engine.StoredTransition
	}{{0, 1000, []engine.StoredTransition{first, second, third}}, {0, 2, []engine.StoredTransition{first, second}}, {2, 10, []engine.StoredTransition{third}}, {3, 10, nil}} {
		got, err := s.HealthTransitionsAfter(t.Context(), c.after, c.limit)
		must(t, "HealthTransitionsAfter()", err)
		wantEqual(t, fmt.Sprintf("HealthTransitionsAfter(%d, %d)", c.after, c.limit), got, c.want)
	}
	if n, err := s.HealthSequence(t.Context()); n != 3 || err != nil {
		t.Errorf("HealthSequence() = %d, %v, want 3", n, err)
	}
	got, err := s.ListHealth(t.Context())
	must(t, "ListHealth()", err)
	wantEqual(t, "ListHealth()", got, []engine.StoredHealth{
		{Subject: gpt, Sequence: 3, Transition: &third.HealthTransition, At: at(2)},
		{Subject: secret, Sequence: 2, Transition: &second.HealthTransition, At: at(1)},
	})
	list, err := s.ListHealthTransitions(t.Context(), "", "openai", 10)
	must(t, "ListHealthTransitions()", err)
	wantEqual(t, "ListHealthTransitions()", list, []engine.StoredTransition{third, first})
	list, err = s.ListHealthTransitions(t.Context(), "acme", "own", 10)
	must(t, "ListHealthTransitions()", err)
	wantEqual(t, "ListHealthTransitions(acme)", list, []engine.StoredTransition{second})
	list, err = s.ListHealthTransitions(t.Context(), "acme", "openai", 10)
	must(t, "ListHealthTransitions()", err)
	wantEqual(t, "ListHealthTransitions(acme) of a global provider", list, nil)
	for _, limit := range []int{0, 1001} {
		_, err = s.HealthTransitionsAfter(t.Context(), 0, limit)
		wantInvalid(t, "HealthTransitionsAfter()", err, "limit")
	}
	wantRevision(t, s, was, 0)
}

func healthTransitionTwice(t *testing.T, d Database) {
	s := open(t, d)
	first, second := downTransition(gpt, "a", 0), downTransition(gpt, "b", 1)
	addTransitions(t, s, first)
	addTransitions(t, s, second)
	addTransitions(t, s, first)
	got, err := s.HealthTransitionsAfter(t.Context(), 0, 10)
	must(t, "HealthTransitionsAfter()", err)
	first.Sequence, second.Sequence = 1, 2
	wantEqual(t, "HealthTransitionsAfter()", got, []engine.StoredTransition{first, second})
	rows, err := s.ListHealth(t.Context())
	must(t, "ListHealth()", err)
	wantEqual(t, "ListHealth()", rows, []engine.StoredHealth{{Subject: gpt, Sequence: 2, Transition: &second.HealthTransition, At: at(1)}})
	if n := addTransitions(t, s); n != 3 {
		t.Errorf("AddHealthTransitions() of none = %d, want the newest sequence", n)
	}
}

func healthLatest(t *testing.T, d Database) {
	s := open(t, d)
	late, early := downTransition(gpt, "a", 0), downTransition(gpt, "b", 0)
	late.At = late.At.Add(time.Microsecond)
	addTransitions(t, s, late)
	addTransitions(t, s, early)
	rows, err := s.ListHealth(t.Context())
	must(t, "ListHealth()", err)
	if len(rows) != 1 || rows[0].Sequence != 1 || !rows[0].Transition.At.Equal(late.At) {
		t.Errorf("ListHealth() = %s, want the transition that is a microsecond later", show(rows))
	}
}

func healthVersions(t *testing.T, d Database) {
	s := open(t, d)
	old, next := secret, secret
	old.Version, next.Version = 2, 4
	check := &engine.HealthCheck{At: at(5), OK: true}
	addTransitions(t, s, downTransition(secret, "a", 0))
	must(t, "SaveHealth()", s.SaveHealth(t.Context(), []engine.StoredHealth{{Subject: secret, Check: check, At: at(1)}}))
	addTransitions(t, s, downTransition(old, "b", 2))
	must(t, "SaveHealth()", s.SaveHealth(t.Context(), []engine.StoredHealth{{Subject: old, Check: &engine.HealthCheck{At: at(9)}, At: at(3)}}))
	rows, err := s.ListHealth(t.Context())
	must(t, "ListHealth()", err)
	if len(rows) != 1 || rows[0].Subject != secret || rows[0].Sequence != 1 || rows[0].Check == nil || !rows[0].Check.OK {
		t.Errorf("ListHealth() = %s, want what is known of version 3", show(rows))
	}
	must(t, "SaveHealth()", s.SaveHealth(t.Context(), []engine.StoredHealth{{Subject: next, Measured: &engine.HealthSubjectState{Status: engine.HealthHealthy}, At: at(4)}}))
	rows, err = s.ListHealth(t.Context())
	must(t, "ListHealth()", err)
	wantEqual(t, "ListHealth() of a new secret", rows, []engine.StoredHealth{{Subject: next, Measured: &engine.HealthSubjectState{Subject: next, Status: engine.HealthHealthy}, At: at(4)}})
}

func healthParts(t *testing.T, d Database) {
	s := open(t, d)
	measured := engine.HealthSubjectState{
		Subject: gpt, Status: engine.HealthDegraded, Reason: engine.HealthSlow, Why: "slow", Since: at(1), Changed: at(2), Seen: at(3), Ejections: 1,
		Attempts: 9, LatencyP50MS: 10, LatencyP95MS: 20, UsualLatencyMS: 5, LastError: "500", LastErrorAt: at(4),
		Cells: []engine.HealthCell{{At: at(0), Attempts: 1}},
	}
	check := engine.HealthCheck{At: at(5), OK: false, Detail: "timeout", Warning: "lacks the model", Paid: true, NextAt: at(6)}
	must(t, "SaveHealth()", s.SaveHealth(t.Context(), []engine.StoredHealth{{Subject: gpt, Measured: &measured, At: at(7)}, {Subject: openai, Check: &check, At: at(7)}}))
	must(t, "SaveHealth()", s.SaveHealth(t.Context(), []engine.StoredHealth{{Subject: gpt, Check: &check, At: at(8)}}))
	must(t, "SaveHealth() of none", s.SaveHealth(t.Context(), nil))
	down := downTransition(gpt, "a", 9)
	addTransitions(t, s, down)
	measured.Cells = nil
	got, err := s.ListHealth(t.Context())
	must(t, "ListHealth()", err)
	wantEqual(t, "ListHealth()", got, []engine.StoredHealth{
		{Subject: openai, Check: &check, At: at(7)},
		{Subject: gpt, Sequence: 1, Transition: &down.HealthTransition, Measured: &measured, Check: &check, At: at(9)},
	})
}

func healthText(t *testing.T, d Database) {
	s := open(t, d)
	odd := "a\x00\xffb"
	down := downTransition(gpt, "a", 0)
	down.Evidence.Detail = odd
	addTransitions(t, s, down)
	must(t, "SaveHealth()", s.SaveHealth(t.Context(), []engine.StoredHealth{{
		Subject: gpt, At: at(1), Measured: &engine.HealthSubjectState{LastError: odd, Why: odd, Warning: odd}, Check: &engine.HealthCheck{Detail: odd, Warning: odd},
	}}))
	rows, err := s.ListHealth(t.Context())
	must(t, "ListHealth()", err)
	const clean = "a\uFFFD\uFFFDb"
	r := rows[0]
	for _, text := range []string{r.Transition.Evidence.Detail, r.Measured.LastError, r.Measured.Why, r.Measured.Warning, r.Check.Detail, r.Check.Warning} {
		if text != clean {
			t.Errorf("text = %q, want %q", text, clean)
		}
	}
}

func healthInvalid(t *testing.T, d Database) {
	s := open(t, d)
	for _, c := range []struct {
		name, param string
		subject     engine.HealthSubject
	}{
		{"no provider", "provider_id", engine.HealthSubject{}},
		{"a long model", "upstream_id", engine.HealthSubject{ProviderID: "p", UpstreamID: strings.Repeat("a", 256)}},
		{"NUL", "credential_id", engine.HealthSubject{ProviderID: "p", Credential: "a\x00"}},
		{"both", "credential_id", engine.HealthSubject{ProviderID: "p", UpstreamID: "m", Credential: "a"}},
		{"a negative version", "version", engine.HealthSubject{ProviderID: "p", Version: -1}},
	} {
		_, err := s.AddHealthTransitions(t.Context(), []engine.StoredTransition{downTransition(gpt, "ok", 0), downTransition(c.subject, "a", 0)})
		wantInvalid(t, c.name+": AddHealthTransitions()", err, c.param)
		wantInvalid(t, c.name+": SaveHealth()", s.SaveHealth(t.Context(), []engine.StoredHealth{{Subject: c.subject, At: at(0)}}), c.param)
		wantInvalid(t, c.name+": AddHealthCells()", s.AddHealthCells(t.Context(), []engine.StoredCell{{Subject: c.subject}}), c.param)
		wantInvalid(t, c.name+": PutHealthControl()", s.PutHealthControl(t.Context(), engine.HealthControl{Subject: c.subject}), c.param)
		_, err = s.TakeHealthProbe(t.Context(), c.subject, "2026-11-23", 1)
		wantInvalid(t, c.name+": TakeHealthProbe()", err, c.param)
	}
	_, err := s.AddHealthTransitions(t.Context(), []engine.StoredTransition{downTransition(gpt, "", 0)})
	wantInvalid(t, "AddHealthTransitions() without an id", err, "id")
	if n, err := s.HealthSequence(t.Context()); n != 0 || err != nil {
		t.Errorf("HealthSequence() = %d, %v, want 0", n, err)
	}
}

func healthCells(t *testing.T, d Database) {
	s := open(t, d)
	begin := at(0).Truncate(engine.HealthCellLength)
	next := begin.Add(engine.HealthCellLength)
	cell := func(at time.Time, n int64, p95 int64, worst engine.HealthStatus) engine.HealthCell {
		return engine.HealthCell{At: at, Attempts: 3 * n, Failures: 2 * n, Fallbacks: n, P95MS: p95, Worst: worst}
	}
	add := func(cells ...engine.StoredCell) { must(t, "AddHealthCells()", s.AddHealthCells(t.Context(), cells)) }
	add(engine.StoredCell{Subject: secret, HealthCell: cell(begin, 1, 100, engine.HealthDown)}, engine.StoredCell{Subject: openai, HealthCell: cell(next, 1, 0, "")})
	add(engine.StoredCell{Subject: secret, HealthCell: cell(begin, 10, 50, engine.HealthHealthy)}, engine.StoredCell{Subject: secret, HealthCell: cell(next, 1, 5, engine.HealthDegraded)})
	add()
	bare := secret
	bare.Version = 0
	want := []engine.StoredCell{
		{Subject: openai, HealthCell: cell(next, 1, 0, "")},
		{Subject: bare, HealthCell: cell(begin, 11, 100, engine.HealthDown)},
		{Subject: bare, HealthCell: cell(next, 1, 5, engine.HealthDegraded)},
	}
	got, err := s.ListHealthCells(t.Context(), begin)
	must(t, "ListHealthCells()", err)
	wantEqual(t, "ListHealthCells()", got, want)
	got, err = s.ListHealthCells(t.Context(), next)
	must(t, "ListHealthCells()", err)
	wantEqual(t, "ListHealthCells(later)", got, []engine.StoredCell{want[0], want[2]})
}

func healthDropped(t *testing.T, d Database) {
	s := open(t, d)
	addTransitions(t, s, downTransition(gpt, "a", 0), downTransition(openai, "b", 10))
	must(t, "AddHealthCells()", s.AddHealthCells(t.Context(), []engine.StoredCell{{Subject: gpt, HealthCell: engine.HealthCell{At: at(0)}}, {Subject: gpt, HealthCell: engine.HealthCell{At: at(20)}}}))
	must(t, "DropHealth()", s.DropHealth(t.Context(), at(10), at(20)))
	rows, err := s.ListHealth(t.Context())
	must(t, "ListHealth()", err)
	list, err := s.HealthTransitionsAfter(t.Context(), 0, 10)
	must(t, "HealthTransitionsAfter()", err)
	cells, err := s.ListHealthCells(t.Context(), at(0))
	must(t, "ListHealthCells()", err)
	if len(rows) != 1 || rows[0].Subject != openai || len(list) != 1 || list[0].ID != "b" || len(cells) != 1 || !cells[0].At.Equal(at(20)) {
		t.Errorf("after DropHealth() there are %s, %s and %s, want the newer ones", show(rows), show(list), show(cells))
	}
	if n := addTransitions(t, s, downTransition(gpt, "c", 30)); n != 3 {
		t.Errorf("AddHealthTransitions() = %d, want 3, whatever was dropped", n)
	}
}

// follow begins to follow and returns what is woken, once the first wake has come of a store
// that watches.
func follow(t *testing.T, s engine.Store) (woken chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	woken = make(chan struct{}, 64)
	var wg sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	wg.Go(func() {
		if err := s.FollowHealth(ctx, func() { woken <- struct{}{} }); err == nil {
			t.Error("FollowHealth() = nil, want its context's error")
		}
	})
	return woken
}

// awaitWake adds transitions until one wakes: the first may come before anybody listens.
func awaitWake(t *testing.T, woken chan struct{}, add func(n int)) {
	t.Helper()
	late := time.After(tooLate)
	for n := 0; ; n++ {
		add(n)
		select {
		case <-woken:
			return
		case <-late:
			t.Fatal("no follower was woken")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func healthFollowed(t *testing.T, d Database) {
	s := open(t, d)
	Watch(t, s)
	woken := follow(t, s)
	awaitWake(t, woken, func(n int) { addTransitions(t, s, downTransition(gpt, fmt.Sprint("a", n), 0)) })
}

func healthShared(t *testing.T, d Database) {
	one, two := open(t, d), open(t, d)
	Watch(t, two)
	woken := follow(t, two)
	awaitWake(t, woken, func(n int) { addTransitions(t, one, downTransition(gpt, fmt.Sprint("a", n), 0)) })
}

// One who reads what is above the last sequence that it saw misses nothing.
func healthOrder(t *testing.T, d Database) {
	const writers, each = 3, 8
	var wg sync.WaitGroup
	for w := range writers {
		s := open(t, d)
		wg.Go(func() {
			for n := range each {
				if _, err := s.AddHealthTransitions(context.Background(), []engine.StoredTransition{downTransition(gpt, fmt.Sprint(w, "-", n), 0)}); err != nil {
					t.Errorf("AddHealthTransitions() = %v, want nil", err)
				}
			}
		})
	}
	s := open(t, d)
	seen, last := 0, int64(0)
	for deadline := time.Now().Add(tooLate); seen < writers*each; {
		list, err := s.HealthTransitionsAfter(t.Context(), last, 100)
		must(t, "HealthTransitionsAfter()", err)
		for _, x := range list {
			seen, last = seen+1, x.Sequence
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d transitions were seen: one came with a lower sequence than one that was there", seen, writers*each)
		}
	}
	wg.Wait()
}
