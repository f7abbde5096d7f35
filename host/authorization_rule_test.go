package host

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/pointsman/pointsman/engine"
)

// ruleHead is the newest version of an account's rules.
func (w *world) ruleHead(account string) int64 {
	w.t.Helper()
	var list struct{ Data []struct{ Version int64 } }
	a := w.want(http.StatusOK, http.MethodGet, "/api/v1/rules/versions?limit=1&account_id="+account, nil)
	if err := json.Unmarshal(a.Body, &list); err != nil {
		w.t.Fatal(err)
	}
	if len(list.Data) == 0 {
		return 0
	}
	return list.Data[0].Version
}

// republish is a publication of the rules that are in force.
func (w *world) republish(account string) map[string]any {
	w.t.Helper()
	head := w.ruleHead(account)
	var set struct{ Rules []map[string]any }
	a := w.want(http.StatusOK, http.MethodGet, "/api/v1/rules/versions/"+strconv.FormatInt(head, 10)+"?account_id="+account, nil)
	if err := json.Unmarshal(a.Body, &set); err != nil {
		w.t.Fatal(err)
	}
	return map[string]any{"account_id": account, "rules": set.Rules, "was": head}
}

// stopRollouts ends those of an account that run: of each kind there is one at a time.
func (w *world) stopRollouts(account string) {
	w.t.Helper()
	var list struct{ Data []struct{ ID, Status string } }
	a := w.want(http.StatusOK, http.MethodGet, "/api/v1/rollouts?limit=5&account_id="+account, nil)
	if err := json.Unmarshal(a.Body, &list); err != nil {
		w.t.Fatal(err)
	}
	for _, r := range list.Data {
		if r.Status == string(engine.RolloutRunning) {
			w.want(http.StatusOK, http.MethodPost, "/api/v1/rollouts/"+r.ID+"/stop?account_id="+account, nil)
		}
	}
}

// ruleSetRoutes are those on rules as a whole and on their cases.
func (w *world) ruleSetRoutes() map[string]permission {
	of := func(fresh func(w *world, account string) string, body any) []target {
		var list []target
		for _, account := range []string{"acme", "rival"} {
			list = append(list, target{
				name: account + "'s", account: account, path: "?account_id=" + account, body: body,
				fresh: func(w *world) string { return fresh(w, account) },
			})
		}
		return list
	}
	version := func(w *world, account string) string {
		if w.shared["rule head "+account] == "" {
			w.made("/api/v1/rules", map[string]any{"id": w.next(account), "name": "a rule", "when": "false", "target": "gpt-5", "account_id": account})
			w.shared["rule head "+account] = "made"
		}
		return "/" + strconv.FormatInt(w.ruleHead(account), 10)
	}
	oneCase := map[string]any{"request": chatBody("auto", "hi"), "want": map[string]any{"rule": "default"}}
	place := func(w *world, account string) string { return w.next(account) }
	stored := func(w *world, account string) string {
		id := w.next(account)
		w.want(http.StatusOK, http.MethodPut, "/api/v1/rules/cases/"+id+"?account_id="+account, oneCase)
		return id
	}
	read := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: reads, targets: targets}
	}
	write := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: writes, targets: targets}
	}
	whole := func(account string) target {
		return target{name: account + " by body", account: account, body: func(w *world, _ string) any {
			version(w, account)
			return w.republish(account)
		}}
	}
	draft := func(account string) map[string]any {
		rules := w.republish(account)["rules"]
		return map[string]any{"account_id": account, "kind": "shadow", "share": 1, "rules": rules}
	}
	rollout := func(w *world, account string) string {
		version(w, account)
		w.stopRollouts(account)
		a := w.want(http.StatusCreated, http.MethodPost, "/api/v1/rollouts", draft(account))
		return a.field(w.t, "id")
	}
	begun := func(account string) target {
		return target{name: account + " by body", account: account, body: func(w *world, _ string) any {
			version(w, account)
			w.stopRollouts(account)
			return draft(account)
		}}
	}
	return map[string]permission{
		"GET /api/v1/rules/graph":                      {role: engine.RoleUser, scopes: reads, targets: everywhere()},
		"GET /api/v1/rules/versions":                   read(everywhere()),
		"GET /api/v1/rules/versions/:version":          read(of(version, nil)),
		"GET /api/v1/rules/versions/:version/diff":     read(of(version, nil)),
		"POST /api/v1/rules/versions/:version/restore": write(of(version, nil)),
		"POST /api/v1/rules/publish":                   write([]target{whole("acme"), whole("rival")}),

		"POST /api/v1/rules/backtest": read(w.bodies(func(*world, string) map[string]any { return map[string]any{"rules": []any{}} })),
		"POST /api/v1/route/explain": {role: engine.RoleUser, scopes: reads, targets: []target{
			{name: "a request", body: map[string]any{"request": chatBody("auto", "hi")}},
		}},
		"GET /api/v1/rollouts":              read(everywhere()),
		"POST /api/v1/rollouts":             write([]target{begun("acme"), begun("rival")}),
		"GET /api/v1/rollouts/:id":          read(of(rollout, nil)),
		"PATCH /api/v1/rollouts/:id":        write(of(rollout, map[string]any{"share": 50})),
		"POST /api/v1/rollouts/:id/promote": write(of(rollout, nil)),
		"POST /api/v1/rollouts/:id/stop":    write(of(rollout, nil)),

		"GET /api/v1/rules/cases":        read(everywhere()),
		"GET /api/v1/rules/cases/:id":    read(of(stored, nil)),
		"PUT /api/v1/rules/cases/:id":    write(of(place, oneCase)),
		"DELETE /api/v1/rules/cases/:id": write(of(stored, nil)),
		"POST /api/v1/rules/cases/run":   write(w.bodies(func(*world, string) map[string]any { return map[string]any{} })),
	}
}
