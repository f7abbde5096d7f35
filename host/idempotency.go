package host

import (
	"cmp"
	"context"
	"time"

	"github.com/pointsman/pointsman/host/idempotency"
)

// openIdempotency makes what keeps the answers of requests with an Idempotency-Key.
func (h *Host) openIdempotency() (*idempotency.Service, error) {
	return idempotency.New(idempotency.Config{
		Store: h.store, Ledger: h.store, Seal: h.answers, Longest: cmp.Or(h.cfg.Timeouts.Total, 10*time.Minute),
		Now: h.opts.Now, Log: h.opts.Log,
	})
}

// retainIdempotency forgets keys whose day is over, until ctx ends.
func (h *Host) retainIdempotency(ctx context.Context) {
	idempotency.Retention{Store: h.store, Lock: h.store, Now: h.opts.Now, Log: h.opts.Log}.Run(ctx)
}
