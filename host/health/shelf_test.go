package health_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

var errAway = errors.New("the store is away")

// shelf is a store in memory that several monitors share, and that can be away. What the real
// ones do is in storetest.
type shelf struct {
	mu          sync.Mutex
	away        bool
	transitions []engine.StoredTransition
	rows        map[engine.HealthSubject]engine.StoredHealth
	cells       map[engine.HealthSubject]map[time.Time]engine.HealthCell
	controls    map[engine.HealthSubject]engine.HealthControl
	jobs        map[string]bool
	followers   map[chan struct{}]bool
	audited     []string
}

func newShelf() *shelf {
	return &shelf{
		rows: map[engine.HealthSubject]engine.StoredHealth{}, cells: map[engine.HealthSubject]map[time.Time]engine.HealthCell{},
		controls: map[engine.HealthSubject]engine.HealthControl{}, jobs: map[string]bool{}, followers: map[chan struct{}]bool{},
	}
}

func (s *shelf) open() (func(), error) {
	s.mu.Lock()
	if s.away {
		s.mu.Unlock()
		return nil, errAway
	}
	return s.mu.Unlock, nil
}

func (s *shelf) leave(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *shelf) AddHealthTransitions(_ context.Context, list []engine.StoredTransition) (int64, error) {
	done, err := s.open()
	if err != nil {
		return 0, err
	}
	defer done()
	for _, t := range list {
		t.Sequence = int64(len(s.transitions) + 1)
		s.transitions = append(s.transitions, t)
		r := s.rows[t.Subject]
		if last := t.HealthTransition; r.Transition == nil || !last.At.Before(r.Transition.At) {
			r.Subject, r.Sequence, r.Transition, r.At = t.Subject, t.Sequence, &last, t.At
		}
		s.rows[t.Subject] = r
	}
	for f := range s.followers {
		select {
		case f <- struct{}{}:
		default:
		}
	}
	return int64(len(s.transitions)), nil
}

func (s *shelf) HealthTransitionsAfter(_ context.Context, sequence int64, limit int) ([]engine.StoredTransition, error) {
	done, err := s.open()
	if err != nil {
		return nil, err
	}
	defer done()
	list := s.transitions[min(int(sequence), len(s.transitions)):]
	return slices.Clone(list[:min(limit, len(list))]), nil
}

func (s *shelf) HealthSequence(context.Context) (int64, error) {
	done, err := s.open()
	if err != nil {
		return 0, err
	}
	defer done()
	return int64(len(s.transitions)), nil
}

func (s *shelf) FollowHealth(ctx context.Context, notify func()) error {
	wake := make(chan struct{}, 1)
	s.mu.Lock()
	s.followers[wake] = true
	s.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
			notify()
		}
	}
}

func (s *shelf) SaveHealth(_ context.Context, rows []engine.StoredHealth) error {
	done, err := s.open()
	if err != nil {
		return err
	}
	defer done()
	for _, n := range rows {
		r := s.rows[n.Subject]
		r.Subject, r.At = n.Subject, n.At
		if n.Measured != nil {
			m := *n.Measured
			m.Cells = nil
			r.Measured = &m
		}
		r.Check = cmp.Or(n.Check, r.Check)
		s.rows[n.Subject] = r
	}
	return nil
}

func (s *shelf) ListHealth(context.Context) (list []engine.StoredHealth, err error) {
	done, err := s.open()
	if err != nil {
		return nil, err
	}
	defer done()
	for _, r := range s.rows {
		list = append(list, r)
	}
	return list, nil
}

func (s *shelf) AddHealthCells(_ context.Context, cells []engine.StoredCell) error {
	done, err := s.open()
	if err != nil {
		return err
	}
	defer done()
	for _, c := range cells {
		if s.cells[c.Subject] == nil {
			s.cells[c.Subject] = map[time.Time]engine.HealthCell{}
		}
		sum := s.cells[c.Subject][c.At]
		sum.At, sum.Attempts, sum.Failures, sum.Fallbacks = c.At, sum.Attempts+c.Attempts, sum.Failures+c.Failures, sum.Fallbacks+c.Fallbacks
		sum.P95MS, sum.Worst = max(sum.P95MS, c.P95MS), c.Worst
		s.cells[c.Subject][c.At] = sum
	}
	return nil
}

func (s *shelf) ListHealthCells(_ context.Context, from time.Time) (list []engine.StoredCell, err error) {
	done, err := s.open()
	if err != nil {
		return nil, err
	}
	defer done()
	for subject, cells := range s.cells {
		for _, c := range cells {
			if !c.At.Before(from) {
				list = append(list, engine.StoredCell{Subject: subject, HealthCell: c})
			}
		}
	}
	slices.SortFunc(list, func(a, b engine.StoredCell) int { return a.At.Compare(b.At) })
	return list, nil
}

func (s *shelf) ListHealthTransitions(context.Context, string, string, int) ([]engine.StoredTransition, error) {
	done, err := s.open()
	if err != nil {
		return nil, err
	}
	defer done()
	list := slices.Clone(s.transitions)
	slices.Reverse(list)
	return list, nil
}

func (s *shelf) DropHealth(context.Context, time.Time, time.Time) error { return nil }

func (s *shelf) ListHealthControls(context.Context) (list []engine.HealthControl, err error) {
	done, err := s.open()
	if err != nil {
		return nil, err
	}
	defer done()
	for _, c := range s.controls {
		list = append(list, c)
	}
	return list, nil
}

func (s *shelf) PutHealthControl(ctx context.Context, c engine.HealthControl) error {
	done, err := s.open()
	if err != nil {
		return err
	}
	defer done()
	was := s.controls[c.Subject]
	c.SpentNanoUSD, c.SpentOn = was.SpentNanoUSD, was.SpentOn
	s.controls[c.Subject] = c
	if e := engine.AuditOf(ctx); e != nil {
		s.audited = append(s.audited, e.Action+" "+e.Object)
	}
	return nil
}

func (s *shelf) TakeHealthProbe(_ context.Context, h engine.HealthSubject, day string, n int64) (bool, error) {
	done, err := s.open()
	if err != nil {
		return false, err
	}
	defer done()
	c := s.controls[h]
	if c.SpentOn != day {
		c.SpentNanoUSD, c.SpentOn = 0, day
	}
	if n > 0 && (!c.PaidProbe || c.SpentNanoUSD+n > c.DailyCapNanoUSD) {
		return false, nil
	}
	c.SpentNanoUSD += n
	s.controls[h] = c
	return true, nil
}

func (s *shelf) TryJob(ctx context.Context, name string, job func(context.Context) error) (bool, error) {
	done, err := s.open()
	if err != nil {
		return false, err
	}
	if s.jobs[name] {
		done()
		return false, nil
	}
	s.jobs[name] = true
	done()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.jobs, name)
	}()
	return true, job(ctx)
}

func (s *shelf) AppendAudit(ctx context.Context) error {
	done, err := s.open()
	if err != nil {
		return err
	}
	defer done()
	s.audited = append(s.audited, engine.AuditOf(ctx).Action+" "+engine.AuditOf(ctx).Object)
	return nil
}

// asker answers probes as a test says.
type asker struct {
	mu    sync.Mutex
	list  func(ctx context.Context, r engine.ProbeRequest) engine.Probe // nil: a list of every model
	call  func(r engine.ProbeRequest) engine.Probe
	lists []string // "account/provider#credential" of each free probe
	calls []string // the same with the model of each paid one
	most  int64    // of Estimate
}

var listsAll = engine.Probe{Outcome: engine.HealthOutcome{Status: 200}, Models: []string{"gpt", "mini", "own"}}

func failing(status int) engine.Probe {
	return engine.Probe{Outcome: engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Status: status, Detail: "it fails"}}
}

func (a *asker) List(ctx context.Context, r engine.ProbeRequest) engine.Probe {
	a.mu.Lock()
	a.lists = append(a.lists, r.Provider.AccountID+"/"+r.Provider.ID+"#"+r.Credential)
	list := a.list
	a.mu.Unlock()
	if list == nil {
		return listsAll
	}
	return list(ctx, r)
}

func (a *asker) Call(_ context.Context, r engine.ProbeRequest) engine.Probe {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, r.Provider.AccountID+"/"+r.Provider.ID+"#"+r.Credential+" "+r.Model.UpstreamID)
	if a.call == nil {
		return engine.Probe{Outcome: engine.HealthOutcome{Status: 200}, CostNanoUSD: 10}
	}
	return a.call(r)
}

func (a *asker) Cheapest(p *engine.Provider) (engine.Model, bool) {
	return engine.Model{ID: "mini", ProviderID: p.ID, UpstreamID: "mini"}, true
}

func (a *asker) Estimate(*engine.Provider, engine.Model) (int64, bool) { return a.most, true }

// answer makes free probes answer so.
func (a *asker) answer(p engine.Probe) {
	a.answers(func(context.Context, engine.ProbeRequest) engine.Probe { return p })
}

func (a *asker) answers(list func(context.Context, engine.ProbeRequest) engine.Probe) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = list
}

// took returns the free probes since the last time.
func (a *asker) took() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.lists
	a.lists = nil
	return list
}

func (a *asker) paid() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

// theCatalogue has the operator's provider with two keys and two models, and one of an account.
func theCatalogue() *engine.Catalogue {
	keys := []engine.Credential{{ID: "key1", Version: 1, Weight: 1, Enabled: true}, {ID: "key2", Version: 1, Weight: 1, Enabled: true}}
	return engine.NewCatalogue([]engine.Model{
		{ID: "gpt-5", ProviderID: "openai", UpstreamID: "gpt", Enabled: true},
		{ID: "gpt-5-mini", ProviderID: "openai", UpstreamID: "mini", Enabled: true},
		{AccountID: "acme", ID: "house", ProviderID: "own", UpstreamID: "own", Enabled: true},
		{AccountID: "rival", ID: "rivals", ProviderID: "openai", UpstreamID: "rivals-own", Enabled: true},
	}, []engine.Provider{
		{ID: "openai", Enabled: true, Credentials: keys},
		{ID: "off", Credentials: keys},
		{AccountID: "acme", ID: "own", Enabled: true, Credentials: []engine.Credential{{ID: "secret", Version: 2, Weight: 1, Enabled: true}}},
	}, nil)
}

// watch is a monitor under test.
type watch struct {
	*health.Monitor
	asker   *asker
	notices *engine.NoticeFeed
	stop    func()
}

type option func(*health.MonitorConfig)

func quiet(c *health.MonitorConfig) { c.ProbeEvery = -1 }

// newWatch makes a monitor on the store and runs it until the test ends, or stop.
func newWatch(t *testing.T, store health.MonitorStore, options ...option) *watch {
	t.Helper()
	w := &watch{asker: &asker{most: 40}, notices: engine.NewNoticeFeed(nopLog)}
	catalogue := theCatalogue()
	cfg := health.MonitorConfig{
		Store: store, Catalogue: func() *engine.Catalogue { return catalogue }, Asker: w.asker, Notices: w.notices,
		HasCredential: func(p *engine.Provider) bool { return len(p.Credentials) > 0 },
	}
	for _, o := range options {
		o(&cfg)
	}
	var err error
	if w.Monitor, err = health.NewMonitor(cfg); err != nil {
		t.Fatal(err)
	}
	if err := w.Restore(t.Context()); err != nil {
		t.Fatalf("Restore() = %v, want nil", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	w.stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(w.stop)
	return w
}

// fail makes n attempts that fail, at the model with its first key.
func (w *watch) fail(n int) {
	for range n {
		target := gptWith1
		if pass, ok := w.Begin(&target, false); ok {
			pass.Done(engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: serverClass, Status: 500, Detail: "500 server: sad"})
		}
	}
}

// status is what routing sees of the model.
func (w *watch) status() engine.HealthState {
	target := engine.HealthTarget(gpt)
	return w.State(&target)
}

// events are the kinds and subjects of the notices, and those of them that go to webhooks.
func (w *watch) events() (shown, sent []string) {
	list, _, _ := w.notices.After(0)
	for _, n := range list {
		shown = append(shown, n.Kind+" "+n.Subject)
		if !n.NoWebhook {
			sent = append(sent, n.Kind+" "+n.Subject)
		}
	}
	return shown, sent
}
