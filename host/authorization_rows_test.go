package host

import (
	"net/http"

	"github.com/pointsman/pointsman/engine"
)

const (
	infer  = engine.ScopeInference
	reads  = engine.ScopeRead
	writes = engine.ScopeRead | engine.ScopeManage
)

// permissions declares every route: the least role, the scopes, and on which rows it is tried
// with which outcome. It is written by hand: the routes are held against it.
func (w *world) permissions() map[string]permission {
	all := map[string]permission{}
	for _, part := range []map[string]permission{
		w.publicRoutes(), w.inferenceRoutes(), w.tenantRoutes(), w.keyRoutes(), w.ruleRoutes(), w.ruleSetRoutes(),
		w.modelRoutes(), w.providerRoutes(), w.pluginRoutes(), w.readingRoutes(), w.settingRoutes(),
		w.assignmentRoutes(), w.sessionRoutes(), w.priceRoutes(), w.costRoutes(), w.webhookRoutes(), w.healthRoutes(), w.budgetRoutes(), w.limitRoutes(), w.decisionRoutes(),
	} {
		for route, p := range part {
			if _, twice := all[route]; twice {
				w.t.Errorf("permission of %s is declared twice", route)
			}
			all[route] = p
		}
	}
	return all
}

func (w *world) publicRoutes() map[string]permission {
	all := map[string]permission{}
	for _, route := range []string{"GET /", "GET /healthz", "HEAD /healthz", "GET /readyz", "HEAD /readyz", "GET /docs", "GET /openapi.json", "GET /ui", "HEAD /ui", "GET /ui/*", "HEAD /ui/*"} {
		all[route] = permission{public: true, targets: []target{{name: "the page", through: []int{200, 404}}}}
	}
	// Keys are nothing there: see TestLogin.
	for route, status := range map[string]int{"POST /ui/session": 403, "GET /ui/session": 401, "DELETE /ui/session": 401} {
		all[route] = permission{public: true, targets: []target{{name: "a session", through: []int{status}}}}
	}
	return all
}

func (w *world) inferenceRoutes() map[string]permission {
	once := func(body any, path string) permission {
		return permission{role: engine.RoleUser, scopes: infer, targets: []target{{name: "a model", id: "gpt-5", body: body, path: path}}}
	}
	hi := []any{map[string]any{"role": "user", "content": "hi"}}
	return map[string]permission{
		"POST /v1/chat/completions":       once(chatBody("gpt-5", "hi"), ""),
		"POST /v1/messages":               once(map[string]any{"model": "gpt-5", "max_tokens": 16, "messages": hi}, ""),
		"POST /v1/messages/count_tokens":  once(map[string]any{"model": "gpt-5", "messages": hi}, ""),
		"POST /v1/responses":              once(map[string]any{"model": "gpt-5", "input": "hi"}, ""),
		"POST /v1/responses/input_tokens": once(map[string]any{"model": "gpt-5", "input": "hi"}, ""),
		"POST /v1/embeddings":             once(map[string]any{"model": "text-embedding-3-small", "input": "hi"}, ""),
		"GET /v1/models":                  once(nil, ""),
		"GET /v1/models/+":                once(nil, ""),
	}
}

// everywhere is the targets of a list: no account, the caller's, another one's.
func everywhere() []target {
	return []target{{name: "no account"}, {name: "acme", account: "acme", path: "?account_id=acme"}, {name: "rival", account: "rival", path: "?account_id=rival"}}
}

// readingRoutes only show.
func (w *world) readingRoutes() map[string]permission {
	return map[string]permission{
		"GET /api/v1/audit":        {role: engine.RoleAccountAdmin, scopes: reads, targets: everywhere()},
		"GET /api/v1/audit/export": {role: engine.RoleAccountAdmin, scopes: reads, targets: everywhere()},
		"GET /api/v1/audit/verify": {role: engine.RoleAccountAdmin, scopes: reads, targets: everywhere()},
		"GET /metrics":             {role: engine.RoleSuperAdmin, scopes: reads, targets: []target{{name: "all"}}},
		"GET /api/v1/events":       {role: engine.RoleAccountAdmin, scopes: reads, targets: []target{{name: "all"}}},
	}
}

// bodies are the targets of a POST: the caller's account by name, another one's, and none.
func (w *world) bodies(body func(w *world, account string) map[string]any) []target {
	in := func(account string) func(*world, string) any {
		return func(w *world, _ string) any {
			b := body(w, account)
			if account != "" {
				b["account_id"] = account
			}
			return b
		}
	}
	return []target{
		{name: "acme by body", account: "acme", body: in("acme")},
		{name: "rival by body", account: "rival", body: in("rival")},
	}
}

// rowsOf are the targets of a route on rows that belong to an account: acme's, rival's and a
// global one, which everybody with the role reads and only a super admin changes.
func (w *world) rowsOf(write bool, fresh func(w *world, account string) string, body any) []target {
	list := []target{}
	for _, account := range []string{"acme", "rival", ""} {
		t := target{name: "global row", account: account, body: body, fresh: func(w *world) string { return fresh(w, account) }}
		if account != "" {
			t.name, t.path = account+"'s row", "?account_id="+account
		} else if write {
			t.may, t.sees = []string{"admin"}, []string{"boss"}
		}
		if !write {
			id := fresh(w, account)
			t.fresh, t.id = nil, id
		}
		list = append(list, t)
	}
	return list
}

func (w *world) ruleRoutes() map[string]permission {
	rule := func(w *world, account string) map[string]any {
		return map[string]any{"id": w.next(account), "name": "a rule", "when": "false", "target": "gpt-5"}
	}
	fresh := func(w *world, account string) string {
		body := rule(w, account)
		if account != "" {
			body["account_id"] = account
		}
		return w.made("/api/v1/rules", body)
	}
	admin := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: writes, targets: targets}
	}
	change := map[string]any{"name": "another name", "when": "false", "target": "gpt-5"}
	return map[string]permission{
		"GET /api/v1/rules":              {role: engine.RoleUser, scopes: reads, targets: []target{{name: "all"}}},
		"POST /api/v1/rules":             admin(w.bodies(rule)),
		"POST /api/v1/rules/check":       admin(w.bodies(rule)),
		"GET /api/v1/rules/:id":          {role: engine.RoleUser, scopes: reads, targets: w.rowsOf(false, fresh, nil)},
		"PUT /api/v1/rules/:id":          admin(w.rowsOf(true, fresh, change)),
		"PATCH /api/v1/rules/:id":        admin(w.rowsOf(true, fresh, map[string]any{"name": "a third name"})),
		"DELETE /api/v1/rules/:id":       admin(w.rowsOf(true, fresh, nil)),
		"POST /api/v1/rules/:id/enable":  admin(w.rowsOf(true, fresh, nil)),
		"POST /api/v1/rules/:id/disable": admin(w.rowsOf(true, fresh, nil)),
	}
}

func providerBody(w *world, account string) map[string]any {
	return map[string]any{"id": w.next(account), "adapter": "openai", "base_url": "https://api.example.com/v1"}
}

func freshProvider(w *world, account string) string {
	body := providerBody(w, account)
	if account != "" {
		body["account_id"] = account
	}
	return w.made("/api/v1/providers", body)
}

func (w *world) modelRoutes() map[string]permission {
	homes := map[string]string{"acme": freshProvider(w, "acme"), "rival": freshProvider(w, "rival"), "": freshProvider(w, "")}
	model := func(w *world, account string) map[string]any {
		return map[string]any{"id": w.next(account), "provider": homes[account], "upstream_id": w.next(account), "price": map[string]any{"input": "1", "output": "1"}}
	}
	fresh := func(w *world, account string) string {
		body := model(w, account)
		if account != "" {
			body["account_id"] = account
		}
		return w.made("/api/v1/models", body)
	}
	admin := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: writes, targets: targets}
	}
	// A row is replaced as it was read.
	replace := func(w *world, id string) any {
		for _, account := range []string{"", "?account_id=acme", "?account_id=rival"} {
			if a := w.do(http.MethodGet, "/api/v1/models/"+id+account, nil); a.Status == 200 {
				return string(a.Body)
			}
		}
		return map[string]any{"provider": "openai", "upstream_id": "gpt-5"}
	}
	return map[string]permission{
		"GET /api/v1/models":           {role: engine.RoleUser, scopes: reads, targets: []target{{name: "all"}}},
		"POST /api/v1/models":          admin(w.bodies(model)),
		"GET /api/v1/models/:id":       {role: engine.RoleUser, scopes: reads, targets: w.rowsOf(false, fresh, nil)},
		"PUT /api/v1/models/:id":       admin(w.rowsOf(true, fresh, replace)),
		"PATCH /api/v1/models/:id":     admin(w.rowsOf(true, fresh, map[string]any{"display_name": "another"})),
		"DELETE /api/v1/models/:id":    admin(w.rowsOf(true, fresh, nil)),
		"POST /api/v1/models/:id/test": admin(w.rowsOf(true, fresh, nil)), // without a credential nobody is called
	}
}

func (w *world) providerRoutes() map[string]permission {
	admin := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: writes, targets: targets}
	}
	read := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: reads, targets: targets}
	}
	vault := map[string]string{}
	credential := func(w *world, account string) string {
		if vault[account] == "" {
			vault[account] = freshProvider(w, account)
		}
		query := ""
		if account != "" {
			query = "?account_id=" + account
		}
		return vault[account] + "/" + w.made("/api/v1/providers/"+vault[account]+"/credentials"+query, map[string]any{"secret": "a-secret-of-somebody-else", "name": "k"})
	}
	// Of a global provider's keys only a super admin learns anything.
	secret := w.rowsOf(true, credential, nil)
	secrets := w.rowsOf(true, freshProvider, nil)
	return map[string]permission{
		"GET /api/v1/providers":                         read([]target{{name: "all"}}),
		"POST /api/v1/providers":                        admin(w.bodies(providerBody)),
		"GET /api/v1/providers/:id":                     read(w.rowsOf(false, freshProvider, nil)),
		"PUT /api/v1/providers/:id":                     admin(w.rowsOf(true, freshProvider, map[string]any{"id": nil, "adapter": "openai", "base_url": "https://api.example.com/v2"})),
		"PATCH /api/v1/providers/:id":                   admin(w.rowsOf(true, freshProvider, map[string]any{"name": "another"})),
		"DELETE /api/v1/providers/:id":                  admin(w.rowsOf(true, freshProvider, nil)),
		"POST /api/v1/providers/:id/test":               admin(w.rowsOf(true, freshProvider, nil)),
		"GET /api/v1/providers/:id/credentials":         read(secrets),
		"POST /api/v1/providers/:id/credentials":        admin(w.rowsOf(true, freshProvider, map[string]any{"secret": "a-secret-of-somebody-else"})),
		"GET /api/v1/providers/:id/credentials/:cid":    read(secret),
		"PATCH /api/v1/providers/:id/credentials/:cid":  admin(w.rowsOf(true, credential, map[string]any{"weight": 2})),
		"DELETE /api/v1/providers/:id/credentials/:cid": admin(w.rowsOf(true, credential, nil)),
	}
}
