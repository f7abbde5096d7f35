package health

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Pace of probes.
const (
	probeEvery   = time.Minute
	outEvery     = 5 * time.Second // while a provider or a model is out
	refusedQuick = 5 * time.Minute // for so long also while only a credential is out
	probeJitter  = 0.1             // share of the time between two
	firstSpread  = 10 * time.Second
	electEvery   = 5 * time.Second
	dropEvery    = time.Hour
)

// proberJob is what the processes that share a database know the job by.
const proberJob = "health-prober"

// How many probes are under way at most: the operator's providers do not wait for tenants'.
const (
	operatorSlots = 8
	tenantSlots   = 32
	accountSlots  = 2
)

// prober probes every provider now and then; of the processes that share a database one does
// at a time. What it remembers begins anew with each election.
type prober struct {
	m     *Monitor
	slots chan struct{} // probes that somebody asked for

	// known are the providers of a catalogue. Only probe touches them.
	catalogue *engine.Catalogue
	known     []*engine.Provider

	mu       sync.Mutex
	tasks    map[engine.HealthSubject]*task
	operator int            // under way
	tenants  int            //
	accounts map[string]int //
}

// task is the probing of one provider.
type task struct {
	due     time.Time
	running bool
	since   time.Time // anything of it is out; zero: nothing
	turn    int       // the first credential to probe next
	paid    map[engine.HealthSubject]time.Time
}

func (p *prober) init(m *Monitor) {
	p.m, p.slots = m, make(chan struct{}, operatorSlots)
	p.forget()
}

// run probes until ctx ends, whenever no other process does.
func (p *prober) run(ctx context.Context) {
	for {
		_, err := p.m.cfg.Store.TryJob(ctx, proberJob, func(ctx context.Context) error {
			p.probe(ctx)
			return nil
		})
		p.m.failed(ctx, err, "probes stopped, will try again")
		if !pause(ctx, jittered(electEvery)) {
			return
		}
	}
}

// probe probes until ctx ends, and waits for the probes under way.
func (p *prober) probe(ctx context.Context) {
	p.forget()
	var wg sync.WaitGroup
	defer wg.Wait()
	next := p.planned(ctx)
	dropped := time.Time{}
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	for ctx.Err() == nil {
		if now := p.m.cfg.Now(); now.Sub(dropped) >= dropEvery {
			dropped = now
			p.m.failed(ctx, p.m.cfg.Store.DropHealth(ctx, now.Add(-engine.HealthRetention), now.Add(-2*engine.HealthCells*engine.HealthCellLength)), "old health not dropped, will try again")
		}
		p.begin(ctx, &wg, next)
		select {
		case <-ctx.Done():
		case <-every.C:
		}
	}
}

// forget makes it begin anew.
func (p *prober) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks, p.accounts, p.operator, p.tenants = map[engine.HealthSubject]*task{}, map[string]int{}, 0, 0
}

// planned is when the process that probed before meant to probe each provider next.
func (p *prober) planned(ctx context.Context) map[engine.HealthSubject]time.Time {
	rows, err := p.m.cfg.Store.ListHealth(ctx)
	p.m.failed(ctx, err, "health not read, all is probed now")
	next := map[engine.HealthSubject]time.Time{}
	for _, r := range rows {
		if r.Check != nil && r.Subject.Kind() == engine.HealthOfProvider {
			next[r.Subject] = r.Check.NextAt
		}
	}
	return next
}

// begin begins the probes that are due, the longest due first, as far as there is room.
func (p *prober) begin(ctx context.Context, wg *sync.WaitGroup, next map[engine.HealthSubject]time.Time) {
	now := p.m.cfg.Now()
	out := map[engine.HealthSubject]bool{} // by provider; true: not only a credential
	for _, s := range p.m.Out() {
		out[s.Provider()] = out[s.Provider()] || s.Kind() != engine.HealthOfCredential
	}
	if c := p.m.cfg.Catalogue(); c != p.catalogue {
		p.catalogue, p.known = c, c.AllProviders()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	there := map[engine.HealthSubject]bool{}
	type due struct {
		provider *engine.Provider
		task     *task
		subject  engine.HealthSubject
	}
	var list []due
	for _, provider := range p.known {
		if !provider.Enabled || !p.m.cfg.HasCredential(provider) {
			continue
		}
		s := engine.HealthSubject{AccountID: provider.AccountID, ProviderID: provider.ID}
		there[s] = true
		t := p.tasks[s]
		if t == nil {
			t = &task{due: now.Add(rand.N(min(firstSpread, p.m.cfg.ProbeEvery))), turn: rand.IntN(64), paid: map[engine.HealthSubject]time.Time{}}
			if at := next[s]; at.After(now) && at.Sub(now) <= 2*p.m.cfg.ProbeEvery {
				t.due = at
			}
			p.tasks[s] = t
		}
		more, isOut := out[s]
		switch {
		case !isOut:
			t.since = time.Time{}
		case t.since.IsZero():
			t.since = now
		}
		if isOut && (more || now.Sub(t.since) < refusedQuick) {
			if soon := now.Add(min(outEvery, p.m.cfg.ProbeEvery)); !t.running && t.due.After(soon) {
				t.due = soon
			}
		}
		if !t.running && !now.Before(t.due) {
			list = append(list, due{provider, t, s})
		}
	}
	for s, t := range p.tasks {
		if !there[s] && !t.running {
			delete(p.tasks, s)
		}
	}
	slices.SortStableFunc(list, func(a, b due) int { return a.task.due.Compare(b.task.due) })
	for _, d := range list {
		account := d.provider.AccountID
		if account == "" && p.operator >= operatorSlots || account != "" && (p.tenants >= tenantSlots || p.accounts[account] >= accountSlots) {
			continue
		}
		p.take(account, 1)
		d.task.running = true
		d.task.turn++
		turn := d.task.turn
		wg.Go(func() {
			defer p.done(d.task, account)
			_ = engine.Contain(p.m.cfg.Log, "probe", func() { p.m.examine(ctx, d.provider, turn, d.task.paid) })
			if ctx.Err() == nil {
				_ = engine.Contain(p.m.cfg.Log, "plan of a probe", func() { p.plan(ctx, d.provider, d.task) })
			}
		})
	}
}

func (p *prober) take(account string, n int) {
	if account == "" {
		p.operator += n
		return
	}
	p.tenants += n
	if p.accounts[account] += n; p.accounts[account] == 0 {
		delete(p.accounts, account)
	}
}

func (p *prober) done(t *task, account string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.running = false
	p.take(account, -1)
}

// plan says when the provider is probed next.
func (p *prober) plan(ctx context.Context, provider *engine.Provider, t *task) {
	now := p.m.cfg.Now()
	wait := jittered(p.m.cfg.ProbeEvery)
	p.mu.Lock()
	if !t.since.IsZero() {
		if soon := jittered(outEvery); soon < wait && (p.m.outside(provider) || now.Sub(t.since) < refusedQuick) {
			wait = soon
		}
	}
	t.due = now.Add(wait)
	due := t.due
	p.mu.Unlock()
	p.m.announce(ctx, provider, due)
}

// outside reports whether the provider, or a model there, is out.
func (m *Monitor) outside(p *engine.Provider) bool {
	for _, s := range m.Out() {
		if s.AccountID == p.AccountID && s.ProviderID == p.ID && s.Kind() != engine.HealthOfCredential {
			return true
		}
	}
	return false
}

func jittered(d time.Duration) time.Duration {
	spread := time.Duration(probeJitter * float64(d))
	return d - spread + rand.N(2*spread+1)
}
