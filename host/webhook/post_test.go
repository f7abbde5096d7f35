package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/tenancy"
	"github.com/pointsman/pointsman/host/upstream"
	"github.com/pointsman/pointsman/host/webhook"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Who asks.
var (
	root = engine.Principal{AccountID: "default", UserID: "root", Role: engine.RoleSuperAdmin}
	ann  = engine.Principal{AccountID: "acme", UserID: "ann", Role: engine.RoleAccountAdmin}
	otto = engine.Principal{AccountID: "rival", UserID: "otto", Role: engine.RoleAccountAdmin}
)

// post is a dispatcher and its service over a real store, with a clock that stands still.
type post struct {
	*webhook.Service
	kept
	t          *testing.T
	dispatcher *webhook.Dispatcher
	notices    *engine.NoticeFeed
	saved      chan engine.Delivery // each result that was written
	log        *logged

	mu  sync.Mutex
	now time.Time
}

// kept is the store, one level down: the service's methods come first.
type kept struct{ engine.Store }

// watched tells of results that were written.
type watched struct {
	engine.Store
	saved chan<- engine.Delivery
}

func (w watched) SaveDelivery(ctx context.Context, d engine.Delivery) error {
	err := w.Store.SaveDelivery(ctx, d)
	if err == nil {
		w.saved <- d
	}
	return err
}

// logged is what was logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), text)
}

func openStore(t *testing.T, url string) engine.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func sqliteURL(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "webhooks.db") }

// newPost makes a dispatcher that does not run yet.
func newPost(t *testing.T, s engine.Store, change ...func(*webhook.Config)) *post {
	t.Helper()
	p := &post{kept: kept{s}, t: t, saved: make(chan engine.Delivery, 10_000), log: &logged{}, now: start}
	p.notices = engine.NewNoticeFeed(zerolog.Nop())
	seal, err := tenancy.NewSeal(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	cfg := webhook.Config{
		Store: watched{s, p.saved}, Jobs: s, Notices: p.notices, Seal: seal, Now: p.clock, Every: 20 * time.Millisecond, Log: zerolog.New(p.log),
		Addresses: webhook.Addresses{PublicHost: upstream.PublicHost, PublicAddress: upstream.PublicAddress, Loopback: true},
	}
	for _, c := range change {
		c(&cfg)
	}
	if p.dispatcher, err = webhook.New(cfg); err != nil {
		t.Fatal(err)
	}
	p.Service = webhook.NewService(s, p.dispatcher)
	return p
}

func (p *post) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *post) set(now time.Time) {
	p.mu.Lock()
	p.now = now
	p.mu.Unlock()
	p.dispatcher.Wake()
}

// run runs the dispatcher until the test's end, or until what it returns is called.
func (p *post) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { p.dispatcher.Run(ctx) })
	stop = func() {
		cancel()
		wg.Wait()
	}
	p.t.Cleanup(stop)
	return stop
}

// result waits for the next result that is written.
func (p *post) result() engine.Delivery {
	p.t.Helper()
	select {
	case d := <-p.saved:
		return d
	case <-time.After(time.Minute):
		p.t.Fatal("nothing was sent within a minute")
		return engine.Delivery{}
	}
}

func (p *post) hook(by engine.Principal, account, url string, events ...string) (engine.Webhook, string) {
	p.t.Helper()
	if account != "" {
		err := p.CreateAccount(p.t.Context(), engine.Account{ID: account, Name: account, CreatedAt: start, UpdatedAt: start})
		if err != nil && !strings.Contains(err.Error(), engine.ErrConflict.Error()) {
			p.t.Fatal(err)
		}
	}
	w, secret, err := p.CreateWebhook(p.t.Context(), by, engine.Webhook{AccountID: account, Name: "n", URL: url, Events: events, Enabled: true})
	if err != nil {
		p.t.Fatalf("CreateWebhook(%s) = %v, want nil", url, err)
	}
	return w, secret
}

func (p *post) deliveries(w engine.Webhook) []engine.Delivery {
	p.t.Helper()
	list, err := p.ListDeliveries(p.t.Context(), root, w.AccountID, w.ID, 1000)
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

func suspended(account, subject string) engine.Notice {
	return engine.Notice{Kind: engine.NoticeRuleSuspended, AccountID: account, Subject: subject, Message: "Rule " + subject + " failed too often.", At: start}
}

// got is a request that came to a receiver.
type got struct {
	header http.Header
	body   []byte
}

// receiver answers deliveries and remembers them.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	came   []got
	status int
}

func newReceiver(t *testing.T, status int) *receiver {
	r := &receiver{status: status}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, rq *http.Request) {
		body, _ := io.ReadAll(rq.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.came = append(r.came, got{rq.Header.Clone(), body})
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) all() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]got(nil), r.came...)
}

// verify checks a delivery as a receiver does, by the text of Standard Webhooks and not by
// the code that signs: the secret's bytes are after the underscore, in base64; one of the
// signatures, which blanks separate, must be that of id, timestamp and body.
func verify(secret string, g got, now time.Time, tolerance time.Duration) error {
	id, stamp := g.header.Get("webhook-id"), g.header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return fmt.Errorf("webhook-id %q, webhook-timestamp %q", id, stamp)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age < -tolerance || age > tolerance {
		return fmt.Errorf("it is %v old", age)
	}
	key, err := base64.StdEncoding.DecodeString(secret[strings.IndexByte(secret, '_')+1:])
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, g.body)
	for _, part := range strings.Fields(g.header.Get("webhook-signature")) {
		version, text, _ := strings.Cut(part, ",")
		sum, err := base64.StdEncoding.DecodeString(text)
		if version == "v1" && err == nil && hmac.Equal(sum, mac.Sum(nil)) {
			return nil
		}
	}
	return fmt.Errorf("none of the signatures %q is right", g.header.Get("webhook-signature"))
}
