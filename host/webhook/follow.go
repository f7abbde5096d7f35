package webhook

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// follow stores deliveries of this process's notices until ctx ends, and then of those that
// were published before; for that it has storeTime.
func (d *Dispatcher) follow(ctx context.Context) {
	storing, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() {
		pause(storing, storeTime)
		cut()
	})()
	for seen := int64(0); ; {
		list, last, err := d.cfg.Notices.Wait(ctx, seen)
		if err != nil {
			if list, _, _ = d.cfg.Notices.After(seen); len(list) > 0 {
				d.keep(storing, list, seen)
			}
			return
		}
		d.keep(storing, list, seen)
		seen = last
	}
}

// keep stores deliveries of notices, however long the store is away, but for ctx's end.
func (d *Dispatcher) keep(ctx context.Context, list []engine.Notice, seen int64) {
	if missed := list[0].Sequence - seen - 1; missed > 0 {
		d.cfg.Log.Error().Int64("notices", missed).Msg("notices came faster than they could be stored, and go to no webhook")
	}
	made, ok := retry(ctx, d, "webhooks not read, will try again", func() ([]engine.Delivery, error) { return d.deliveries(ctx, list) })
	for ; ok && len(made) > 0; made = made[min(chunk, len(made)):] {
		part := made[:min(chunk, len(made))]
		var added int64
		added, ok = retry(ctx, d, "webhook deliveries not stored, will try again", func() (int64, error) {
			n, err := d.cfg.Store.AddDeliveries(ctx, part)
			if engine.CodeOf(err) == engine.CodeInvalid {
				d.cfg.Log.Error().Err(err).Msg("webhook deliveries that cannot be stored left out")
				return 0, nil
			}
			return n, err
		})
		if added < int64(len(part)) && ok {
			d.cfg.Log.Warn().Int64("deliveries", int64(len(part))-added).Msg("webhook deliveries left out: their webhook has too many that wait, or is gone")
		}
		d.Wake()
	}
}

// deliveries makes those of notices, with an id that stays through every attempt to store it.
func (d *Dispatcher) deliveries(ctx context.Context, list []engine.Notice) (made []engine.Delivery, err error) {
	hooks, err := d.cfg.Store.ListWebhooks(ctx)
	if err != nil {
		return nil, err
	}
	now := d.cfg.Now()
	for _, n := range list {
		for _, w := range hooks {
			if w.AccountID == n.AccountID && !n.NoWebhook && w.Takes(n.Kind) {
				made = append(made, deliveryOf(w, n, now))
			}
		}
	}
	return made, nil
}

// retry runs an attempt until it succeeds, ever more seldom, or ctx ends: then not ok.
func retry[T any](ctx context.Context, d *Dispatcher, message string, attempt func() (T, error)) (v T, ok bool) {
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		v, err := attempt()
		if err == nil {
			return v, true
		}
		if ctx.Err() == nil {
			d.cfg.Log.Error().Err(err).Msg(message)
		}
		if !pause(ctx, wait) {
			return v, false
		}
	}
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

// forgetEvery is the time between two runs of forget.
const forgetEvery = time.Hour

// forgetJob is what the processes that share a database know the job by.
const forgetJob = "webhook clean-up"

// forget drops old deliveries, at once and then every hour, until ctx ends. Of the processes
// that share a database one does so at a time.
func (d *Dispatcher) forget(ctx context.Context) {
	for {
		_, err := d.cfg.Jobs.TryJob(ctx, forgetJob, func(ctx context.Context) error {
			return d.cfg.Store.DropDeliveries(ctx, d.cfg.Now().Add(-engine.DeliveryRetention))
		})
		d.failed(ctx, err, "old webhook deliveries not dropped, will try again")
		if !pause(ctx, forgetEvery) {
			return
		}
	}
}
