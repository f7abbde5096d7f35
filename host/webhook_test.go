package host

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestWebhooks has a whole gateway tell a receiver of what it did.
func TestWebhooks(t *testing.T) {
	type request struct {
		header http.Header
		body   string
	}
	came := make(chan request, 10)
	r := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, rq *http.Request) {
		body, _ := io.ReadAll(rq.Body)
		came <- request{rq.Header.Clone(), string(body)}
	}))
	defer r.Close()
	g := startGateway(t, func(c *Config, _ *Options) { c.WebhookLoopback = true })
	for _, url := range []string{"http://10.0.0.1/", "https://metadata.google.internal/", "http://hooks.example.com/", "ftp://127.0.0.1/"} {
		if a := g.do(http.MethodPost, "/api/v1/webhooks", map[string]any{"url": url}); a.Status != 400 || !strings.Contains(string(a.Body), "url") {
			t.Errorf("POST /api/v1/webhooks of %s = %d %s, want 400 of url", url, a.Status, a.Body)
		}
	}
	made := g.want(201, http.MethodPost, "/api/v1/webhooks", map[string]any{"url": r.URL, "name": "pager", "events": []string{"rule_suspended", "webhook."}})
	id, secret := made.field(t, "id"), made.field(t, "secret")
	path := "/api/v1/webhooks/" + id
	for _, read := range []string{path, "/api/v1/webhooks"} {
		if a := g.want(200, http.MethodGet, read, nil); strings.Contains(string(a.Body), "whsec_") || !strings.Contains(string(a.Body), id) {
			t.Errorf("GET %s = %s, want the webhook without its secret", read, a.Body)
		}
	}
	next := func() request {
		t.Helper()
		select {
		case got := <-came:
			return got
		case <-time.After(time.Minute):
			t.Fatal("nothing came within a minute")
			return request{}
		}
	}
	signedBy := func(got request, secret string) bool {
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		_, _ = io.WriteString(mac, got.header.Get("webhook-id")+"."+got.header.Get("webhook-timestamp")+"."+got.body)
		return strings.Contains(got.header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if a := g.want(200, http.MethodPost, path+"/test", nil); !strings.Contains(string(a.Body), `"ok":true`) {
		t.Errorf("POST %s/test = %s, want ok", path, a.Body)
	}
	if got := next(); !signedBy(got, secret) || !strings.Contains(got.body, `"type":"webhook.test"`) {
		t.Errorf("the test is %v %s, want it signed", got.header, got.body)
	}
	g.ruleSuspended("", "r1")
	told := next()
	if !signedBy(told, secret) || !strings.Contains(told.body, `"type":"rule_suspended"`) || !strings.Contains(told.body, `"subject":"r1"`) {
		t.Errorf("the event is %v %s, want the rule's suspension, signed", told.header, told.body)
	}
	rotated := g.want(200, http.MethodPost, path+"/rotate", map[string]any{"overlap_seconds": 3600}).field(t, "secret")
	deliveries := g.want(200, http.MethodGet, path+"/deliveries", nil)
	delivery := told.header.Get("webhook-id")
	if !strings.Contains(string(deliveries.Body), delivery) {
		t.Errorf("GET %s/deliveries = %s, want %s", path, deliveries.Body, delivery)
	}
	g.want(204, http.MethodPost, path+"/deliveries/"+delivery+"/retry", nil)
	again := next()
	if again.header.Get("webhook-id") != delivery || !signedBy(again, secret) || !signedBy(again, rotated) || secret == rotated {
		t.Errorf("sent again it is %v, want the same id, signed by the old secret and the new one", again.header)
	}
	g.want(200, http.MethodPost, path+"/rotate", map[string]any{"overlap_seconds": 0})
	g.want(200, http.MethodPost, path+"/test", nil)
	if got := next(); signedBy(got, secret) || signedBy(got, rotated) {
		t.Error("without an overlap an old secret still signs")
	}
	g.want(204, http.MethodDelete, path, nil)
	if a := g.do(http.MethodGet, path, nil); a.Status != 404 {
		t.Errorf("GET %s = %d after it was deleted, want 404", path, a.Status)
	}
	if list, err := g.store.ListDeliveries(t.Context(), "", id, 10); err != nil || len(list) > 0 {
		t.Errorf("ListDeliveries() = %v, %v after the webhook was deleted, want none", list, err)
	}
}
