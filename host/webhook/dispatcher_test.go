package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/webhook"
)

func TestNoticesGoToWhomTheyConcern(t *testing.T) {
	t.Parallel()
	p := newPost(t, openStore(t, sqliteURL(t)))
	all, budgets, off, rivals, operators := newReceiver(t, 200), newReceiver(t, 204), newReceiver(t, 200), newReceiver(t, 200), newReceiver(t, 200)
	hook, secret := p.hook(ann, "acme", all.URL+"/path?a=b")
	p.hook(ann, "acme", budgets.URL, "budget.")
	disabled, _ := p.hook(ann, "acme", off.URL)
	if _, err := p.ChangeWebhook(t.Context(), ann, "acme", disabled.ID, time.Time{}, func(w *engine.Webhook) { w.Enabled = false }); err != nil {
		t.Fatal(err)
	}
	p.hook(otto, "rival", rivals.URL)
	p.hook(root, "", operators.URL)
	p.run()
	p.notices.Publish(suspended("acme", "r1"))
	p.notices.Publish(engine.Notice{Kind: engine.NoticeBudgetThreshold, AccountID: "acme", Subject: "b1", At: start})
	p.notices.Publish(suspended("", "global"))
	for range 4 { // the first to all, the second to all and budgets, the third to the operator
		if d := p.result(); d.DoneAt.IsZero() || !d.NextAt.IsZero() || d.Tries != 1 || d.Error != "" {
			t.Errorf("delivery = %+v, want it done at the first try", d)
		}
	}
	for name, c := range map[string]struct {
		r    *receiver
		want []string
	}{"all": {all, []string{"b1", "r1"}}, "budgets": {budgets, []string{"b1"}}, "disabled": {off, nil}, "rival": {rivals, nil}, "operator": {operators, []string{"global"}}} {
		var subjects []string
		for _, g := range c.r.all() {
			var e struct{ Data struct{ Subject string } }
			if err := json.Unmarshal(g.body, &e); err != nil {
				t.Errorf("body %q: %v", g.body, err)
			}
			subjects = append(subjects, e.Data.Subject)
		}
		slices.Sort(subjects)
		if !slices.Equal(subjects, c.want) {
			t.Errorf("webhook %s got %v, want %v", name, subjects, c.want)
		}
	}
	for _, g := range all.all() {
		if err := verify(secret, g, start, 5*time.Minute); err != nil {
			t.Errorf("delivery is not signed: %v", err)
		}
		forged := g
		forged.body = append([]byte(" "), g.body...)
		if verify(secret, forged, start, 5*time.Minute) == nil {
			t.Error("another body has the same signature")
		}
		var e map[string]any
		_ = json.Unmarshal(g.body, &e)
		if e["id"] != g.header.Get("webhook-id") || e["type"] == "" || e["created_at"] != "2026-11-23T12:00:00Z" || len(e) != 4 || g.header.Get("Content-Type") != "application/json" {
			t.Errorf("delivery = %v %s", g.header, g.body)
		}
	}
	if n := len(p.deliveries(hook)); n != 2 {
		t.Errorf("the log has %d deliveries, want 2", n)
	}
}

func TestDeliveryIsTriedAgainAndGivenUp(t *testing.T) {
	t.Parallel()
	p := newPost(t, openStore(t, sqliteURL(t)))
	r := newReceiver(t, 500)
	hook, _ := p.hook(ann, "acme", r.URL)
	p.run()
	p.notices.Publish(suspended("acme", "r1"))
	ids := map[string]bool{}
	for try, wait := range []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour} {
		d := p.result()
		got := d.NextAt.Sub(p.clock())
		if d.Tries != try+1 || d.Status != 500 || got < wait*9/10-time.Millisecond || got > wait*11/10 || d.Error == "" {
			t.Fatalf("after try %d the delivery is %+v, next in %v, want in about %v", try+1, d, got, wait)
		}
		ids[d.ID] = true
		p.set(d.NextAt.Add(-2 * time.Millisecond)) // too early
		p.set(d.NextAt.Add(time.Millisecond))
	}
	d := p.result()
	if d.Tries != webhook.MaxTries || !d.NextAt.IsZero() || !d.DoneAt.IsZero() || !p.log.has("webhook delivery given up") {
		t.Errorf("after the last try the delivery is %+v, want it given up and logged", d)
	}
	if list, _, _ := p.notices.After(0); len(list) != 1 {
		t.Errorf("there are %d notices, want none of what was given up", len(list))
	}
	p.set(p.clock().Add(48 * time.Hour))
	r.answer(200)
	if err := p.RetryDelivery(t.Context(), ann, "acme", hook.ID, d.ID); err != nil {
		t.Fatalf("RetryDelivery() = %v, want nil", err)
	}
	if d := p.result(); d.DoneAt.IsZero() || d.Tries != webhook.MaxTries+1 {
		t.Errorf("after it was asked for again the delivery is %+v, want it done", d)
	}
	if came := r.all(); len(came) != webhook.MaxTries+1 || len(ids) != 1 {
		t.Errorf("the receiver got %d requests of %d deliveries, want %d of one", len(came), len(ids), webhook.MaxTries+1)
	}
	stamps := map[string]bool{}
	for _, g := range r.all() {
		stamps[g.header.Get("webhook-timestamp")] = true
	}
	if len(stamps) != len(r.all()) {
		t.Errorf("%d tries have %d timestamps, want one each, so that no receiver takes it for a replay", len(r.all()), len(stamps))
	}
}

// A process that was killed between taking a delivery and sending it has said nothing.
func TestDeliveryOfAKilledProcessIsSentByAnother(t *testing.T) {
	t.Parallel()
	p := newPost(t, openStore(t, sqliteURL(t)))
	r := newReceiver(t, 200)
	hook, _ := p.hook(ann, "acme", r.URL)
	d := engine.Delivery{AccountID: "acme", ID: "d1", WebhookID: hook.ID, Kind: "k", Payload: []byte("{}"), CreatedAt: start, NextAt: start}
	second := d
	second.ID, second.NextAt = "d2", start.Add(time.Second)
	if _, err := p.AddDeliveries(t.Context(), []engine.Delivery{d, second}); err != nil {
		t.Fatal(err)
	}
	taken, err := p.DueDeliveries(t.Context(), start, start.Add(time.Minute), 1)
	if err != nil || len(taken) != 1 {
		t.Fatalf("DueDeliveries() = %v, %v, want one", taken, err)
	}
	p.run()
	p.set(start.Add(time.Second))
	if got := p.result(); got.ID != "d2" {
		t.Errorf("%s was sent, want only d2 while d1 is taken", got.ID)
	}
	p.set(start.Add(time.Minute))
	if got := p.result(); got.ID != "d1" || got.Tries != 2 || got.DoneAt.IsZero() {
		t.Errorf("delivery = %+v, want d1 at its second try", got)
	}
	if n := len(r.all()); n != 2 {
		t.Errorf("the receiver got %d requests, want 2", n)
	}
}

// What was published before a stop is sent after the next start.
func TestDeliveriesSurviveARestart(t *testing.T) {
	t.Parallel()
	url := sqliteURL(t)
	s := openStore(t, url)
	p := newPost(t, s)
	r := newReceiver(t, 503)
	p.hook(ann, "acme", r.URL)
	stop := p.run()
	p.notices.Publish(suspended("acme", "r1"))
	first := p.result()
	p.notices.Publish(suspended("acme", "r2"))
	stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r.answer(200)
	p = newPost(t, openStore(t, url))
	p.set(start.Add(time.Hour))
	p.run()
	ids := []string{p.result().ID, p.result().ID}
	if !slices.Contains(ids, first.ID) || ids[0] == ids[1] {
		t.Errorf("after the restart %v were sent, want %s and the second notice's", ids, first.ID)
	}
}

// Two gateways on one Postgres, each with notices of its own and all deliveries in common.
func TestTwoProcessesSendEachDeliveryOnce(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	one, two := newPost(t, openStore(t, url)), newPost(t, openStore(t, url))
	r := newReceiver(t, 200)
	hooks := map[string]bool{}
	for range 5 {
		w, _ := one.hook(ann, "acme", r.URL)
		hooks[w.ID] = true
	}
	one.run()
	two.run()
	const each = 10
	for n := range each {
		one.notices.Publish(suspended("acme", fmt.Sprintf("one-%d", n)))
		two.notices.Publish(suspended("acme", fmt.Sprintf("two-%d", n)))
	}
	shares := map[*post]int{}
	for range 2 * each * len(hooks) {
		select {
		case <-one.saved:
			shares[one]++
		case <-two.saved:
			shares[two]++
		case <-time.After(time.Minute):
			t.Fatalf("%d of %d deliveries were sent", shares[one]+shares[two], 2*each*len(hooks))
		}
	}
	seen := map[string]int{}
	for _, g := range r.all() {
		seen[g.header.Get("webhook-id")]++
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("delivery %s was sent %d times, want once", id, n)
		}
	}
	if len(seen) != 2*each*len(hooks) {
		t.Errorf("%d deliveries were sent, want %d", len(seen), 2*each*len(hooks))
	}
	t.Logf("one sent %d, the other %d", shares[one], shares[two])
}

// A receiver that never answers holds up its own deliveries and nobody else's.
func TestADeadReceiverDelaysNobody(t *testing.T) {
	t.Parallel()
	p := newPost(t, openStore(t, sqliteURL(t)), func(c *webhook.Config) { c.Timeout = time.Hour })
	release, hung := make(chan struct{}), make(chan struct{}, 100)
	dead := serve(t, func(http.ResponseWriter, *http.Request) {
		hung <- struct{}{}
		<-release
	})
	t.Cleanup(func() { close(release) }) // before the server is closed
	alive := newReceiver(t, 200)
	p.hook(ann, "acme", dead.URL)
	p.hook(ann, "acme", alive.URL)
	p.run()
	const notices = 20
	for n := range notices {
		p.notices.Publish(suspended("acme", fmt.Sprint(n)))
	}
	for range notices {
		if d := p.result(); d.Status != 200 {
			t.Errorf("delivery = %+v, want only those of the receiver that answers", d)
		}
	}
	if n := len(hung); n > engine.DeliveriesAtOnce {
		t.Errorf("%d tries hang at the dead receiver, want at most %d", n, engine.DeliveriesAtOnce)
	}
}

func TestGoneReceiverIsDisabled(t *testing.T) {
	t.Parallel()
	p := newPost(t, openStore(t, sqliteURL(t)))
	r := newReceiver(t, http.StatusGone)
	hook, secret := p.hook(ann, "acme", r.URL)
	p.run()
	p.notices.Publish(suspended("acme", "r1"))
	if d := p.result(); !d.NextAt.IsZero() || !d.DoneAt.IsZero() || d.Status != 410 {
		t.Errorf("delivery = %+v, want it given up", d)
	}
	w, err := p.GetWebhook(t.Context(), ann, "acme", hook.ID)
	if err != nil || w.Enabled || w.DisabledWhy == "" {
		t.Errorf("GetWebhook() = %+v, %v, want it disabled with a reason", w, err)
	}
	entries, err := p.ReadAudit(t.Context(), "acme", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	last := entries[len(entries)-1]
	if last.Action != "webhook.disable" || last.Object != "webhook/"+hook.ID || last.ActorUser != "" {
		t.Errorf("the audit log ends with %s of %s by %q, want webhook.disable by the gateway", last.Action, last.Object, last.ActorUser)
	}
	for _, e := range entries {
		if text := string(e.Canonical()); strings.Contains(text, secret) || strings.Contains(text, secret[6:]) {
			t.Errorf("the audit log tells the secret: %s", text)
		}
	}
	w, err = p.ChangeWebhook(t.Context(), ann, "acme", hook.ID, time.Time{}, func(w *engine.Webhook) { w.Enabled = true })
	if err != nil || !w.Enabled || w.DisabledWhy != "" {
		t.Errorf("ChangeWebhook() = %+v, %v, want it enabled", w, err)
	}
}
