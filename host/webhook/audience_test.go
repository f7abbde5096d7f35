package webhook_test

import (
	"encoding/json"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// What is not meant for webhooks goes to none; what comes after it goes.
func TestNoticeThatIsNotForWebhooks(t *testing.T) {
	t.Parallel()
	p := newPost(t, openStore(t, sqliteURL(t)))
	r := newReceiver(t, 200)
	p.hook(ann, "acme", r.URL)
	p.run()
	p.notices.Publish(engine.Notice{Kind: engine.NoticeBudgetThreshold, AccountID: "acme", Subject: "for events", At: start, NoWebhook: true})
	p.notices.Publish(engine.Notice{Kind: engine.NoticeBudgetThreshold, AccountID: "acme", Subject: "for webhooks", At: start, NoEvent: true})
	p.result()
	got := r.all()
	if len(got) != 1 {
		t.Fatalf("%d deliveries, want 1", len(got))
	}
	var e struct{ Data struct{ Subject string } }
	if err := json.Unmarshal(got[0].body, &e); err != nil || e.Data.Subject != "for webhooks" {
		t.Errorf("delivered %s (%v), want the one for webhooks", got[0].body, err)
	}
}
