package host

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost"
)

// How long the steps of a stop may take.
const (
	shutdownDelay   = 5 * time.Second   // Shutdown.Delay
	shutdownTimeout = 120 * time.Second // Shutdown.Timeout
	shutdownGrace   = 3 * time.Second   // for those that are cut off to be told
	settleTimeout   = 5 * time.Second   // for the rows of those that were cut off
	closeTimeout    = 5 * time.Second   // for guests that still run
)

// ErrInterrupted, as the cause of the end of Run's context, is a stop by somebody who waits for it: it
// leaves Shutdown.Delay out.
var ErrInterrupted = errors.New("interrupted")

// Run serves until ctx ends, then drains, settles and closes everything. Errors:
// what kept it from serving, or rows that could not be written. Requests that were
// cut off because they took too long are none.
//
// See RATIONALE.md, "In which order does a process stop?".
func (h *Host) Run(ctx context.Context) error {
	stopSettling := h.runSettling(context.WithoutCancel(ctx))
	stopHealth := h.runHealth(ctx)

	h.ready.Store(true)
	h.opts.Log.Info().Str("url", h.URL()).Msg("ready")
	g, gctx := errgroup.WithContext(ctx)
	// What requests are served by goes on until the last one has ended.
	serving, served := context.WithCancel(context.WithoutCancel(ctx))
	defer served()
	g.Go(func() error { return h.serve(gctx) })
	if h.certificate != nil {
		g.Go(func() error {
			h.keep(serving, "certificate", h.certificate.run)
			return nil
		})
	}
	g.Go(func() error { return h.runTelemetry(serving) })
	g.Go(func() error {
		var err error
		h.keep(serving, "change feed", func(ctx context.Context) { err = h.store.Watch(ctx, h.changed) })
		if serving.Err() != nil {
			return nil
		}
		return err
	})
	for where, work := range map[string]func(context.Context){
		"reload": h.follow, "health of credentials": h.health.Run, "live totals": h.live.Run, "rollouts": h.rollouts.Run,
		"age of keys": h.confirm,
	} {
		g.Go(func() error {
			h.keep(serving, where, work)
			return nil
		})
	}
	// What one process of all does is another's at once.
	for where, work := range map[string]func(context.Context){
		"sessions' cleaner":        h.cleaner.Run,
		"retention of usage":       cost.Retention{Store: h.store, Lock: h.store, Now: h.opts.Now, Log: h.opts.Log}.Run,
		"retention of decisions":   h.retainDecisions,
		"retention of idempotency": h.retainIdempotency,
		"recount":                  h.recounter().Run,
	} {
		g.Go(func() error {
			h.keep(gctx, where, work)
			return nil
		})
	}
	g.Go(func() error {
		defer served()
		<-gctx.Done()
		return h.stopServer(ctx)
	})
	err := g.Wait()

	h.settle(context.WithoutCancel(ctx))
	stopHealth() // before those whom it tells
	err = errors.Join(err, stopSettling())
	h.close(context.WithoutCancel(ctx))
	return err
}

// runSettling starts what outlives the server, for the last requests still settle. What it returns
// stops it, and waits until everything is written and given back.
func (h *Host) runSettling(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var all, webhooks sync.WaitGroup
	errs := make(chan error, 3)
	run := func(where string, work func(context.Context) error) {
		all.Go(func() {
			var err error
			h.keep(ctx, where, func(ctx context.Context) { err = work(ctx) })
			errs <- err
		})
	}
	run("ledger", h.ledger.Run)
	run("sessions", h.sessions.Run)
	run("decisions", h.decisions.Run)
	// They take back what the last requests did not use.
	all.Go(func() { h.runBudgets(ctx) })
	all.Go(func() {
		h.keep(ctx, "rate limits", func(ctx context.Context) { h.stopped(h.limits.Run(ctx)) })
	})
	// What the last requests did is told too.
	webhooks.Go(func() { h.keep(ctx, "webhooks", h.webhooks.Run) })
	return func() error {
		cancel()
		all.Wait()
		webhooks.Wait()
		return errors.Join(<-errs, <-errs, <-errs)
	}
}

// keep runs work until it returns, through panics.
func (h *Host) keep(ctx context.Context, where string, work func(context.Context)) {
	engine.Keep(h.opts.Log.WithContext(ctx), h.opts.Log, where, work)
}

// stopped logs that limits could not be given back: they are free again when the leases end.
func (h *Host) stopped(err error) {
	if err != nil {
		h.opts.Log.Warn().Err(err).Msg("rate limits were not given back")
	}
}

// serve accepts connections until ctx ends.
func (h *Host) serve(ctx context.Context) error {
	err := h.server.Serve(h.listener)
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		err = errors.New("the server stopped by itself")
	}
	return err
}

// stopServer ends the server after its ctx has ended, or because serving failed: callers are sent
// elsewhere, open requests may end, and what is left then is cut off.
func (h *Host) stopServer(ctx context.Context) error {
	h.ready.Store(false)
	h.server.Leave()
	asked := ctx.Err() != nil && !errors.Is(context.Cause(ctx), ErrInterrupted)
	if asked && h.cfg.Shutdown.Delay > 0 {
		h.opts.Log.Info().Dur("delay", h.cfg.Shutdown.Delay).Msg("stopping: not ready any more, still serving for a while")
		h.wait(h.cfg.Shutdown.Delay)
	}
	h.opts.Log.Info().Dur("timeout", h.cfg.Shutdown.Timeout).Msg("stopping: open requests may end")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.cfg.Shutdown.Timeout)
	defer cancel()
	var hurry sync.WaitGroup
	defer hurry.Wait()
	hurry.Go(func() {
		select {
		case <-h.opts.Hurry:
			cancel()
		case <-drain.Done():
		}
	})
	defer cancel()
	err := h.server.Shutdown(drain)
	// A stop that comes before Serve has begun finds nothing to close.
	_ = h.listener.Close()
	if drain.Err() != nil && errors.Is(err, drain.Err()) {
		h.opts.Log.Warn().Msg("requests that were still open have been cut off")
		return nil
	}
	return err
}

// wait waits, unless the stop is to end now.
func (h *Host) wait(d time.Duration) {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-h.opts.Hurry:
	}
}

// settle waits for the rows of requests that the server's stop has cut off.
func (h *Host) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := h.pipeline.Drain(ctx); err != nil {
		h.opts.Log.Error().Err(err).Msg("requests did not end, their usage is not recorded")
	}
}

// Close releases everything of a host that was opened and never run.
func (h *Host) Close() { h.close(context.Background()) }

func (h *Host) close(ctx context.Context) {
	h.closeTelemetry(ctx)
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
		ctx, cancel := context.WithTimeout(ctx, closeTimeout)
		defer cancel()
		if err := h.library.Close(ctx); err != nil {
			h.opts.Log.Error().Err(err).Msg("plugins not closed")
		}
	}
	if h.ledger != nil {
		if err := h.ledger.Close(); err != nil {
			h.opts.Log.Error().Err(err).Msg("usage spool not closed")
		}
	}
	if h.store != nil {
		if err := h.store.Close(); err != nil {
			h.opts.Log.Error().Err(err).Msg("store not closed")
		}
	}
}
