package httpapi

import "github.com/pointsman/pointsman/engine"

// policies has every route of the server, as Fiber writes them. A route that is
// missing here cannot be registered: New fails.
var policies = map[string]access{
	"GET /":               public,
	"GET /healthz":        public,
	"HEAD /healthz":       public,
	"GET /readyz":         public,
	"HEAD /readyz":        public,
	"GET /metrics":        superAdmin,
	"GET /docs":           public,
	"GET /openapi.json":   public,
	"POST " + loginPath:   public,
	"GET " + loginPath:    public,
	"DELETE " + loginPath: public,

	"GET /ui":    public,
	"HEAD /ui":   public,
	"GET /ui/*":  public,
	"HEAD /ui/*": public,

	"POST /v1/chat/completions":  anyKey,
	"POST /v1/messages":          anyKey,
	"POST /v1/responses":         anyKey,
	"POST " + countMessagesPath:  anyKey,
	"POST " + countResponsesPath: anyKey,
	"POST /v1/embeddings":        anyKey,
	"GET /v1/models":             anyKey,
	"GET /v1/models/+":           anyKey,

	"GET /api/v1/rules":              anyKey,
	"POST /api/v1/rules":             accountAdmin,
	"POST /api/v1/rules/check":       accountAdmin,
	"GET /api/v1/rules/graph":        anyKey,
	"GET /api/v1/rules/:id":          anyKey,
	"PUT /api/v1/rules/:id":          accountAdmin,
	"PATCH /api/v1/rules/:id":        accountAdmin,
	"DELETE /api/v1/rules/:id":       accountAdmin,
	"POST /api/v1/rules/:id/enable":  accountAdmin,
	"POST /api/v1/rules/:id/disable": accountAdmin,

	"GET /api/v1/rules/versions":                   accountAdmin,
	"GET /api/v1/rules/versions/:version":          accountAdmin,
	"GET /api/v1/rules/versions/:version/diff":     accountAdmin,
	"POST /api/v1/rules/versions/:version/restore": accountAdmin,
	"POST /api/v1/rules/publish":                   accountAdmin,

	"GET /api/v1/rules/cases":        accountAdmin,
	"POST /api/v1/rules/cases/run":   accountAdmin,
	"GET /api/v1/rules/cases/:id":    accountAdmin,
	"PUT /api/v1/rules/cases/:id":    accountAdmin,
	"DELETE /api/v1/rules/cases/:id": accountAdmin,

	"GET /api/v1/plugins":                          accountAdmin,
	"POST /api/v1/plugins":                         accountAdmin,
	"GET /api/v1/plugins/:name":                    accountAdmin,
	"POST /api/v1/plugins/:name/rollback":          accountAdmin,
	"POST /api/v1/plugins/:name/:version/activate": accountAdmin,
	"DELETE /api/v1/plugins/:name/:version":        accountAdmin,
	"GET /api/v1/plugins/:name/:version/logs":      accountAdmin,
	"GET /api/v1/plugins/:name/:version/stats":     accountAdmin,

	"GET /api/v1/accounts":        accountAdmin,
	"POST /api/v1/accounts":       superAdmin,
	"GET /api/v1/accounts/:id":    accountAdmin,
	"PATCH /api/v1/accounts/:id":  accountAdmin,
	"DELETE /api/v1/accounts/:id": superAdmin,

	"GET /api/v1/teams":        teamLead,
	"POST /api/v1/teams":       accountAdmin,
	"GET /api/v1/teams/:id":    teamLead,
	"PATCH /api/v1/teams/:id":  teamLead,
	"DELETE /api/v1/teams/:id": accountAdmin,

	"GET /api/v1/users":        anyKey,
	"POST /api/v1/users":       teamLead,
	"GET /api/v1/users/:id":    anyKey,
	"PATCH /api/v1/users/:id":  anyKey, // its own name
	"DELETE /api/v1/users/:id": teamLead,

	"GET /api/v1/keys":             anyKey,
	"POST /api/v1/keys":            anyKey,
	"GET /api/v1/keys/:id":         anyKey,
	"PATCH /api/v1/keys/:id":       anyKey,
	"POST /api/v1/keys/:id/rotate": anyKey,
	"DELETE /api/v1/keys/:id":      anyKey,

	"GET /api/v1/preferences":             anyKey, // of its own levels, and of whom it manages
	"PUT /api/v1/preferences":             anyKey,
	"PATCH /api/v1/preferences":           anyKey,
	"DELETE /api/v1/preferences":          anyKey,
	"PUT /api/v1/preferences/override":    superAdmin,
	"DELETE /api/v1/preferences/override": superAdmin,
	"GET /api/v1/preferences/effective":   anyKey,

	"GET /api/v1/assignments":        anyKey,
	"POST /api/v1/assignments":       anyKey,
	"GET /api/v1/assignments/:id":    anyKey,
	"PUT /api/v1/assignments/:id":    anyKey,
	"PATCH /api/v1/assignments/:id":  anyKey,
	"DELETE /api/v1/assignments/:id": anyKey,

	"GET /api/v1/models":           anyKey,
	"POST /api/v1/models":          accountAdmin,
	"GET /api/v1/models/:id":       anyKey,
	"PUT /api/v1/models/:id":       accountAdmin,
	"PATCH /api/v1/models/:id":     accountAdmin,
	"DELETE /api/v1/models/:id":    accountAdmin,
	"POST /api/v1/models/:id/test": accountAdmin,

	"GET /api/v1/models/:id/prices":             anyKey,
	"POST /api/v1/models/:id/prices":            accountAdmin,
	"DELETE /api/v1/models/:id/prices/:version": accountAdmin,
	"POST /api/v1/models/:id/prices/rerate":     accountAdmin,
	// It changes nothing.
	"POST /api/v1/costs/calculate": {role: engine.RoleUser, scope: engine.ScopeRead},

	"POST /api/v1/route/explain":        {role: engine.RoleUser, scope: engine.ScopeRead},
	"POST /api/v1/rules/backtest":       {role: engine.RoleAccountAdmin, scope: engine.ScopeRead},
	"GET /api/v1/rollouts":              accountAdmin,
	"POST /api/v1/rollouts":             accountAdmin,
	"GET /api/v1/rollouts/:id":          accountAdmin,
	"PATCH /api/v1/rollouts/:id":        accountAdmin,
	"POST /api/v1/rollouts/:id/promote": accountAdmin,
	"POST /api/v1/rollouts/:id/stop":    accountAdmin,

	"GET /api/v1/providers":                         accountAdmin, // base URLs are nothing for callers
	"POST /api/v1/providers":                        accountAdmin,
	"GET /api/v1/providers/:id":                     accountAdmin,
	"PUT /api/v1/providers/:id":                     accountAdmin,
	"PATCH /api/v1/providers/:id":                   accountAdmin,
	"DELETE /api/v1/providers/:id":                  accountAdmin,
	"POST /api/v1/providers/:id/test":               accountAdmin,
	"GET /api/v1/providers/:id/credentials":         accountAdmin,
	"POST /api/v1/providers/:id/credentials":        accountAdmin,
	"GET /api/v1/providers/:id/credentials/:cid":    accountAdmin,
	"PATCH /api/v1/providers/:id/credentials/:cid":  accountAdmin,
	"DELETE /api/v1/providers/:id/credentials/:cid": accountAdmin,

	"GET /api/v1/webhooks":                                    accountAdmin,
	"POST /api/v1/webhooks":                                   accountAdmin,
	"GET /api/v1/webhooks/:id":                                accountAdmin,
	"PATCH /api/v1/webhooks/:id":                              accountAdmin,
	"DELETE /api/v1/webhooks/:id":                             accountAdmin,
	"POST /api/v1/webhooks/:id/rotate":                        accountAdmin,
	"POST /api/v1/webhooks/:id/test":                          accountAdmin,
	"GET /api/v1/webhooks/:id/deliveries":                     accountAdmin,
	"POST /api/v1/webhooks/:id/deliveries/:delivery_id/retry": accountAdmin,

	// Of which, and how much of them: the service decides.
	"GET /api/v1/health":                 anyKey,
	"GET /api/v1/health/:id/transitions": accountAdmin,
	"POST /api/v1/health/:id/drain":      accountAdmin,
	"POST /api/v1/health/:id/disable":    accountAdmin,
	"POST /api/v1/health/:id/enable":     accountAdmin,
	"POST /api/v1/health/:id/probe":      accountAdmin,
	"PUT /api/v1/health/:id/paid-probe":  accountAdmin,

	"GET /api/v1/audit":        accountAdmin,
	"GET /api/v1/audit/export": accountAdmin,
	"GET /api/v1/audit/verify": accountAdmin,

	// Whose: the service decides.
	"GET /api/v1/sessions":                       anyKey,
	"GET /api/v1/sessions/:id":                   anyKey,
	"GET /api/v1/sessions/:id/notes":             anyKey,
	"POST /api/v1/sessions/:id/notes":            anyKey,
	"DELETE /api/v1/sessions/:id/notes/:note_id": anyKey,
	"GET /api/v1/sessions/:id/handoffs":          anyKey,

	// Which of them: the service decides.
	"GET /api/v1/limits":            anyKey,
	"POST /api/v1/limits":           teamLead,
	"GET /api/v1/limits/effective":  anyKey,
	"GET /api/v1/limits/stats":      accountAdmin,
	"GET /api/v1/limits/:id":        anyKey,
	"PUT /api/v1/limits/:id":        teamLead,
	"PATCH /api/v1/limits/:id":      teamLead,
	"DELETE /api/v1/limits/:id":     teamLead,
	"POST /api/v1/limits/:id/reset": accountAdmin,

	// Whose: the service decides.
	"GET /api/v1/budgets":        anyKey,
	"POST /api/v1/budgets":       teamLead,
	"GET /api/v1/budgets/:id":    anyKey,
	"PUT /api/v1/budgets/:id":    teamLead,
	"PATCH /api/v1/budgets/:id":  teamLead,
	"DELETE /api/v1/budgets/:id": teamLead,
	"GET /api/v1/alerts":         anyKey,

	// Of whose: the service decides.
	"GET /api/v1/costs/summary":    anyKey,
	"GET /api/v1/costs/daily":      anyKey,
	"GET /api/v1/costs/monthly":    anyKey,
	"GET /api/v1/costs/top":        anyKey,
	"GET /api/v1/costs/projection": anyKey,
	"GET /api/v1/costs/savings":    anyKey,
	"POST /api/v1/costs/record":    accountAdmin,
	"GET /api/v1/usage":            anyKey,
	"GET /api/v1/usage/export":     anyKey,

	// Whose: the service decides.
	"GET /api/v1/decisions":             anyKey,
	"GET /api/v1/decisions/:request_id": anyKey,
	"GET /api/v1/decision-settings":     accountAdmin,
	"PUT /api/v1/decision-settings":     accountAdmin,
	"DELETE /api/v1/decision-settings":  accountAdmin,

	"GET /api/v1/events": accountAdmin,
}
