package health

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// MonitorStore is what a Monitor keeps things in, and elects the one that probes with.
type MonitorStore interface {
	engine.HealthFeed
	engine.HealthStore
	engine.HealthControlStore
	engine.JobLock
	AppendAudit(ctx context.Context) error // as engine.AuditStore has it
}

// Asker sends probes; an *engine.Prober is one.
type Asker interface {
	List(ctx context.Context, r engine.ProbeRequest) engine.Probe
	Call(ctx context.Context, r engine.ProbeRequest) engine.Probe
	Cheapest(p *engine.Provider) (engine.Model, bool)
	Estimate(p *engine.Provider, m engine.Model) (nanoUSD int64, ok bool)
}

// MonitorConfig is what a Monitor is made of. The first group is required.
type MonitorConfig struct {
	Store         MonitorStore
	Catalogue     func() *engine.Catalogue
	Asker         Asker
	HasCredential func(*engine.Provider) bool

	// Service is how the Service works; its Changed is the Monitor's.
	Service Config
	Notices *engine.NoticeFeed // nil: nobody is told
	// Alone: no other process has this store, so that nobody is followed.
	Alone bool
	// Reload puts stored controls in force here. Nil: the Monitor reads them itself.
	Reload func(context.Context) error
	// ProbeEvery is between two free probes of a provider; default 60 s. Negative: there are none.
	ProbeEvery time.Duration
	// Replica is an id that no other process has; default a new one.
	Replica string
	Now     func() time.Time
	// Manual: Run lets no time pass and sends no probe; whoever moves Now calls Step. For tests.
	Manual bool
	Log    zerolog.Logger
}

// Monitor is a Service with all that surrounds it: it keeps what is known, tells other
// processes and people of transitions, follows theirs, and probes. Make one with NewMonitor,
// call Restore, then Run. Safe for concurrent use.
type Monitor struct {
	*Service
	cfg MonitorConfig

	changes  changes  // of this process, on their way to the store
	controls controls // in force
	saved    saved    // what the store has of this process
	shared   sharedView
	prober   prober

	followed int64 // the last sequence that was adopted; only follow and Restore touch it
}

// NewMonitor returns a monitor that finds everything healthy. Errors: a collaborator is missing.
func NewMonitor(cfg MonitorConfig) (*Monitor, error) {
	if cfg.Store == nil || cfg.Catalogue == nil || cfg.Asker == nil || cfg.HasCredential == nil {
		return nil, errors.New("health: store, catalogue, asker and has-credential are required")
	}
	if cfg.Replica == "" {
		cfg.Replica = uuid.Must(uuid.NewV7()).String()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ProbeEvery == 0 {
		cfg.ProbeEvery = probeEvery
	}
	m := &Monitor{cfg: cfg}
	m.changes.wake = make(chan struct{}, 1)
	m.prober.init(m)
	service := cfg.Service
	service.Changed, service.Now = m.changed, cfg.Now
	m.Service = New(service)
	return m, nil
}

// Bounds of Run.
const (
	tickEvery  = time.Second
	saveEvery  = time.Minute
	storeTime  = 5 * time.Second // for one call of the store in passing, and for the last ones
	firstWait  = 250 * time.Millisecond
	lastWait   = 5 * time.Second
	chunk      = 100    // transitions in one transaction
	maxPending = 10_000 // transitions that wait for the store; then the oldest are given up
)

// Run works until ctx ends, and then stores what it has. It gives up nothing for a store that
// is away: what it knows goes on being true here.
func (m *Monitor) Run(ctx context.Context) {
	var wg sync.WaitGroup
	if !m.cfg.Manual {
		wg.Go(func() { engine.Keep(ctx, m.cfg.Log, "health: time", m.tick) })
	}
	wg.Go(func() { engine.Keep(ctx, m.cfg.Log, "health: transitions", m.tell) })
	wg.Go(func() { engine.Keep(ctx, m.cfg.Log, "health: counts", m.save) })
	if !m.cfg.Alone {
		wg.Go(func() { engine.Keep(ctx, m.cfg.Log, "health: other processes", m.follow) })
	}
	if m.cfg.ProbeEvery > 0 && !m.cfg.Manual {
		wg.Go(func() { engine.Keep(ctx, m.cfg.Log, "prober", m.prober.run) })
	}
	wg.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	m.tellOnce(last)
	m.saveOnce(last)
}

// tick lets time pass for the service, and keeps to what administrators decided.
func (m *Monitor) tick(ctx context.Context) {
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			m.Tick()
			m.enforce()
		}
	}
}

// Step does what Run does once a second: it sees what time has brought about, and makes the
// probes that are due, for which it waits. One at a time, and only with Manual.
func (m *Monitor) Step(ctx context.Context) {
	m.Tick()
	m.enforce()
	if m.cfg.ProbeEvery <= 0 {
		return
	}
	var wg sync.WaitGroup
	m.prober.begin(ctx, &wg, nil)
	wg.Wait()
}

// confirm waits before a probe is made again that failed.
func (m *Monitor) confirm(ctx context.Context) bool {
	return m.cfg.Manual && ctx.Err() == nil || pause(ctx, confirmAfter)
}

// pause waits, or reports that ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
