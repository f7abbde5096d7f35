package idempotency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
	"github.com/pointsman/pointsman/host/tenancy"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// office is a service with what it works on; its clock stands still.
type office struct {
	*Service
	t      *testing.T
	store  *flaky
	ledger *ledger
	seal   *tenancy.Seal
	now    time.Time
}

// flaky is a store that fails when it is told to.
type flaky struct {
	engine.Store
	err   error
	batch int // of the last DropIdempotencyKeys
}

func (f *flaky) DropIdempotencyKeys(ctx context.Context, before time.Time, limit int) (int64, error) {
	f.batch = limit
	return f.Store.DropIdempotencyKeys(ctx, before, limit)
}

func (f *flaky) ClaimIdempotencyKey(ctx context.Context, k engine.IdempotencyKey, expired time.Time) (engine.IdempotencyKey, error) {
	if f.err != nil {
		return engine.IdempotencyKey{}, f.err
	}
	return f.Store.ClaimIdempotencyKey(ctx, k, expired)
}

func (f *flaky) RetakeIdempotencyKey(ctx context.Context, k engine.IdempotencyKey, was string) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.RetakeIdempotencyKey(ctx, k, was)
}

// ledger is what was sent.
type ledger struct {
	rows map[string]time.Time // by request
	err  error
}

func (l *ledger) ListUsage(_ context.Context, accountID, requestID string, _ int) ([]engine.Usage, error) {
	if at, ok := l.rows[requestID]; ok && accountID == "acme" {
		return []engine.Usage{{StartedAt: at}}, l.err
	}
	return nil, l.err
}

func open(t *testing.T, change ...func(*Config)) *office {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+migrated.SQLite(t, filepath.Join(t.TempDir(), "p.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	seal, err := tenancy.NewSeal(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateAccount(t.Context(), engine.Account{ID: "acme", Name: "acme", CreatedAt: start, UpdatedAt: start}); err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, store: &flaky{Store: s}, ledger: &ledger{rows: map[string]time.Time{}}, seal: seal, now: start}
	cfg := Config{Store: o.store, Ledger: o.ledger, Seal: seal, Longest: 10 * time.Minute, Now: func() time.Time { return o.now }}
	for _, f := range change {
		f(&cfg)
	}
	if o.Service, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return o
}

// ask claims key n for a request.
func (o *office) ask(n int, request string) (engine.IdempotencyKey, *engine.IdempotentAnswer, error) {
	return o.Claim(o.t.Context(), engine.IdempotentRequest{
		AccountID: "acme", RequestID: request, Received: o.now, Digest: bytes.Repeat([]byte{byte(n)}, 32), Fingerprint: bytes.Repeat([]byte{9}, 32),
	})
}

// claim is ask by the first.
func (o *office) claim(n int, request string) engine.IdempotencyKey {
	o.t.Helper()
	k, answer, err := o.ask(n, request)
	if err != nil || answer != nil {
		o.t.Fatalf("Claim(%d) = %v, %v, want a claim", n, answer, err)
	}
	return k
}

// want asks for what a repeat gets.
func (o *office) want(doing string, n int, want engine.Code) {
	o.t.Helper()
	_, answer, err := o.ask(n, "a repeat")
	if engine.CodeOf(err) != want || answer != nil {
		o.t.Errorf("Claim() %s = %v, %v, want %s", doing, answer, err, want)
	}
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func TestAnswerIsKept(t *testing.T) {
	t.Parallel()
	o := open(t)
	want := engine.IdempotentAnswer{
		RequestID: "first", Status: 200, Headers: []engine.Pair{{Name: "Content-Type", Value: "text/plain"}}, Body: []byte("a secret answer \x00\xff"),
	}
	o.must(o.Keep(t.Context(), o.claim(1, "first"), want))
	_, got, err := o.ask(1, "second")
	if err != nil || fmt.Sprintf("%+v", *got) != fmt.Sprintf("%+v", want) {
		t.Errorf("Claim() of a repeat = %+v, %v, want %+v", got, err, want)
	}
	stored, err := o.store.ClaimIdempotencyKey(t.Context(), engine.IdempotencyKey{
		AccountID: "acme", Digest: bytes.Repeat([]byte{1}, 32), Fingerprint: bytes.Repeat([]byte{9}, 32), ClaimID: "c", RequestID: "r", CreatedAt: start, LeaseUntil: start,
	}, start.Add(-time.Hour))
	if err != nil || bytes.Contains(stored.Sealed, []byte("secret")) || len(stored.Sealed) == 0 {
		t.Errorf("stored = %q, %v, want it encrypted", stored.Sealed, err)
	}
	// A row that was changed, or sealed with another key, gives nothing away.
	other, err := tenancy.NewSeal(bytes.Repeat([]byte{2}, 32))
	o.must(err)
	o.cfg.Seal = other
	o.want("with another encryption key", 1, engine.CodeIdempotencyLost)
}

func TestAnswerThatIsTooLarge(t *testing.T) {
	t.Parallel()
	o := open(t)
	for n, size := range []int{engine.MaxIdempotentAnswer - 100, engine.MaxIdempotentAnswer} {
		o.must(o.Keep(t.Context(), o.claim(n, "first"), engine.IdempotentAnswer{Status: 200, Body: make([]byte, size)}))
	}
	if _, got, err := o.ask(0, "a repeat"); err != nil || got == nil || len(got.Body) != engine.MaxIdempotentAnswer-100 {
		t.Errorf("Claim() of one that fits = %v, %v, want it", got, err)
	}
	o.want("of one that does not", 1, engine.CodeIdempotencyLost)
}

func TestClaimsEnd(t *testing.T) {
	t.Parallel()
	o := open(t)
	lost, free := o.claim(1, "first"), o.claim(2, "first")
	o.want("under way", 1, engine.CodeIdempotencyInProgress)
	o.must(o.Lose(t.Context(), lost))
	o.want("of a lost one", 1, engine.CodeIdempotencyLost)
	o.must(o.Release(t.Context(), free))
	o.claim(2, "second")
	o.want("of a new claim", 2, engine.CodeIdempotencyInProgress)
	if err := o.Release(t.Context(), free); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("Release() of a claim that another has now = %v, want %v", err, engine.ErrNotFound)
	}
}

// A process that died leaves a claim, and maybe rows of what it sent.
func TestClaimOfTheDead(t *testing.T) {
	t.Parallel()
	lease := 10*time.Minute + engine.IdempotencyMargin
	for _, tt := range []struct {
		name string
		sent time.Duration // after the claim; the ledger has that row. -1h: one of before, of the same id
		none bool
		err  error // of the ledger
		want engine.Code
	}{
		{name: "nothing was sent", none: true},
		{name: "only before", sent: -time.Hour},
		{name: "it was sent", want: engine.CodeIdempotencyLost},
		{name: "it was sent later", sent: time.Minute, want: engine.CodeIdempotencyLost},
		{name: "nobody knows", none: true, err: errors.New("down"), want: engine.CodeIdempotencyUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			dead := o.claim(1, "dead")
			if !tt.none {
				o.ledger.rows["dead"] = start.Add(tt.sent)
			}
			o.ledger.err = tt.err
			o.now = start.Add(lease - time.Second)
			o.want("within the lease", 1, engine.CodeIdempotencyInProgress)
			o.now = start.Add(lease)
			_, answer, err := o.ask(1, "next")
			if engine.CodeOf(err) != tt.want || answer != nil {
				t.Fatalf("Claim() after the lease = %v, %v, want %q", answer, err, tt.want)
			}
			if tt.want == "" {
				o.want("of the next one", 1, engine.CodeIdempotencyInProgress)
				if err := o.Keep(t.Context(), dead, engine.IdempotentAnswer{Status: 200}); !errors.Is(err, engine.ErrNotFound) {
					t.Errorf("Keep() of the dead = %v, want %v", err, engine.ErrNotFound)
				}
			}
		})
	}
}

func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.store.err = errors.New("down")
	o.want("without a store", 1, engine.CodeIdempotencyUnavailable)
	o.store.err = nil
	o.claim(1, "first")
	o.now = o.now.Add(time.Hour)
	_, _, err := o.ask(1, "second")
	if err != nil {
		t.Errorf("Claim() after the lease = %v, want nil", err)
	}
}

func TestAccountHasSoMany(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Config)
		fill   func(o *office)
	}{
		{"keys", func(c *Config) { c.MaxKeys = 2 }, func(o *office) {
			o.claim(1, "a")
			o.must(o.Keep(t.Context(), o.claim(2, "b"), engine.IdempotentAnswer{Status: 200}))
		}},
		{"bytes", func(c *Config) { c.MaxBytes = 1000 }, func(o *office) {
			o.claim(1, "a")
			o.must(o.Keep(t.Context(), o.claim(2, "b"), engine.IdempotentAnswer{Status: 200, Body: []byte(strings.Repeat("b", 1000))}))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := open(t, tt.change)
			tt.fill(o)
			for range 2 {
				o.want("when it is full", 3, engine.CodeIdempotencyFull)
			}
			if _, answer, err := o.ask(2, "a repeat"); err != nil || answer == nil {
				t.Errorf("Claim() of a repeat when it is full = %v, %v, want the answer", answer, err)
			}
			// Its rows go with their day, of which a tally hears within a minute.
			o.now = start.Add(engine.IdempotencyKept)
			o.must(Retention{Store: o.store, Now: func() time.Time { return o.now }}.drop(t.Context()))
			o.claim(3, "c")
		})
	}
}

// once is a lock that is free.
type once struct{ ran chan error }

func (l once) TryJob(ctx context.Context, _ string, job func(context.Context) error) (bool, error) {
	err := job(ctx)
	l.ran <- err
	return true, err
}

func TestRetention(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.must(o.Lose(t.Context(), o.claim(1, "old")))
	o.now = start.Add(time.Minute)
	o.must(o.Lose(t.Context(), o.claim(2, "new")))
	ctx, cancel := context.WithCancel(t.Context())
	lock, done := once{make(chan error)}, make(chan struct{})
	go func() {
		defer close(done)
		Retention{Store: o.store, Lock: lock, Now: func() time.Time { return start.Add(engine.IdempotencyKept) }}.Run(ctx)
	}()
	o.must(<-lock.ran)
	cancel()
	<-done
	if keys, _, err := o.store.CountIdempotencyKeys(t.Context(), "acme"); err != nil || keys != 1 {
		t.Errorf("%d keys are left, %v, want the new one", keys, err)
	}
	o.want("of the one that is left", 2, engine.CodeIdempotencyLost)
	if most := 64 << 20; o.store.batch*engine.MaxIdempotentAnswer > most {
		t.Errorf("%d rows are dropped at a time, which may be more than %d bytes", o.store.batch, most)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(engine.IdempotentAnswer{Status: 200, Headers: []engine.Pair{{Name: "A", Value: "b"}}, Body: []byte("body")}))
	f.Add([]byte{0, 0, 0, 9, '{', '}'})
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := decode(text)
		if err != nil {
			return
		}
		again, err := decode(encode(a))
		if err != nil || again.Status != a.Status || !bytes.Equal(again.Body, a.Body) || len(again.Headers) != len(a.Headers) {
			t.Errorf("decode(encode(%+v)) = %+v, %v", a, again, err)
		}
	})
}
