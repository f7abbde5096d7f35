package host

import (
	"net/http"

	"github.com/pointsman/pointsman/engine"
)

// decisionRoutes are what was decided: everybody sees its own, and that of whom it manages.
func (w *world) decisionRoutes() map[string]permission {
	w.t.Helper()
	// asked returns the id of a request of that user's.
	asked := func(account, user string) string {
		caller := *w.gateway
		caller.key = w.want(http.StatusCreated, http.MethodPost, "/api/v1/keys", map[string]any{"name": account + "-key", "account_id": account, "user_id": user}).field(w.t, "secret")
		return caller.want(http.StatusOK, http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hi")).Header.Get("x-request-id")
	}
	user, blue, rival := asked("acme", "user"), asked("acme", "blueuser"), asked("rival", "user")
	list := []target{
		{name: "one's own"},
		{name: "acme", account: "acme", path: "?account_id=acme", may: acmeUsers},
		{name: "acme's red team", account: "acme", path: "?account_id=acme&team_id=red", may: redUsers},
		{name: "acme's user", account: "acme", path: "?account_id=acme&user_id=user", may: aboveUser},
		{name: "rival", account: "rival", path: "?account_id=rival"},
		{name: "rival's user", account: "rival", path: "?account_id=rival&user_id=user"},
	}
	settings := map[string]any{"record": "sampled", "share_percent": 12.5, "text": false, "retention_days": 7}
	accounts := func(body any) []target {
		all := everywhere()
		for i := range all {
			all[i].body = body
		}
		return all
	}
	return map[string]permission{
		"GET /api/v1/decisions": {role: engine.RoleUser, scopes: reads, targets: list},
		"GET /api/v1/decisions/:request_id": {role: engine.RoleUser, scopes: reads, targets: []target{
			{name: "of acme's user", account: "acme", id: user, path: "?account_id=acme", may: aboveUser},
			{name: "of acme's user in the blue team", account: "acme", id: blue, path: "?account_id=acme", may: []string{"bluelead", "blueuser", "boss", "admin"}},
			{name: "of rival's user", account: "rival", id: rival, path: "?account_id=rival"},
		}},
		"GET /api/v1/decision-settings":    {role: engine.RoleAccountAdmin, scopes: reads, targets: accounts(nil)},
		"PUT /api/v1/decision-settings":    {role: engine.RoleAccountAdmin, scopes: writes, targets: accounts(settings)},
		"DELETE /api/v1/decision-settings": {role: engine.RoleAccountAdmin, scopes: writes, targets: accounts(nil)},
	}
}
