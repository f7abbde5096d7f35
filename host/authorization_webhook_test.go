package host

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// nobody is a port of this machine where nobody listens.
const nobody = "http://127.0.0.1:9/"

// webhookRoutes are tried on webhooks whose receiver is not there.
func (w *world) webhookRoutes() map[string]permission {
	webhook := func(w *world, account string) map[string]any {
		return map[string]any{"name": w.next(account), "url": nobody, "enabled": false}
	}
	// The most that an account may have is few: each makes room for the next.
	fresh := func(w *world, account string) string {
		rows, err := w.store.ListWebhooks(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		var own []engine.Webhook
		for _, row := range rows {
			if row.AccountID == account {
				own = append(own, row)
			}
		}
		if len(own) >= engine.MaxWebhooks-5 {
			for _, row := range own[5:] { // the first ones are read later
				if err := w.store.DeleteWebhook(w.t.Context(), account, row.ID); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		body := webhook(w, account)
		if account != "" {
			body["account_id"] = account
		}
		return w.made("/api/v1/webhooks", body)
	}
	delivery := func(w *world, account string) string {
		id, deliveryID, now := fresh(w, account), w.next(account), time.Now()
		_, err := w.store.AddDeliveries(w.t.Context(), []engine.Delivery{{
			AccountID: account, ID: deliveryID, WebhookID: id, Kind: "rule_suspended", Payload: []byte(`{}`), CreatedAt: now, DoneAt: now,
		}})
		if err != nil {
			w.t.Fatal(err)
		}
		return id + "/" + deliveryID
	}
	// The operator's are nobody else's business.
	rows := func(write bool, fresh func(*world, string) string, body any) []target {
		list := w.rowsOf(write, fresh, body)
		list[2].may, list[2].sees = []string{"admin"}, nil
		return list
	}
	change := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: writes, targets: targets}
	}
	read := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: reads, targets: targets}
	}
	return map[string]permission{
		"GET /api/v1/webhooks":                                    read(everywhere()),
		"POST /api/v1/webhooks":                                   change(w.bodies(webhook)),
		"GET /api/v1/webhooks/:id":                                read(rows(false, fresh, nil)),
		"PATCH /api/v1/webhooks/:id":                              change(rows(true, fresh, map[string]any{"name": "another"})),
		"DELETE /api/v1/webhooks/:id":                             change(rows(true, fresh, nil)),
		"POST /api/v1/webhooks/:id/rotate":                        change(rows(true, fresh, map[string]any{"overlap_seconds": 60})),
		"POST /api/v1/webhooks/:id/test":                          change(rows(true, fresh, nil)),
		"GET /api/v1/webhooks/:id/deliveries":                     read(rows(false, fresh, nil)),
		"POST /api/v1/webhooks/:id/deliveries/:delivery_id/retry": change(rows(true, delivery, nil)),
	}
}
