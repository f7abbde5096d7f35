// Package host is the composition root: it reads the configuration, opens the
// store, the wasm runtime and the clients, builds the pipeline on them, serves
// the API, and stops everything in reverse. Every long-lived goroutine starts here.
//
// Read Open first, then reload in snapshot.go.
package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/rule"
	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/host/httpapi"
	"github.com/pointsman/pointsman/host/simulator"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/tenancy"
	"github.com/pointsman/pointsman/host/upstream"
)

// Options are what a process gives a Host besides its Config. The zero value is
// silent and uses the real clock.
type Options struct {
	Log    zerolog.Logger
	Banner io.Writer        // where the first-start text goes; nil: nowhere
	Now    func() time.Time // the clock of requests; nil: time.Now
	// CompiledDir holds compiled guests; empty: in the data folder. Hosts may share one.
	CompiledDir string
	// AfterCall sees a guest's whole memory after each call. For tests.
	AfterCall func(plugin string, memory []byte)
}

// Host is an opened gateway. Make one with Open, then call Run once.
type Host struct {
	cfg  Config
	opts Options

	store     engine.Store
	library   *wasm.Library
	router    *rule.Router
	keys      *tenancy.Keys
	upstream  *upstream.Client
	simulator *simulator.Simulator // nil when nothing is simulated
	providers providers
	pipeline  *engine.Pipeline
	ledger    *engine.UsageLedger
	server    *httpapi.Server
	listener  net.Listener

	catalogue  atomic.Pointer[engine.Catalogue]
	revision   atomic.Int64  // of the configuration in force
	reloading  chan struct{} // 1 slot: one reload at a time, without a lock held over queries
	firstParty []engine.PluginVersion
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
		return nil, err
	}
	h = &Host{cfg: cfg, opts: opts, reloading: make(chan struct{}, 1)}
	h.catalogue.Store(&engine.Catalogue{})
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
	if h.store, err = store.Open(ctx, cfg.databaseURL(), store.Options{}); err != nil {
		return h, fmt.Errorf("open store: %w", err)
	}
	if err = store.Seed(ctx, h.store, opts.Now()); err != nil {
		return h, fmt.Errorf("seed: %w", err)
	}
	// The address is taken before the first key is shown: a start that fails on it loses no secret.
	if h.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return h, fmt.Errorf("listen on %s: %w; set POINTSMAN_LISTEN to another address", cfg.Listen, err)
	}
	secret, err := h.openKeys(ctx)
	if err != nil {
		return h, err
	}
	if err = h.openUpstream(); err != nil {
		return h, err
	}
	h.banner(secret)
	if err = h.openEngine(ctx); err != nil {
		return h, err
	}
	if err = h.reload(ctx); err != nil {
		return h, err
	}
	if err = h.openServer(); err != nil {
		return h, err
	}
	h.announceSubstitutes()
	return h, nil
}

// openKeys derives the pepper and makes sure that a super admin exists. It
// returns the new key, or "" when there was one already.
func (h *Host) openKeys(ctx context.Context) (string, error) {
	key, err := encryptionKey(h.cfg)
	if err != nil {
		return "", err
	}
	pepper, err := derive(key, "key-hash")
	if err != nil {
		return "", err
	}
	h.keys = tenancy.NewKeys(h.store, pepper).WithClock(h.opts.Now)
	secret, err := h.keys.Bootstrap(ctx, h.cfg.AdminKey, h.opts.Now())
	if err != nil {
		return "", fmt.Errorf("make admin key: %w", err)
	}
	if h.cfg.AdminKey != "" {
		// The operator knows it; printing it would only leave it in a log.
		return "", nil
	}
	return secret, nil
}

func (h *Host) openUpstream() error {
	if h.cfg.Simulate || !h.cfg.Upstreams.configured() {
		h.simulator = simulator.New(simulator.Config{})
		if _, err := h.simulator.Start("127.0.0.1:0"); err != nil {
			return fmt.Errorf("start simulator: %w", err)
		}
	}
	h.providers = reach(h.cfg.Upstreams, h.simulator)
	h.upstream = upstream.New(upstream.Config{
		Credentials: h.providers.credentials, Keyless: h.providers.keyless,
		Simulated: h.providers.simulated, AllowPrivate: h.providers.allowPrivate,
	})
	return nil
}

func (h *Host) openEngine(ctx context.Context) error {
	compiled := h.opts.CompiledDir
	if compiled == "" {
		compiled = filepath.Join(h.cfg.DataDir, "compiled")
	}
	var err error
	h.library, err = wasm.Open(ctx, wasm.Config{
		CacheDir: compiled, AfterCall: h.opts.AfterCall, Logger: h.opts.Log,
	})
	if err != nil {
		return fmt.Errorf("open wasm runtime: %w", err)
	}
	h.router = rule.New(h.library, rule.Config{})
	h.ledger = engine.NewUsageLedger(h.store, 0, h.opts.Log)
	h.pipeline, err = engine.NewPipeline(engine.PipelineConfig{
		Decider: h.router, Adapters: h.library, Upstream: h.upstream, Ledger: h.ledger,
		Catalogue: h.catalogue.Load, DefaultModel: h.cfg.DefaultModel, DefaultFallback: h.cfg.DefaultBackup,
	})
	return err
}

// URL returns the API's base URL.
func (h *Host) URL() string { return "http://" + h.listener.Addr().String() }

// shutdownGrace is how long open requests may go on after the stop signal.
const shutdownGrace = 20 * time.Second

// Run serves until ctx ends, then drains, settles and closes everything.
func (h *Host) Run(ctx context.Context) error {
	// The ledger outlives the server: the last requests still settle.
	ledgerCtx, stopLedger := context.WithCancel(context.WithoutCancel(ctx))
	ledger := make(chan error, 1)
	go func() { ledger <- h.ledger.Run(ledgerCtx) }()

	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.server.Serve(h.listener) })
	g.Go(func() error {
		err := h.store.Watch(gctx, h.changed)
		if gctx.Err() != nil {
			return nil
		}
		return err
	})
	g.Go(func() error {
		<-gctx.Done()
		h.ready.Store(false)
		drain, cancel := context.WithTimeout(context.WithoutCancel(gctx), shutdownGrace)
		defer cancel()
		return h.server.Shutdown(drain)
	})
	h.ready.Store(true)
	h.opts.Log.Info().Str("url", h.URL()).Msg("ready")
	err := g.Wait()
	stopLedger()
	err = errors.Join(err, <-ledger)
	h.close(context.WithoutCancel(ctx))
	return err
}

// Close releases everything of a host that was opened and never run.
func (h *Host) Close() { h.close(context.Background()) }

func (h *Host) close(ctx context.Context) {
	if h.listener != nil {
		_ = h.listener.Close()
	}
	if h.upstream != nil {
		h.upstream.Close()
	}
	if h.simulator != nil {
		_ = h.simulator.Close()
	}
	if h.library != nil {
		_ = h.library.Close(ctx)
	}
	if h.store != nil {
		_ = h.store.Close()
	}
}
