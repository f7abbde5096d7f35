package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
)

var changeTests = []test{
	{"every configuration write raises the revision by one", changeRaise},
	{"a refused write raises nothing", changeRefused},
	{"changes say what each write was of", changeSaid},
	{"changes are not known when a write may be missing", changeUnknown},
	{"watch tells at once and ends with its context", changeWatch},
}

var sharedTests = []test{
	{"two stores on one database see each other's writes", changeShared},
}

// tooLate is when a change counts as unseen.
const tooLate = 30 * time.Second

// Watcher is a running Watch, for tests.
type Watcher struct {
	seen chan int64
	stop func() error
}

// Watch begins to watch and returns when the first notification has come. The end
// of the test stops it.
func Watch(t *testing.T, s engine.ChangeFeed) *Watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watcher{seen: make(chan int64, 4096)}
	result := make(chan error, 1)
	go func() { result <- s.Watch(ctx, func(r int64) { w.seen <- r }) }()
	w.stop = sync.OnceValue(func() error {
		cancel()
		return <-result
	})
	t.Cleanup(func() { _ = w.stop() })
	select {
	case <-w.seen:
	case err := <-result:
		result <- err
		t.Fatalf("Watch() = %v before its context ended", err)
	case <-time.After(10 * time.Second):
		t.Fatal("Watch() notified nobody in 10 s, want once at its beginning")
	}
	return w
}

// Await waits until the watcher was told of the revision or a later one, and
// returns how long that took. More than within is a failure.
func (w *Watcher) Await(t *testing.T, revision int64, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	late := time.After(within)
	for {
		select {
		case r := <-w.seen:
			if r >= revision {
				return time.Since(began)
			}
		case <-late:
			t.Fatalf("Watch() did not notify of revision %d within %v", revision, within)
		}
	}
}

// AwaitExactly is Await for the very next notification.
func (w *Watcher) AwaitExactly(t *testing.T, revision int64, within time.Duration) {
	t.Helper()
	select {
	case r := <-w.seen:
		if r != revision {
			t.Errorf("Watch() notified of %d, want %d", r, revision)
		}
	case <-time.After(within):
		t.Fatalf("Watch() did not notify of revision %d within %v", revision, within)
	}
}

func changeRefused(t *testing.T, d Database) {
	s := open(t, d)
	system := plainRule("", "s")
	system.System = true
	must(t, "CreateRule()", s.CreateRule(t.Context(), system))
	was := revision(t, s)
	wantErr(t, "CreateRule() again", s.CreateRule(t.Context(), system), engine.ErrConflict)
	wantErr(t, "UpdateRule() of a stale version", s.UpdateRule(t.Context(), system, at(99)), engine.ErrConflict)
	wantErr(t, "DeleteRule() of a system rule", s.DeleteRule(t.Context(), "", "s"), engine.ErrConflict)
	wantErr(t, "DeleteModel() of none", s.DeleteModel(t.Context(), "", "m"), engine.ErrNotFound)
	wantErr(t, "DeleteProvider() of none", s.DeleteProvider(t.Context(), "", "p"), engine.ErrNotFound)
	wantErr(t, "DeleteCredential() of none", s.DeleteCredential(t.Context(), "", "p", "k"), engine.ErrNotFound)
	wantErr(t, "RevokeKey() of none", s.RevokeKey(t.Context(), "a", "k", at(0)), engine.ErrNotFound)
	wantErr(t, "CreateUser() of no account", s.CreateUser(t.Context(), engine.User{AccountID: "a", ID: "u", Role: engine.RoleUser}), engine.ErrNotFound)
	wantErr(t, "ActivatePlugin() of none", s.ActivatePlugin(t.Context(), "", "p", "1"), engine.ErrNotFound)
	wantRevision(t, s, was, 0)
}

// changes are those since a mark.
func changes(t *testing.T, s engine.Store, since engine.Mark) engine.Changes {
	t.Helper()
	c, err := s.Changes(t.Context(), since)
	must(t, "Changes()", err)
	return c
}

// marked is the mark of now.
func marked(t *testing.T, s engine.Store) engine.Mark {
	t.Helper()
	return changes(t, s, engine.Mark{}).Now
}

func changeSaid(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateRule()", s.CreateRule(t.Context(), plainRule("", "first")))
	began := marked(t, s)
	if c := changes(t, s, began); !c.Known || len(c.List) != 0 || c.Now != began || began.Write == "" || began.Revision != revision(t, s) {
		t.Errorf("Changes() since now = %+v, want none, and the same mark %+v", c, began)
	}
	rotated := plainKey("a", "k", 1)
	rotated.RotatedTo = "l"
	var want []engine.Change
	for _, w := range []struct {
		area        engine.Area
		account, id string
		write       error
	}{
		{engine.AreaTenants, "a", "account/a", s.CreateAccount(t.Context(), plainAccount("a"))},
		{engine.AreaTenants, "a", "team/t", s.CreateTeam(t.Context(), plainTeam("a", "t"))},
		{engine.AreaTenants, "a", "user/u", s.CreateUser(t.Context(), plainUser("a", "u"))},
		{engine.AreaTenants, "a", "key/k", s.CreateKey(t.Context(), plainKey("a", "k", 1))},
		{engine.AreaTenants, "a", "key/k", s.RotateKey(t.Context(), rotated, plainKey("a", "l", 2), time.Time{})},
		{engine.AreaTenants, "a", "key/l", s.RevokeKey(t.Context(), "a", "l", at(3))},
		{engine.AreaRules, "a", "", s.CreateRule(t.Context(), plainRule("a", "r"))},
		{engine.AreaRules, "", "", s.CreateRule(t.Context(), plainRule("", "r"))},
		{engine.AreaPolicies, "a", "", s.PutPreferences(t.Context(), plainPreferences("a", "", "", false), time.Time{})},
		{engine.AreaPolicies, "a", "", s.CreateAssignment(t.Context(), plainAssignment("a", "x"))},
		{engine.AreaCatalogue, "", "", s.PutModel(t.Context(), plainModel("", "m"))},
		{engine.AreaPlugins, "", "", s.CreatePlugin(t.Context(), plainPlugin("", "p", "1"))},
	} {
		must(t, string(w.area)+" "+w.id, w.write)
		want = append(want, engine.Change{Area: w.area, AccountID: w.account, ID: w.id})
	}
	c := changes(t, s, began)
	if !c.Known || len(c.List) != len(want) || c.Now.Revision != revision(t, s) {
		t.Fatalf("Changes() = %+v, want %d that are known", c, len(want))
	}
	for i, got := range c.List {
		if got.Revision != began.Revision+int64(i)+1 || got.Write == "" {
			t.Errorf("change %d has the mark %+v, want revision %d and a write", i, got.Mark, began.Revision+int64(i)+1)
		}
		got.Mark = engine.Mark{}
		wantEqual(t, "a change", got, want[i])
	}
	if last := c.List[len(c.List)-1].Mark; last != c.Now {
		t.Errorf("the last change is %+v, want it to be now, %+v", last, c.Now)
	}
	key, err := s.GetKey(t.Context(), "a", "l")
	must(t, "GetKey()", err)
	user, err := s.GetUser(t.Context(), "a", "u")
	must(t, "GetUser()", err)
	team, err := s.GetTeam(t.Context(), "a", "t")
	must(t, "GetTeam()", err)
	if !key.RevokedAt.Equal(at(3)) || user.ID != "u" || team.ID != "t" {
		t.Errorf("GetKey(), GetUser(), GetTeam() = %+v, %+v, %+v, want the rows", key, user, team)
	}
	_, err = s.GetKey(t.Context(), "b", "l")
	wantErr(t, "GetKey() of another account", err, engine.ErrNotFound)
	_, err = s.GetUser(t.Context(), "b", "u")
	wantErr(t, "GetUser() of another account", err, engine.ErrNotFound)
	_, err = s.GetTeam(t.Context(), "b", "t")
	wantErr(t, "GetTeam() of another account", err, engine.ErrNotFound)
	rules, err := s.ListAccountRules(t.Context(), "a")
	must(t, "ListAccountRules()", err)
	if len(rules) != 1 || rules[0].AccountID != "a" {
		t.Errorf("ListAccountRules() = %+v, want the account's own rule", rules)
	}
	version, err := s.RuleSetVersion(t.Context(), "a")
	must(t, "RuleSetVersion()", err)
	none, err := s.RuleSetVersion(t.Context(), "b")
	must(t, "RuleSetVersion()", err)
	if version != 1 || none != 0 {
		t.Errorf("RuleSetVersion() = %d, %d without rules, want 1, 0", version, none)
	}
}

func changeUnknown(t *testing.T, d Database) {
	s := open(t, d)
	write := func(n int) {
		t.Helper()
		for range n {
			must(t, "PutModel()", s.PutModel(t.Context(), plainModel("", "m")))
		}
	}
	write(3)
	for _, c := range []struct {
		name   string
		happen func(began engine.Mark) (since engine.Mark)
	}{
		{"nothing known before", func(engine.Mark) engine.Mark { return engine.Mark{} }},
		{"a revision that somebody raised", func(began engine.Mark) engine.Mark {
			d.Exec(t, "update revisions set value = value + 1 where account_id = ''")
			return began
		}},
		{"a write of before, which did not say what it was of, then one that does", func(began engine.Mark) engine.Mark {
			d.Exec(t, "update revisions set value = value + 1 where account_id = ''")
			write(1)
			return began
		}},
		{"a change that was taken away", func(began engine.Mark) engine.Mark {
			write(3)
			d.Exec(t, "delete from changes where revision = (select value - 1 from revisions where account_id = '')")
			return began
		}},
		{"another write with the revision of the mark, as after a backup was restored", func(began engine.Mark) engine.Mark {
			began.Write = "another"
			write(1)
			return began
		}},
		{"a revision that somebody set back, and another write", func(began engine.Mark) engine.Mark {
			d.Exec(t, "update revisions set value = value - 1 where account_id = ''")
			write(1)
			return began
		}},
		{"a revision that fell", func(began engine.Mark) engine.Mark {
			began.Revision += 5
			return began
		}},
		{"more writes than are read at once", func(began engine.Mark) engine.Mark {
			write(row.MaxChanges)
			return began
		}},
	} {
		write(1)
		since := c.happen(marked(t, s))
		got := changes(t, s, since)
		if got.Known || len(got.List) > 0 || got.Now.Revision != revision(t, s) {
			t.Errorf("%s: Changes() = known %t, %d changes, %+v, want nothing known but the revision", c.name, got.Known, len(got.List), got.Now)
		}
		write(1)
		if began := marked(t, s); began.Write == "" || !changes(t, s, began).Known {
			t.Errorf("%s: after it nothing is known any more", c.name)
		}
	}
}

func changeWatch(t *testing.T, d Database) {
	s := open(t, d)
	one, two := Watch(t, s), Watch(t, s)
	var slowest time.Duration
	for range 10 {
		must(t, "PutModel()", s.PutModel(t.Context(), plainModel("", "m")))
		now := revision(t, s)
		slowest = max(slowest, one.Await(t, now, tooLate), two.Await(t, now, tooLate))
	}
	t.Logf("slowest notification: %v", slowest)
	if err := one.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch() = %v after its context ended, want %v", err, context.Canceled)
	}
	must(t, "PutModel()", s.PutModel(t.Context(), plainModel("", "m")))
	two.Await(t, revision(t, s), tooLate) // goes on without the other
	select {
	case r := <-one.seen:
		t.Errorf("Watch() notified of %d after its end", r)
	default:
	}
}

func changeShared(t *testing.T, d Database) {
	a, b := open(t, d), open(t, d) // neither polls within the test
	atA, atB := Watch(t, a), Watch(t, b)
	var took []time.Duration
	for i := range 20 {
		writer, reader, watcher := a, b, atB
		if i%2 == 1 {
			writer, reader, watcher = b, a, atA
		}
		r := plainRule("", "r")
		r.UpdatedAt = at(int64(i))
		began := time.Now()
		if i == 0 {
			must(t, "CreateRule()", writer.CreateRule(t.Context(), r))
		} else {
			must(t, "UpdateRule()", writer.UpdateRule(t.Context(), r, at(int64(i-1))))
		}
		watcher.Await(t, revision(t, writer), tooLate)
		got, err := reader.GetRule(t.Context(), "", "r")
		must(t, "GetRule() at the other store", err)
		wantEqual(t, "GetRule() at the other store", got, r)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("a change from one store to the other takes %v, at most %v", took[len(took)/2], took[len(took)-1])
	// The middle one: a busy machine may hold up any single change.
	if took[len(took)/2] >= time.Second {
		t.Errorf("a change took %v from one store to the other, want less than a second", took[len(took)/2])
	}
}
