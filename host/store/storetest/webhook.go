package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var webhookTests = []test{
	{"is kept as it is", webhookKept},
	{"is not overwritten unseen", webhookConflict},
	{"must be whole", webhookInvalid},
	{"goes with its deliveries", webhookDeleted},
}

func plainWebhook(account, id string) engine.Webhook {
	return engine.Webhook{
		AccountID: account, ID: id, Name: "pager", URL: "https://hooks.example.com/x", Events: []string{"budget.", "rule_suspended"},
		Sealed: []byte{1, 0, 255}, SealKey: "key-1", Version: 1, Enabled: true, CreatedAt: at(0), UpdatedAt: at(0),
	}
}

func webhookKept(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	full, bare, operators := plainWebhook("acme", "b"), plainWebhook("acme", "a"), plainWebhook("", "b")
	full.CreatedAt, full.UpdatedAt, full.PreviousUntil, full.DisabledWhy = finest(1), finest(2), finest(3), "410"
	bare.Events, bare.Name, bare.Enabled = nil, "", false
	for _, w := range []engine.Webhook{full, bare, operators} {
		must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), w))
	}
	full.CreatedAt, full.UpdatedAt, full.PreviousUntil = at(1), at(2), at(3)
	got, err := s.ListWebhooks(t.Context())
	must(t, "ListWebhooks()", err)
	wantEqual(t, "ListWebhooks()", got, []engine.Webhook{operators, bare, full})
	wantErr(t, "CreateWebhook() again", s.CreateWebhook(t.Context(), full), engine.ErrConflict)
	wantRevision(t, s, was, 3)
}

func webhookConflict(t *testing.T, d Database) {
	s := open(t, d)
	w := plainWebhook("acme", "a")
	must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), w))
	was := revision(t, s)
	next := w
	next.URL, next.Events, next.Sealed, next.SealKey, next.Version = "https://other.example.com", nil, []byte{2}, "key-2", 2
	next.Name, next.Enabled, next.DisabledWhy, next.PreviousUntil, next.UpdatedAt = "other", false, "why", at(9), at(5)
	wantErr(t, "UpdateWebhook() of what was not seen", s.UpdateWebhook(t.Context(), next, at(1)), engine.ErrConflict)
	must(t, "UpdateWebhook()", s.UpdateWebhook(t.Context(), next, at(0)))
	got, err := s.ListWebhooks(t.Context())
	must(t, "ListWebhooks()", err)
	wantEqual(t, "ListWebhooks()", got, []engine.Webhook{next})
	for _, key := range [][2]string{{"acme", "none"}, {"rival", "a"}, {"", "a"}} {
		n := next
		n.AccountID, n.ID = key[0], key[1]
		wantErr(t, "UpdateWebhook() of none", s.UpdateWebhook(t.Context(), n, time.Time{}), engine.ErrNotFound)
		wantErr(t, "DeleteWebhook() of none", s.DeleteWebhook(t.Context(), key[0], key[1]), engine.ErrNotFound)
	}
	wantRevision(t, s, was, 1)
}

func webhookInvalid(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	for _, c := range []struct {
		name, param string
		change      func(*engine.Webhook)
	}{
		{"no id", "id", func(w *engine.Webhook) { w.ID = "" }},
		{"no URL", "url", func(w *engine.Webhook) { w.URL = "" }},
		{"a long URL", "url", func(w *engine.Webhook) { w.URL = "https://" + strings.Repeat("a", engine.MaxWebhookURL) }},
		{"no secret", "secret", func(w *engine.Webhook) { w.Sealed = nil }},
		{"no version", "version", func(w *engine.Webhook) { w.Version = 0 }},
		{"NUL", "events", func(w *engine.Webhook) { w.Events = []string{"a\x00"} }},
		{"many events", "events", func(w *engine.Webhook) { w.Events = make([]string, engine.MaxWebhookEvents+1) }},
	} {
		w := plainWebhook("a", "b")
		c.change(&w)
		wantInvalid(t, c.name+": CreateWebhook()", s.CreateWebhook(t.Context(), w), c.param)
		wantInvalid(t, c.name+": UpdateWebhook()", s.UpdateWebhook(t.Context(), w, time.Time{}), c.param)
	}
	wantRevision(t, s, was, 0)
}

func webhookDeleted(t *testing.T, d Database) {
	s := open(t, d)
	for _, id := range []string{"a", "b"} {
		must(t, "CreateWebhook()", s.CreateWebhook(t.Context(), plainWebhook("acme", id)))
	}
	stays := plainDelivery("acme", "b", "d2", 0)
	add(t, s, 2, plainDelivery("acme", "a", "d1", 0), stays)
	must(t, "DeleteWebhook()", s.DeleteWebhook(t.Context(), "acme", "a"))
	got, err := s.ListDeliveries(t.Context(), "acme", "", 10)
	must(t, "ListDeliveries()", err)
	wantEqual(t, "ListDeliveries()", got, []engine.Delivery{stays})
}
