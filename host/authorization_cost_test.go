package host

import "github.com/pointsman/pointsman/engine"

// costRoutes are what was spent: everybody sees its own, and that of whom it manages.
func (w *world) costRoutes() map[string]permission {
	of := func(query string) []target {
		path := func(filter string) string {
			if query != "" && filter != "" {
				return "?" + query + "&" + filter
			}
			if query+filter == "" {
				return ""
			}
			return "?" + query + filter
		}
		return []target{
			{name: "one's own", path: path("")},
			{name: "acme", account: "acme", path: path("account_id=acme"), may: acmeUsers},
			{name: "acme's red team", account: "acme", path: path("account_id=acme&team_id=red"), may: redUsers},
			{name: "acme's user", account: "acme", path: path("account_id=acme&user_id=user"), may: aboveUser},
			{name: "rival", account: "rival", path: path("account_id=rival")},
			{name: "rival's user", account: "rival", path: path("account_id=rival&user_id=user")},
		}
	}
	spend := func(w *world, account string) map[string]any {
		return map[string]any{"id": w.next(account), "provider": "elsewhere", "cost_usd": "1.50", "at": testNow}
	}
	read := func(query string) permission {
		return permission{role: engine.RoleUser, scopes: reads, targets: of(query)}
	}
	rows := read("")
	rows.targets = append(rows.targets, of("group_by=model")...)
	return map[string]permission{
		"GET /api/v1/costs/summary":    read("group_by=user"),
		"GET /api/v1/costs/daily":      read(""),
		"GET /api/v1/costs/monthly":    read(""),
		"GET /api/v1/costs/top":        read(""),
		"GET /api/v1/costs/projection": read(""),
		"GET /api/v1/costs/savings":    read(""),
		"POST /api/v1/costs/record":    {role: engine.RoleAccountAdmin, scopes: writes, targets: w.bodies(spend)},
		"GET /api/v1/usage":            rows,
		"GET /api/v1/usage/export":     read("format=csv"),
	}
}
