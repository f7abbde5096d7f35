package host

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/pointsman/pointsman/engine"
)

func (w *world) limitRoutes() map[string]permission {
	w.t.Helper()
	lead := *w.gateway
	lead.key = w.want(http.StatusCreated, http.MethodPost, "/api/v1/keys", map[string]any{"name": "acme-key", "account_id": "acme", "user_id": "lead"}).field(w.t, "secret")
	limit := func(w *world, account string) map[string]any {
		return map[string]any{"id": w.next(account), "kind": "requests", "amount": 1_000_000, "window": "day"}
	}
	fresh := func(w *world, account string) string {
		body := limit(w, account)
		if account != "" {
			body["account_id"] = account
		}
		return w.made("/api/v1/limits", body)
	}
	red := map[string]any{"team_id": "red"}
	ofTeam := func(w *world) string {
		body := limit(w, "acme")
		body["scope"] = red
		var out struct{ ID string }
		if err := json.Unmarshal(lead.want(http.StatusCreated, http.MethodPost, "/api/v1/limits", body).Body, &out); err != nil {
			w.t.Fatal(err)
		}
		return out.ID
	}
	leads, admins := []string{"lead", "bluelead"}, []string{"boss", "admin"}
	// rows are of the account, of a team by its lead, of another account, and global.
	rows := func(body map[string]any) []target {
		list := w.rowsOf(true, fresh, body)
		list[0].may, list[0].sees = admins, leads
		list[2].sees = append(list[2].sees, leads...)
		team := target{
			name: "acme's red team's row", account: "acme", path: "?account_id=acme",
			fresh: ofTeam, may: []string{"lead", "boss", "admin"},
		}
		if body != nil {
			scoped := maps.Clone(body)
			if body["kind"] != nil {
				scoped["scope"] = red
			}
			team.body = scoped
		}
		return append(list, team)
	}
	create := w.bodies(limit)
	create[0].may, create[0].sees = admins, leads
	create = append(create,
		target{name: "no account", may: admins, refused: http.StatusForbidden, body: func(w *world, _ string) any { return limit(w, "") }},
		target{name: "acme's red team by body", account: "acme", may: []string{"lead", "boss", "admin"}, refused: http.StatusForbidden, body: func(w *world, _ string) any {
			body := limit(w, "acme")
			body["account_id"], body["scope"] = "acme", red
			return body
		}},
	)
	read := w.rowsOf(false, fresh, nil)
	read = append(read, target{name: "acme's red team's row", account: "acme", path: "?account_id=acme", id: ofTeam(w), may: redUsers})
	write := func(targets []target) permission {
		return permission{role: engine.RoleTeamLead, scopes: writes, targets: targets}
	}
	return map[string]permission{
		"GET /api/v1/limits":     {role: engine.RoleUser, scopes: reads, targets: everywhere()},
		"POST /api/v1/limits":    write(create),
		"GET /api/v1/limits/:id": {role: engine.RoleUser, scopes: reads, targets: read},
		"GET /api/v1/limits/effective": {role: engine.RoleUser, scopes: reads, targets: []target{
			{name: "user", account: "acme", path: "?account_id=acme&user_id=user", may: aboveUser},
			{name: "rival's user", account: "rival", path: "?account_id=rival&user_id=user"}, {name: "oneself"},
		}},
		"GET /api/v1/limits/stats":      {role: engine.RoleAccountAdmin, scopes: reads, targets: everywhere()},
		"PUT /api/v1/limits/:id":        write(rows(map[string]any{"kind": "requests", "amount": 2_000_000, "window": "day"})),
		"PATCH /api/v1/limits/:id":      write(rows(map[string]any{"amount": 3_000_000})),
		"DELETE /api/v1/limits/:id":     write(rows(nil)),
		"POST /api/v1/limits/:id/reset": {role: engine.RoleAccountAdmin, scopes: writes, targets: w.rowsOf(true, fresh, nil)},
	}
}
