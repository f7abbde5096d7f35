package host

import "github.com/pointsman/pointsman/engine"

// healthRoutes are tried on providers that have no credential, so that nobody is asked.
func (w *world) healthRoutes() map[string]permission {
	change := func(body any) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: writes, targets: w.rowsOf(true, freshProvider, body)}
	}
	// How a global provider came to be as it is is the operator's business.
	read := w.rowsOf(false, freshProvider, nil)
	read[2].may, read[2].sees = []string{"admin"}, []string{"boss"}
	return map[string]permission{
		"GET /api/v1/health":                 {role: engine.RoleUser, scopes: reads, targets: everywhere()},
		"GET /api/v1/health/:id/transitions": {role: engine.RoleAccountAdmin, scopes: reads, targets: read},
		"POST /api/v1/health/:id/drain":      change(map[string]any{"note": "maintenance"}),
		"POST /api/v1/health/:id/disable":    change(nil),
		"POST /api/v1/health/:id/enable":     change(nil),
		"POST /api/v1/health/:id/probe":      change(nil),
		"PUT /api/v1/health/:id/paid-probe":  change(map[string]any{"enabled": true, "daily_cap_nano_usd": 1000}),
	}
}
