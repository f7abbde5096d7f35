package host

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

func (w *world) priceRoutes() map[string]permission {
	provider := freshProvider(w, "")
	fresh := func(w *world) string {
		return w.made("/api/v1/models", map[string]any{"id": w.next(""), "provider": provider, "upstream_id": w.next(""), "price": map[string]any{"input": "1", "output": "1"}})
	}
	// Prices of one global model: acme's own, rival's own, and by default the global one for
	// the super admin, for others the price of their own account.
	homes := []target{
		{name: "acme's", account: "acme", path: "?account_id=acme"},
		{name: "rival's", account: "rival", path: "?account_id=rival"},
		{name: "the caller's"},
	}
	rows := func(fresh func(w *world) string, body any) []target {
		list := append([]target(nil), homes...)
		for i := range list {
			list[i].fresh, list[i].body = fresh, body
		}
		return list
	}
	shown := rows(nil, nil)
	for i := range shown {
		shown[i].id = fresh(w)
	}
	price := map[string]any{"input": "2", "output": "2"}
	span := map[string]any{"from": testNow.Add(-time.Hour), "to": testNow}
	// One to come, of both accounts and of everybody, for whoever deletes one.
	const version = "2030-01-01T00:00:00Z"
	ahead := func(w *world) string {
		id := fresh(w)
		for _, account := range []string{"", "?account_id=acme", "?account_id=rival"} {
			w.want(201, "POST", "/api/v1/models/"+id+"/prices"+account, map[string]any{"from": version, "input": "2", "output": "2"})
		}
		return id + "/" + version
	}
	admin := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: writes, targets: targets}
	}
	return map[string]permission{
		"GET /api/v1/models/:id/prices":             {role: engine.RoleUser, scopes: reads, targets: shown},
		"POST /api/v1/models/:id/prices":            admin(rows(fresh, price)),
		"DELETE /api/v1/models/:id/prices/:version": admin(rows(ahead, nil)),
		"POST /api/v1/models/:id/prices/rerate":     admin(rows(fresh, span)),
		"POST /api/v1/costs/calculate": {role: engine.RoleUser, scopes: reads, targets: []target{
			{name: "anything", body: map[string]any{"tokens": map[string]any{"prompt": 1}}},
		}},
	}
}
