package host

import (
	"context"
	"fmt"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

// openHealth makes what judges providers, models and credentials. Its clock is the real one,
// unless a test moves it: it measures how long things take.
func (h *Host) openHealth() (err error) {
	h.healthService, err = health.NewMonitor(health.MonitorConfig{
		Store: h.store, Catalogue: h.catalogue.Load, HasCredential: h.upstream.HasCredential, Notices: h.notices,
		Asker: engine.NewProber(engine.TrialConfig{
			Catalogue: h.catalogue.Load, Adapters: h.library, Upstream: h.upstream, Ledger: h.ledger, Now: h.opts.Now,
		}),
		Service: health.Config{Thresholds: h.opts.Thresholds},
		Alone:   h.cfg.embedded(), Reload: h.reload, ProbeEvery: h.cfg.ProbeInterval, Log: h.opts.Log,
		Now: h.opts.HealthClock, Manual: h.opts.HealthClock != nil,
	})
	return err
}

// reloadHealth puts in force what administrators decided of providers, models and credentials.
func (h *Host) reloadHealth(ctx context.Context) error {
	controls, err := h.store.ListHealthControls(ctx)
	if err != nil {
		return fmt.Errorf("reload health controls: %w", err)
	}
	h.healthService.SetControls(controls)
	return nil
}

// runHealth starts the health service. What it returns stops it, and waits until it has stored
// what it knows.
func (h *Host) runHealth(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.keep(ctx, "health", h.healthService.Run)
	}()
	return func() {
		cancel()
		<-done
	}
}
