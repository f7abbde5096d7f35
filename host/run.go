package host

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pointsman/pointsman/host/cost"
)

// How long the steps of a stop may take.
const (
	shutdownGrace = 20 * time.Second // for open requests to end by themselves
	settleTimeout = 5 * time.Second  // for the rows of those that were cut off
	closeTimeout  = 5 * time.Second  // for guests that still run
)

// Run serves until ctx ends, then drains, settles and closes everything. Errors:
// what kept it from serving, or rows that could not be written. Requests that were
// cut off because they took too long are none.
func (h *Host) Run(ctx context.Context) error {
	// The ledger outlives the server: the last requests still settle.
	ledgerCtx, stopLedger := context.WithCancel(context.WithoutCancel(ctx))
	ledger := make(chan error, 1)
	go func() { ledger <- h.ledger.Run(ledgerCtx) }()
	budgets := make(chan struct{}) // closed when what is in hand is given back
	go func() {
		defer close(budgets)
		h.runBudgets(ledgerCtx)
	}()
	sessions := make(chan error, 1)
	go func() { sessions <- h.sessions.Run(ledgerCtx) }()
	decisions := make(chan error, 1)
	go func() { decisions <- h.decisions.Run(ledgerCtx) }()
	limits := make(chan error, 1) // they take back what the last requests did not use
	go func() { limits <- h.limits.Run(ledgerCtx) }()

	webhooks := make(chan struct{}) // what the last requests did is told too
	go func() {
		defer close(webhooks)
		h.webhooks.Run(ledgerCtx)
	}()

	stopHealth := h.runHealth(ctx)

	h.ready.Store(true)
	h.opts.Log.Info().Str("url", h.URL()).Msg("ready")
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.serve(gctx) })
	g.Go(func() error { return h.runTelemetry(gctx) })
	g.Go(func() error {
		err := h.store.Watch(gctx, h.changed)
		if gctx.Err() != nil {
			return nil
		}
		return err
	})
	g.Go(func() error {
		h.follow(gctx)
		return nil
	})
	g.Go(func() error {
		h.health.Run(gctx)
		return nil
	})
	g.Go(func() error {
		h.live.Run(gctx)
		return nil
	})
	g.Go(func() error {
		h.cleaner.Run(gctx)
		return nil
	})
	g.Go(func() error {
		h.rollouts.Run(gctx)
		return nil
	})
	g.Go(func() error {
		cost.Retention{Store: h.store, Lock: h.store, Now: h.opts.Now, Log: h.opts.Log}.Run(gctx)
		return nil
	})
	g.Go(func() error {
		h.retainDecisions(gctx)
		return nil
	})
	g.Go(func() error {
		h.retainIdempotency(gctx)
		return nil
	})
	g.Go(func() error {
		h.recounter().Run(gctx)
		return nil
	})
	g.Go(func() error {
		<-gctx.Done()
		h.ready.Store(false)
		return h.stopServer(context.WithoutCancel(gctx))
	})
	err := g.Wait()

	h.settle(context.WithoutCancel(ctx))
	stopHealth() // before those whom it tells
	stopLedger()
	<-budgets
	err = errors.Join(err, <-ledger, <-sessions, <-decisions, h.stopped(<-limits))
	<-webhooks
	h.close(context.WithoutCancel(ctx))
	return err
}

// stopped logs that limits could not be given back: they are free again when the leases end.
func (h *Host) stopped(err error) error {
	if err != nil {
		h.opts.Log.Warn().Err(err).Msg("rate limits were not given back")
	}
	return nil
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

// stopServer lets open requests end, then cuts off what is left.
func (h *Host) stopServer(ctx context.Context) error {
	drain, cancel := context.WithTimeout(ctx, h.grace)
	defer cancel()
	err := h.server.Shutdown(drain)
	// A stop that comes before Serve has begun finds nothing to close.
	_ = h.listener.Close()
	if drain.Err() != nil && errors.Is(err, drain.Err()) {
		h.opts.Log.Warn().Dur("grace", h.grace).Msg("requests that were still open have been cut off")
		return nil
	}
	return err
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
