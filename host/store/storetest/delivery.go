package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var deliveryTests = []test{
	{"is kept as it is", deliveryKept},
	{"is taken once until a time", deliveryTaken},
	{"leaves room for other webhooks", deliveryFair},
	{"waits while its webhook is disabled", deliveryDisabled},
	{"is saved by who took it last", deliverySaved},
	{"is sent again when somebody asks", deliveryRetried},
	{"is refused beyond a webhook's bound", deliveryBound},
	{"is dropped with age", deliveryDropped},
}

var sharedDeliveryTests = []test{
	{"is taken by one process", deliveryTakenOnce},
}

// plainDelivery is one that was made at, and is due at, that time.
func plainDelivery(account, webhook, id string, ms int64) engine.Delivery {
	return engine.Delivery{
		AccountID: account, ID: id, WebhookID: webhook, Kind: "rule_suspended", Payload: []byte(`{"id": "<x>"}`), CreatedAt: at(ms), NextAt: at(ms),
	}
}

func add(t *testing.T, s engine.Store, want int64, list ...engine.Delivery) {
	t.Helper()
	added, err := s.AddDeliveries(t.Context(), list)
	must(t, "AddDeliveries()", err)
	if added != want {
		t.Fatalf("AddDeliveries() = %d, want %d", added, want)
	}
}

// take takes deliveries at a time and returns their ids.
func take(t *testing.T, s engine.Store, now, until int64, limit int) (list []engine.Delivery, ids string) {
	t.Helper()
	list, err := s.DueDeliveries(t.Context(), at(now), at(until), limit)
	must(t, "DueDeliveries()", err)
	for _, d := range list {
		ids += " " + d.ID
	}
	return list, strings.TrimSpace(ids)
}

func deliveryKept(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	for _, account := range []string{"acme", "rival", ""} {
		must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), plainWebhook(account, "a")))
	}
	must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), plainWebhook("acme", "b")))
	one, two, three := plainDelivery("acme", "a", "1", 1), plainDelivery("acme", "a", "2", 2), plainDelivery("acme", "b", "3", 3)
	one.NextAt, one.DoneAt, one.Tries, one.Status, one.Error = time.Time{}, at(8), 3, 204, "no"
	two.CreatedAt, two.NextAt = finest(2), finest(4)
	add(t, s, 5, one, two, three, plainDelivery("rival", "a", "1", 1), plainDelivery("", "a", "1", 1))
	again := one
	again.Kind = "another"
	add(t, s, 0, again, plainDelivery("acme", "none", "9", 1), plainDelivery("none", "a", "9", 1))
	two.CreatedAt, two.NextAt = at(2), at(4)
	for _, c := range []struct {
		account, webhook string
		limit            int
		want             []engine.Delivery
	}{
		{"acme", "a", 10, []engine.Delivery{two, one}},
		{"acme", "", 10, []engine.Delivery{three, two, one}},
		{"acme", "", 1, []engine.Delivery{three}},
		{"acme", "none", 10, nil},
		{"", "a", 10, []engine.Delivery{plainDelivery("", "a", "1", 1)}},
	} {
		got, err := s.ListDeliveries(t.Context(), c.account, c.webhook, c.limit)
		must(t, "ListDeliveries()", err)
		wantEqual(t, fmt.Sprintf("ListDeliveries(%q, %q, %d)", c.account, c.webhook, c.limit), got, c.want)
	}
	huge, empty := plainDelivery("acme", "a", "5", 1), plainDelivery("acme", "a", "6", 1)
	huge.Payload, empty.Payload = []byte(`"`+strings.Repeat("x", engine.MaxDeliverySize)+`"`), nil
	for _, bad := range []engine.Delivery{huge, empty} {
		_, err := s.AddDeliveries(t.Context(), []engine.Delivery{bad})
		wantInvalid(t, "AddDeliveries()", err, "payload")
	}
	wantRevision(t, s, was, 4)
}

func deliveryTaken(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), plainWebhook("acme", "a")))
	one := plainDelivery("acme", "a", "1", 10)
	add(t, s, 1, one)
	if _, ids := take(t, s, 9, 100, 5); ids != "" {
		t.Errorf("before its time DueDeliveries() = %s, want none", ids)
	}
	one.Tries, one.TakenTill = 1, at(100)
	got, _ := take(t, s, 10, 100, 5)
	wantEqual(t, "DueDeliveries()", got, []engine.Delivery{one})
	if _, ids := take(t, s, 99, 200, 5); ids != "" {
		t.Errorf("while it is taken DueDeliveries() = %s, want none", ids)
	}
	// Whoever took it is gone.
	one.Tries, one.TakenTill = 2, at(200)
	got, _ = take(t, s, 100, 200, 5)
	wantEqual(t, "DueDeliveries() after the time", got, []engine.Delivery{one})
}

func deliveryFair(t *testing.T, d Database) {
	s := open(t, d)
	var list []engine.Delivery
	for _, webhook := range []string{"a", "b"} {
		must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), plainWebhook("acme", webhook)))
	}
	for n := range int64(5) {
		list = append(list, plainDelivery("acme", "a", fmt.Sprintf("a%d", n), n))
	}
	list = append(list, plainDelivery("acme", "b", "b0", 6))
	add(t, s, 6, list...)
	if _, ids := take(t, s, 10, 100, 2); ids != "a0 b0" {
		t.Errorf("DueDeliveries(2) = %s, want the first of each webhook, a0 b0", ids)
	}
	taken, ids := take(t, s, 10, 100, 10)
	if ids != "a1" {
		t.Errorf("DueDeliveries(10) = %s, want a1, as a may have two at once", ids)
	}
	if _, ids := take(t, s, 10, 100, 10); ids != "" {
		t.Errorf("DueDeliveries(10) = %s, want none while two are under way", ids)
	}
	taken[0].NextAt, taken[0].DoneAt = time.Time{}, at(11)
	must(t, "SaveDelivery()", s.SaveDelivery(t.Context(), taken[0]))
	if _, ids := take(t, s, 12, 100, 10); ids != "a2" {
		t.Errorf("after one was done DueDeliveries(10) = %s, want a2", ids)
	}
	if _, ids := take(t, s, 100, 200, 10); ids != "a0 a2 b0" {
		t.Errorf("when nobody has said what became of them DueDeliveries(10) = %s, want a0 a2 b0", ids)
	}
}

func deliveryDisabled(t *testing.T, d Database) {
	s := open(t, d)
	w := plainWebhook("acme", "a")
	must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), w))
	add(t, s, 1, plainDelivery("acme", "a", "1", 1))
	w.Enabled = false
	must(t, "UpdateWebhook()", s.UpdateWebhook(t.Context(), w, time.Time{}))
	if _, ids := take(t, s, 9, 100, 5); ids != "" {
		t.Errorf("DueDeliveries() = %s, want none of a disabled webhook", ids)
	}
	w.Enabled = true
	must(t, "UpdateWebhook()", s.UpdateWebhook(t.Context(), w, time.Time{}))
	if _, ids := take(t, s, 9, 100, 5); ids != "1" {
		t.Errorf("DueDeliveries() = %s, want 1", ids)
	}
}

func deliverySaved(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), plainWebhook("acme", "a")))
	add(t, s, 1, plainDelivery("acme", "a", "1", 1))
	slow, _ := take(t, s, 1, 10, 5)
	mine, _ := take(t, s, 10, 20, 5)
	late := slow[0]
	late.Status = 500
	wantErr(t, "SaveDelivery() by who was too slow", s.SaveDelivery(t.Context(), late), engine.ErrConflict)
	saved := mine[0]
	saved.Status, saved.Error, saved.NextAt = 503, "no", at(50)
	must(t, "SaveDelivery()", s.SaveDelivery(t.Context(), saved))
	saved.TakenTill = time.Time{}
	got, err := s.ListDeliveries(t.Context(), "acme", "a", 5)
	must(t, "ListDeliveries()", err)
	wantEqual(t, "ListDeliveries()", got, []engine.Delivery{saved})
	if _, ids := take(t, s, 49, 100, 5); ids != "" {
		t.Errorf("DueDeliveries() = %s, want none before the next try", ids)
	}
	if _, ids := take(t, s, 50, 100, 5); ids != "1" {
		t.Errorf("DueDeliveries() = %s, want 1", ids)
	}
}

func deliveryRetried(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), plainWebhook("acme", "a")))
	done := plainDelivery("acme", "a", "1", 1)
	done.NextAt, done.DoneAt, done.Tries = time.Time{}, at(2), 1
	add(t, s, 1, done)
	for _, key := range [][3]string{{"rival", "a", "1"}, {"acme", "b", "1"}, {"acme", "a", "2"}} {
		wantErr(t, fmt.Sprintf("RetryDelivery(%q)", key), s.RetryDelivery(t.Context(), key[0], key[1], key[2], at(5)), engine.ErrNotFound)
	}
	must(t, "RetryDelivery()", s.RetryDelivery(t.Context(), "acme", "a", "1", at(5)))
	done.NextAt, done.DoneAt, done.Tries, done.TakenTill = at(5), time.Time{}, 2, at(9)
	got, _ := take(t, s, 5, 9, 5)
	wantEqual(t, "DueDeliveries()", got, []engine.Delivery{done})
	// Asking while it is under way does not send it twice at once.
	must(t, "RetryDelivery()", s.RetryDelivery(t.Context(), "acme", "a", "1", at(6)))
	if _, ids := take(t, s, 8, 20, 5); ids != "" {
		t.Errorf("DueDeliveries() = %s, want none while it is taken", ids)
	}
}

func deliveryBound(t *testing.T, d Database) {
	s := open(t, d)
	for _, id := range []string{"a", "b"} {
		must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), plainWebhook("acme", id)))
	}
	list := make([]engine.Delivery, engine.MaxPending+5)
	for i := range list {
		list[i] = plainDelivery("acme", "a", fmt.Sprintf("%04d", i), 1)
	}
	add(t, s, engine.MaxPending, list...)
	add(t, s, 1, plainDelivery("acme", "a", "more", 1), plainDelivery("acme", "b", "other", 1))
	taken, _ := take(t, s, 1, 9, 1)
	taken[0].NextAt, taken[0].DoneAt = time.Time{}, at(2)
	must(t, "SaveDelivery()", s.SaveDelivery(t.Context(), taken[0]))
	add(t, s, 1, plainDelivery("acme", "a", "more", 1))
}

func deliveryDropped(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), plainWebhook("acme", "a")))
	young := plainDelivery("acme", "a", "2", 20)
	add(t, s, 2, plainDelivery("acme", "a", "1", 10), young)
	must(t, "DropDeliveries()", s.DropDeliveries(t.Context(), at(20)))
	got, err := s.ListDeliveries(t.Context(), "acme", "", 10)
	must(t, "ListDeliveries()", err)
	wantEqual(t, "ListDeliveries()", got, []engine.Delivery{young})
}

// deliveryTakenOnce has two processes take what is there, again and again.
func deliveryTakenOnce(t *testing.T, d Database) {
	one := open(t, d)
	stores := []engine.Store{one, open(t, d)}
	const webhooks, each = 10, 4
	var list []engine.Delivery
	for w := range webhooks {
		id := fmt.Sprintf("w%d", w)
		must(t, "CreateWebhook()", one.CreateWebhook(t.Context(), plainWebhook("acme", id)))
		for n := range each {
			list = append(list, plainDelivery("acme", id, fmt.Sprintf("%s-%d", id, n), int64(n)))
		}
	}
	add(t, one, webhooks*each, list...)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		seen = map[string]int{}
	)
	for i := range 4 {
		wg.Go(func() {
			s := stores[i%2]
			for {
				taken, err := s.DueDeliveries(t.Context(), at(100), at(200), 3)
				if err != nil {
					t.Errorf("DueDeliveries() = %v, want nil", err)
					return
				}
				mu.Lock()
				for _, d := range taken {
					seen[d.ID]++
				}
				all := len(seen)
				mu.Unlock()
				for _, d := range taken {
					d.NextAt, d.DoneAt = time.Time{}, at(101)
					if err := s.SaveDelivery(t.Context(), d); err != nil {
						t.Errorf("SaveDelivery(%s) = %v, want nil", d.ID, err)
					}
				}
				if all == webhooks*each || t.Failed() {
					return
				}
			}
		})
	}
	wg.Wait()
	for id, n := range seen {
		if n != 1 {
			t.Errorf("delivery %s was taken %d times, want once", id, n)
		}
	}
}
