package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// Config is what a Dispatcher works with. The first group is required.
type Config struct {
	Store     engine.WebhookStore
	Jobs      engine.JobLock // elects who drops old deliveries
	Notices   *engine.NoticeFeed
	Seal      Seal
	Addresses Addresses

	Roots   *x509.CertPool   // that receivers' certificates are of; nil: the system's
	Every   time.Duration    // between looks for what other processes left; default 2 s
	Timeout time.Duration    // of one try; default 10 s
	AtOnce  int              // tries of this process at the same time; default 64
	Grace   time.Duration    // for tries to end once it stops; default 3 s
	Now     func() time.Time // default time.Now
	Log     zerolog.Logger
}

const (
	takenFor  = time.Minute      // longer than any try: after that another process may send it
	storeTime = 5 * time.Second  // for the last writes of a process that stops
	firstWait = time.Second      // after the store failed, then twice as long each time
	lastWait  = 30 * time.Second //
	chunk     = 100              // deliveries stored in one transaction
)

// Dispatcher follows the notices of this process, stores their deliveries and sends what is
// due, also what other processes stored. Make one with New, and Run it once. Safe for
// concurrent use.
type Dispatcher struct {
	cfg    Config
	sender *sender
	wake   chan struct{} // 1 slot: something may be due

	mu      sync.Mutex
	sending int // tries that go on
	trying  int // test events that are under way
}

// New returns a dispatcher. Errors: a collaborator is missing.
func New(cfg Config) (*Dispatcher, error) {
	if cfg.Store == nil || cfg.Jobs == nil || cfg.Notices == nil || cfg.Seal == nil || cfg.Addresses.PublicHost == nil || cfg.Addresses.PublicAddress == nil {
		return nil, errors.New("webhook: store, jobs, notices, seal and addresses are required")
	}
	orDefault(&cfg.Every, 2*time.Second)
	orDefault(&cfg.Timeout, tryTimeout)
	orDefault(&cfg.AtOnce, 64)
	orDefault(&cfg.Grace, 3*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Dispatcher{cfg: cfg, sender: newSender(cfg.Addresses, cfg.Seal, cfg.Roots, cfg.Timeout), wake: make(chan struct{}, 1)}, nil
}

func orDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Run works until ctx ends. Notices that were published before are still stored, and tries
// that go on may end within the grace.
func (d *Dispatcher) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { engine.Keep(ctx, d.cfg.Log, "webhooks: notices", d.follow) })
	wg.Go(func() { engine.Keep(ctx, d.cfg.Log, "webhooks: deliveries", d.deliver) })
	wg.Go(func() { engine.Keep(ctx, d.cfg.Log, "webhooks: old deliveries", d.forget) })
	wg.Wait()
}

// Wake makes the dispatcher look for due deliveries now. It does not block.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // a look is still to come
	}
}

// deliver sends what is due until ctx ends, then waits for the tries that go on.
func (d *Dispatcher) deliver(ctx context.Context) {
	trying, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var tries sync.WaitGroup
	tick := time.NewTicker(d.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		d.deliverOnce(ctx, trying, &tries)
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-d.wake:
		}
	}
	late := time.AfterFunc(d.cfg.Grace, cut)
	defer late.Stop()
	tries.Wait()
}

// deliverOnce takes what is due and begins to send it, as far as there is room. It logs its
// own failure.
func (d *Dispatcher) deliverOnce(ctx, trying context.Context, tries *sync.WaitGroup) {
	room := d.room()
	if room <= 0 {
		return // the end of a try wakes
	}
	now := d.cfg.Now()
	due, err := d.cfg.Store.DueDeliveries(ctx, now, now.Add(takenFor), room)
	if err != nil || len(due) == 0 {
		d.failed(ctx, err, "webhook deliveries not read, will try again")
		return
	}
	hooks, err := d.cfg.Store.ListWebhooks(ctx)
	if err != nil {
		// They are sent when they are taken the next time.
		d.failed(ctx, err, "webhooks not read, will try again")
		return
	}
	type key struct{ account, id string }
	known := make(map[key]engine.Webhook, len(hooks))
	for _, w := range hooks {
		known[key{w.AccountID, w.ID}] = w
	}
	for _, delivery := range due {
		w, ok := known[key{delivery.AccountID, delivery.WebhookID}]
		if !ok {
			continue // deleted since, and the delivery with it
		}
		d.count(1)
		tries.Go(func() {
			defer d.Wake()
			defer d.count(-1)
			// One that breaks comes again when the time is over for which it was taken.
			_ = engine.Contain(d.cfg.Log, "webhook delivery", func() { d.try(trying, w, delivery) })
		})
	}
}

func (d *Dispatcher) room() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cfg.AtOnce - d.sending
}

func (d *Dispatcher) count(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sending += n
}

// try sends a delivery that was taken, and writes what came of it.
func (d *Dispatcher) try(ctx context.Context, w engine.Webhook, delivery engine.Delivery) {
	o := d.sender.send(ctx, w, delivery, d.cfg.Now())
	now := d.cfg.Now()
	delivery.Status, delivery.Error, delivery.NextAt, delivery.DoneAt = o.status, o.reason, time.Time{}, time.Time{}
	log := d.cfg.Log.With().Str("tenant_id", w.AccountID).Str("webhook", w.ID).Str("delivery", delivery.ID).Str("kind", delivery.Kind).Int("tries", delivery.Tries).Logger()
	more := false
	switch {
	case o.accepted():
		delivery.DoneAt = now
	case o.gone():
		delivery.Error += " The webhook was disabled."
		d.disable(context.WithoutCancel(ctx), w, log)
	case o.status == 0 && ctx.Err() != nil:
		delivery.NextAt, more = now, true
	default:
		if delivery.NextAt, more = nextTry(delivery.Tries, now, o.after); !more {
			// Not a notice: it would be a delivery to the same receiver.
			log.Warn().Int("status", o.status).Msg("webhook delivery given up")
		}
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if err := d.cfg.Store.SaveDelivery(saving, delivery); err != nil {
		// It comes again when the time is over for which it was taken.
		log.Error().Err(err).Msg("result of a webhook delivery not saved")
		return
	}
	log.Debug().Int("status", o.status).Bool("more", more).Msg("webhook delivery tried")
}

// disable switches a webhook off whose receiver is gone, unless somebody changed it meanwhile.
func (d *Dispatcher) disable(ctx context.Context, w engine.Webhook, log zerolog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	was := w.UpdatedAt
	w.Enabled, w.DisabledWhy, w.UpdatedAt = false, "The receiver answered 410 Gone.", after(was, d.cfg.Now())
	err := d.cfg.Store.UpdateWebhook(engine.Audited(ctx, w.UpdatedAt, w.AccountID, "webhook.disable", "webhook/"+w.ID, record(w)), w, was)
	if err != nil && !errors.Is(err, engine.ErrConflict) && !errors.Is(err, engine.ErrNotFound) {
		log.Error().Err(err).Msg("webhook whose receiver is gone not disabled")
		return
	}
	log.Warn().Msg("webhook disabled, its receiver is gone")
}

// failed logs an error that is not the stop's.
func (d *Dispatcher) failed(ctx context.Context, err error, message string) {
	if err != nil && ctx.Err() == nil {
		d.cfg.Log.Error().Err(err).Msg(message)
	}
}
