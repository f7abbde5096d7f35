// Package host is the composition root: it reads the configuration, opens the
// store, the wasm runtime and the clients, builds the pipeline on them, serves
// the API, and stops everything in reverse. Every long-lived goroutine starts here.
//
// Read Open first, then Run in run.go and reload in snapshot.go.
package host

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/rule"
	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/host/cost"
	"github.com/pointsman/pointsman/host/cost/budget"
	"github.com/pointsman/pointsman/host/decision"
	"github.com/pointsman/pointsman/host/health"
	"github.com/pointsman/pointsman/host/httpapi"
	"github.com/pointsman/pointsman/host/ratelimit"
	"github.com/pointsman/pointsman/host/rollout"
	"github.com/pointsman/pointsman/host/session"
	"github.com/pointsman/pointsman/host/simulator"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/tenancy"
	"github.com/pointsman/pointsman/host/upstream"
	"github.com/pointsman/pointsman/host/webhook"
)

// Options are what a process gives a Host besides its Config. The zero value is
// silent and uses the real clock.
type Options struct {
	Log    zerolog.Logger
	Banner io.Writer        // where the first-start text goes; nil: nowhere
	Now    func() time.Time // the clock of requests; nil: time.Now
	// CompiledDir holds compiled guests; empty: in the data folder. Hosts may share one; what
	// is there is then not authenticated, so that nobody else may write to it.
	CompiledDir string
	// Compiler is the command that compiles guests in a process of its own; see
	// [wasm.Config]. Empty: they are compiled in this one.
	Compiler []string
	// Thresholds are what health is judged by. For tests that let providers fail.
	Thresholds health.Thresholds
	// HealthClock is what health takes for the time, which then passes by its Step alone; nil: the
	// real one. For tests.
	HealthClock func() time.Time
	// PollEvery is how often Postgres is asked for changes that no notice told of; 0: 5 s. For
	// tests.
	PollEvery time.Duration
	// AfterCall sees a guest's whole memory after each call. For tests.
	AfterCall func(plugin string, memory []byte)
	// Hurry is closed when a stop that is under way should end now: nothing is waited for any more,
	// streams end with an error event, and what was used is still recorded. Nil: never.
	Hurry <-chan struct{}
	// Failpoint is called at named points of settlement (host/cost/spool). For tests that end
	// the process there.
	Failpoint func(point string)
}

// Host is an opened gateway. Make one with Open, then call Run once.
type Host struct {
	cfg  Config
	opts Options

	store     engine.Store
	library   *wasm.Library
	router    *rule.Router
	keys      *tenancy.Keys
	seal      *tenancy.Seal
	upstream  *upstream.Client
	simulator *simulator.Simulator // nil when nothing is simulated
	providers providers
	pipeline  *engine.Pipeline
	ledger    *cost.Ledger
	live      *cost.Live // today's totals
	budgets   *budget.Guard
	tokens    *budget.Guard // likewise, of tokens per day
	limits    *ratelimit.Limiter
	sessions  *session.Tracker
	decisions *decision.Log
	rollouts  *rollout.Watch   // sees decisions before they are kept
	cleaner   *session.Cleaner // of what sessions leave behind
	notices   *engine.NoticeFeed
	webhooks  *webhook.Dispatcher // of the notices
	cacheKey  []byte              // authenticates compiled guests
	cursorKey []byte              // seals where lists go on
	loginKey  []byte              // seals what browsers keep of a session
	answers   *tenancy.Seal       // of what idempotency keys keep
	health    *engine.CredentialHealth
	server    *httpapi.Server
	listener  net.Listener

	certificate *certificate // nil without TLS

	panics        panics          // that did not end the process
	healthService *health.Monitor // of providers, models and credentials
	telling       telling         // of all this, to machines

	catalogue  atomic.Pointer[engine.Catalogue]
	canaries   atomic.Pointer[[]rule.Rollout]  // that the router has
	vault      atomic.Pointer[vault]           // of the catalogue's credentials
	policies   atomic.Pointer[engine.Policies] // what tenants set, for callers
	revision   atomic.Int64                    // of the configuration in force; -1: none is
	reloading  chan struct{}                   // 1 slot: one reload at a time, without a lock held over queries
	mark       engine.Mark                     // of the configuration in force; for whoever has that slot
	stale      chan struct{}                   // 1 slot: the configuration may not be what is stored
	firstParty []engine.PluginVersion
	fresh      freshness // of the keys
	ready      atomic.Bool
}

// Open prepares everything up to the listening socket: migrations, seed, keys,
// guests, snapshot. What it opened is closed again when it fails.
func Open(ctx context.Context, cfg Config, opts Options) (h *Host, err error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Banner == nil {
		opts.Banner = io.Discard
	}
	if err := cfg.validate(); err != nil {
		return nil, configError{err}
	}
	h = &Host{cfg: cfg, reloading: make(chan struct{}, 1), stale: make(chan struct{}, 1)}
	opts.Log = opts.Log.Hook(&h.panics)
	h.opts = opts
	h.notices = engine.NewNoticeFeed(opts.Log)
	h.catalogue.Store(&engine.Catalogue{})
	h.vault.Store(&vault{})
	h.canaries.Store(&[]rule.Rollout{})
	h.revision.Store(-1)
	defer func() {
		if err != nil {
			h.close(context.WithoutCancel(ctx))
			h = nil
		}
	}()
	if h.firstParty, err = firstPartyPlugins(); err != nil {
		return h, err
	}
	if err = os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return h, fmt.Errorf("make data folder: %w", err)
	}
	h.store, err = awaitStore(ctx, opts.Log, func(ctx context.Context) (engine.Store, error) {
		return store.Open(ctx, cfg.databaseURL(), store.Options{Logger: opts.Log, PollEvery: opts.PollEvery})
	})
	if err != nil {
		return h, err
	}
	if err = store.Seed(ctx, h.store, opts.Now()); err != nil {
		return h, fmt.Errorf("seed: %w", err)
	}
	// The address is taken before the first key is shown: a start that fails on it loses no secret.
	if h.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return h, fmt.Errorf("listen on %s: %w; set POINTSMAN_LISTEN to another address", cfg.Listen, err)
	}
	if cfg.TLS.on() {
		if h.certificate, err = newCertificate(cfg.TLS, opts.Log, opts.Now); err != nil {
			return h, configError{err}
		}
	}
	if err = h.openTelemetry(ctx); err != nil {
		return h, err
	}
	if err = h.openUpstream(); err != nil {
		return h, err
	}
	secret, err := h.openKeys(ctx)
	if err == nil || secret != "" {
		// A key that was made is stored, and never made again: it is shown whatever comes next.
		h.banner(secret, h.simulated(ctx))
	}
	if err != nil {
		return h, err
	}
	h.openFreshness()
	if err = h.openEngine(ctx); err != nil {
		return h, err
	}
	if err = h.reload(ctx); err != nil {
		return h, err
	}
	if err = h.healthService.Restore(ctx); err != nil {
		return h, err
	}
	if err = h.openServer(); err != nil {
		return h, err
	}
	h.announceSubstitutes()
	return h, nil
}

// openKeys derives pepper and seal, and makes sure that a super admin exists. It
// returns the new key, or "" when there was one already; also with an error.
func (h *Host) openKeys(ctx context.Context) (string, error) {
	stored, err := h.store.ListKeys(ctx)
	if err != nil {
		return "", fmt.Errorf("read keys: %w", err)
	}
	sealed, err := h.store.ListCredentials(ctx)
	if err != nil {
		return "", fmt.Errorf("read credentials: %w", err)
	}
	key, err := encryptionKey(h.cfg, len(stored)+len(sealed) > 0)
	if err != nil {
		return "", err
	}
	if h.cacheKey, err = derive(key, "plugin-cache"); err != nil {
		return "", err
	}
	if h.cursorKey, err = derive(key, "cursor"); err != nil {
		return "", err
	}
	if h.loginKey, err = derive(key, "login"); err != nil {
		return "", err
	}
	peppers, err := deriveEach(key, h.cfg.previousKeys(), "key-hash")
	if err != nil {
		return "", err
	}
	h.keys = tenancy.NewKeys(h.store, peppers[0]).WithPrevious(peppers[1:]...).WithClock(h.opts.Now)
	seals, err := deriveEach(key, h.cfg.previousKeys(), "credential")
	if err != nil {
		return "", err
	}
	if h.seal, err = tenancy.NewSeal(seals[0], seals[1:]...); err != nil {
		return "", err
	}
	kept, err := deriveEach(key, h.cfg.previousKeys(), "idempotency")
	if err != nil {
		return "", err
	}
	if h.answers, err = tenancy.NewSeal(kept[0], kept[1:]...); err != nil {
		return "", err
	}
	secret, err := h.keys.Bootstrap(ctx, h.cfg.AdminKey, h.opts.Now())
	if err != nil {
		err = fmt.Errorf("make admin key: %w", err)
	}
	if h.cfg.AdminKey != "" {
		// The operator knows it; printing it would only leave it in a log.
		secret = ""
	}
	return secret, err
}

func (h *Host) openUpstream() error {
	if h.cfg.Simulate || !h.cfg.Upstreams.configured() {
		h.simulator = simulator.New(simulator.Config{})
		if _, err := h.simulator.Start("127.0.0.1:0"); err != nil {
			return fmt.Errorf("start simulator: %w", err)
		}
	}
	var err error
	if h.providers, err = reach(h.cfg.Upstreams, h.simulator); err != nil {
		return err
	}
	h.upstream = upstream.New(upstream.Config{
		Secret: h.secret, Simulated: h.providers.isSimulated, AllowPrivate: h.providers.allowPrivate,
		Connect: h.cfg.Timeouts.Connect, FirstByte: h.cfg.Timeouts.FirstByte, Answer: h.cfg.Timeouts.Answer,
		Idle: h.cfg.Timeouts.Idle, Total: h.cfg.Timeouts.Total,
	})
	return nil
}

func (h *Host) openEngine(ctx context.Context) error {
	compiled, key := h.opts.CompiledDir, []byte(nil)
	if compiled == "" {
		compiled, key = filepath.Join(h.cfg.DataDir, "compiled"), h.cacheKey
	}
	var err error
	h.library, err = wasm.Open(ctx, wasm.Config{
		CacheDir: compiled, CacheKey: key, Compiler: h.opts.Compiler,
		AfterCall: h.opts.AfterCall, Logger: h.opts.Log, OnSuspend: h.pluginSuspended, Meter: h.telling.metrics.Meter,
	})
	if err != nil {
		return fmt.Errorf("open wasm runtime: %w", err)
	}
	// The binary's own adapters must work, whatever is stored.
	if err := h.library.Sync(ctx, h.firstParty, h.module); err != nil {
		return fmt.Errorf("load the built-in adapters: %w", err)
	}
	h.router = rule.New(h.library, rule.Config{OnSuspend: h.ruleSuspended})
	h.newBudgets()
	h.live = cost.NewLive(cost.LiveConfig{
		Reports: h.store, Now: h.opts.Now, Log: h.opts.Log, Flush: func(ctx context.Context) error { return h.ledger.Flush(ctx) },
	})
	h.ledger, err = cost.Open(cost.Config{
		Budgets: h.budgets, Tokens: h.tokens,
		Dir: filepath.Join(h.cfg.DataDir, "spool"), Store: takingUsage{h.live.Store(h.store), &h.telling.waiting}, Log: h.opts.Log, Failpoint: h.opts.Failpoint,
		Settled: func(u *engine.Usage) {
			h.telling.waiting.settled()
			h.live.Settled(u)
		},
	})
	if err != nil {
		return err
	}
	if err = h.openLimits(); err != nil {
		return err
	}
	if err = h.openWebhooks(); err != nil {
		return err
	}
	h.decisions = h.newDecisions()
	h.rollouts = h.newRollouts()
	h.sessions = session.NewTracker(h.store, session.TrackerConfig{Log: h.opts.Log})
	h.cleaner = session.NewCleaner(h.store, h.store, session.CleanerConfig{Now: h.opts.Now, Log: h.opts.Log})
	h.health = engine.NewCredentialHealth(engine.CredentialConfig{
		Adapters: h.library, Upstream: h.upstream, Catalogue: h.catalogue.Load, Notices: h.notices,
	})
	if err = h.openHealth(); err != nil {
		return err
	}
	h.pipeline, err = engine.NewPipeline(engine.PipelineConfig{
		Decider: h.router, Adapters: h.library, Upstream: h.upstream, Ledger: h.ledger, Spending: h.ledger,
		Catalogue: h.catalogue.Load, Policies: h.policies.Load, DefaultModel: h.cfg.DefaultModel, DefaultFallback: h.cfg.DefaultBackup,
		Total: h.cfg.Timeouts.Total, Credentials: h.health, Sessions: h.sessions, Decisions: h.rollouts, Limits: h.limits, Health: h.healthService,
		Observer: h.observer(),
	})
	return err
}

// ruleSuspended tells of a rule that failed too often.
func (h *Host) ruleSuspended(accountID, ruleID string) {
	h.notices.Publish(engine.Notice{
		Kind: engine.NoticeRuleSuspended, AccountID: accountID, Subject: ruleID,
		Message: "Rule " + ruleID + " failed too often. It is passed over for a while, then tried again.",
	})
}

// pluginSuspended tells of a plugin version that gave way to the one before it.
func (h *Host) pluginSuspended(s engine.PluginSuspension) {
	h.notices.Publish(engine.Notice{
		Kind: engine.NoticePluginSuspended, AccountID: s.AccountID, Subject: s.Name + "@" + s.Version,
		Message: "Plugin " + s.Name + "@" + s.Version + " failed too often. " + s.LastGood + " serves in its place until " +
			s.Until.UTC().Format(time.RFC3339) + ", or until a version is activated.",
	})
}

// URL returns the API's base URL.
func (h *Host) URL() string {
	scheme := "http://"
	if h.certificate != nil {
		scheme = "https://"
	}
	return scheme + h.listener.Addr().String()
}
