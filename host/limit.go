package host

import (
	"context"
	"fmt"

	"github.com/pointsman/pointsman/host/ratelimit"
)

// What LimitsWithoutDatabase may be.
const (
	limitsRefuse = "refuse"
	limitsShare  = "share"
)

// openLimits makes the limiter: on the embedded store this process is the only one and
// writes its levels down, on Postgres replicas lease from the database.
func (h *Host) openLimits() error {
	cfg := ratelimit.Config{Logger: h.opts.Log}
	if h.cfg.embedded() {
		cfg.Levels = h.store
	} else {
		cfg.Leases = h.store
	}
	if h.cfg.LimitsWithoutDatabase == limitsShare {
		cfg.Absent = ratelimit.Share
	}
	var err error
	h.limits, err = ratelimit.New(cfg)
	return err
}

// reloadLimits puts the stored limits in force. The first time it also takes over what was
// used before this process began.
func (h *Host) reloadLimits(ctx context.Context) error {
	limits, err := h.store.ListLimits(ctx)
	if err != nil {
		return fmt.Errorf("reload limits: %w", err)
	}
	h.limits.Set(limits)
	if h.revision.Load() >= 0 {
		return nil
	}
	if err := h.limits.Restore(ctx); err != nil {
		return fmt.Errorf("read levels of limits: %w", err)
	}
	return nil
}
