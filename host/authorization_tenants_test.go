package host

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wasm"
)

// tenantRoutes are accounts, teams and users.
func (w *world) tenantRoutes() map[string]permission {
	return merge(w.accountRoutes(), w.teamRoutes(), w.userRoutes())
}

func merge(parts ...map[string]permission) map[string]permission {
	all := map[string]permission{}
	for _, part := range parts {
		for route, p := range part {
			all[route] = p
		}
	}
	return all
}

func (w *world) accountRoutes() map[string]permission {
	account := func(w *world, _ string) any { return map[string]any{"id": w.next("an"), "name": "an account"} }
	fresh := func(w *world) string {
		return w.made("/api/v1/accounts", map[string]any{"id": w.next("an"), "name": "an account"})
	}
	own := target{name: "acme", id: "acme", account: "acme"}
	rival := target{name: "rival", id: "rival", account: "rival"}
	rename := own
	rename.body = map[string]any{"name": "acme-renamed"}
	strange := rival
	strange.body = map[string]any{"name": "rival-renamed"}
	suspended := map[string]any{"suspended": true}
	mine := target{name: "acme's suspension", id: "acme", account: "acme", body: suspended, may: []string{}, sees: []string{"boss"}, skip: "admin"}
	// Its own is the last super admin's, and stays; that is no question of rights.
	lockout := target{name: "the super admin's account", id: "default", body: suspended, may: []string{"admin"}, through: []int{409}}
	another := target{name: "a new one", fresh: fresh, may: []string{"admin"}, body: suspended}
	doomed := target{name: "a new one", fresh: fresh, may: []string{"admin"}}
	return map[string]permission{
		"GET /api/v1/accounts":        {role: engine.RoleAccountAdmin, scopes: reads, targets: everywhere()},
		"POST /api/v1/accounts":       {role: engine.RoleSuperAdmin, scopes: writes, targets: []target{{name: "a new one", body: account}}},
		"GET /api/v1/accounts/:id":    {role: engine.RoleAccountAdmin, scopes: reads, targets: []target{own, rival}},
		"PATCH /api/v1/accounts/:id":  {role: engine.RoleAccountAdmin, scopes: writes, targets: []target{rename, strange, mine, lockout, another}},
		"DELETE /api/v1/accounts/:id": {role: engine.RoleSuperAdmin, scopes: writes, targets: []target{doomed}},
	}
}

func (w *world) teamRoutes() map[string]permission {
	team := func(w *world, account string) map[string]any {
		return map[string]any{"id": w.next(account), "name": "a team"}
	}
	fresh := func(account string) func(w *world) string {
		return func(w *world) string {
			body := team(w, account)
			body["account_id"] = account
			return w.made("/api/v1/teams", body)
		}
	}
	rows := func(body any) []target {
		return []target{
			{name: "the red team", id: "red", account: "acme", path: "?account_id=acme", body: body, may: []string{"lead", "boss", "admin"}},
			{name: "rival's red team", id: "red", account: "rival", path: "?account_id=rival", body: body},
		}
	}
	return map[string]permission{
		"GET /api/v1/teams":     {role: engine.RoleTeamLead, scopes: reads, targets: everywhere()},
		"POST /api/v1/teams":    {role: engine.RoleAccountAdmin, scopes: writes, targets: w.bodies(team)},
		"GET /api/v1/teams/:id": {role: engine.RoleTeamLead, scopes: reads, targets: rows(nil)},
		"PATCH /api/v1/teams/:id": {role: engine.RoleTeamLead, scopes: writes, targets: rows(func(w *world, _ string) any {
			return map[string]any{"name": "another name"}
		})},
		"DELETE /api/v1/teams/:id": {role: engine.RoleAccountAdmin, scopes: writes, targets: []target{
			{name: "a team of acme", fresh: fresh("acme"), account: "acme", path: "?account_id=acme"},
			{name: "a team of rival", fresh: fresh("rival"), account: "rival", path: "?account_id=rival"},
		}},
	}
}

// freshUser makes a user of the red team.
func freshUser(account, role string) func(w *world) string {
	return func(w *world) string {
		return w.made("/api/v1/users", map[string]any{"id": w.next(account), "name": "somebody", "account_id": account, "team_id": "red", "role": role})
	}
}

func (w *world) userRoutes() map[string]permission {
	create := func(team, role string, may ...string) target {
		return target{
			name: "a " + role + " of team " + team, account: "acme", may: may, sees: []string{"lead", "bluelead", "boss"},
			body: func(w *world, _ string) any {
				return map[string]any{"id": w.next("acme"), "name": "n", "account_id": "acme", "team_id": team, "role": role}
			},
		}
	}
	row := func(id string, body any, may ...string) target {
		return target{name: id, id: id, account: "acme", path: "?account_id=acme", body: body, may: may}
	}
	fresh := func(role string, body any, may ...string) target {
		return target{name: "a " + role + " of the red team", fresh: freshUser("acme", role), account: "acme", path: "?account_id=acme", body: body, may: may, sees: []string{"lead"}}
	}
	foreign := func(body any) target {
		return target{name: "rival's user", id: "user", account: "rival", path: "?account_id=rival", body: body}
	}
	name := map[string]any{"name": "a name"}
	self := row("user", map[string]any{"role": "team_lead"})
	self.name, self.may, self.sees = "user's role", []string{"nobody"}, []string{"user", "lead"}
	return map[string]permission{
		"GET /api/v1/users": {role: engine.RoleUser, scopes: reads, targets: everywhere()},
		"POST /api/v1/users": {role: engine.RoleTeamLead, scopes: writes, targets: []target{
			create("red", "user", "lead", "boss", "admin"), create("red", "team_lead", "boss", "admin"), create("", "user", "lead", "bluelead", "boss", "admin"), // a lead's own team
			create("blue", "user", "bluelead", "boss", "admin"), create("", "account_admin", "boss", "admin"), create("", "super_admin", "admin"),
			{name: "a user of rival", account: "rival", body: func(w *world, _ string) any {
				return map[string]any{"id": w.next("rival"), "name": "n", "account_id": "rival"}
			}},
		}},
		"GET /api/v1/users/:id": {role: engine.RoleUser, scopes: reads, targets: []target{
			row("user", nil, "user", "lead", "boss", "admin"), row("lead", nil, "lead", "boss", "admin"), row("blueuser", nil, "bluelead", "boss", "admin"),
			row("boss2", nil, "boss", "admin"), foreign(nil),
		}},
		"PATCH /api/v1/users/:id": {role: engine.RoleUser, scopes: writes, targets: []target{
			row("user", name, "user", "lead", "boss", "admin"), row("lead", name, "lead", "boss", "admin"), row("boss2", name, "boss", "admin"), foreign(name),
			fresh("user", map[string]any{"suspended": true}, "lead", "boss", "admin"),
			fresh("user", map[string]any{"role": "team_lead"}, "boss", "admin"),
			fresh("user", map[string]any{"role": "account_admin"}, "boss", "admin"),
			fresh("user", map[string]any{"role": "super_admin"}, "admin").seenBy("lead", "boss"),
			fresh("user", map[string]any{"team_id": "blue"}, "boss", "admin"),
			fresh("user", map[string]any{"team_id": ""}, "boss", "admin"),
			fresh("team_lead", map[string]any{"suspended": true}, "boss", "admin"),
		}},
		"DELETE /api/v1/users/:id": {role: engine.RoleTeamLead, scopes: writes, targets: []target{
			fresh("user", nil, "lead", "boss", "admin"), fresh("team_lead", nil, "boss", "admin"),
			{name: "a user of rival", fresh: freshUser("rival", "user"), account: "rival", path: "?account_id=rival"},
		}},
	}
}

// seenBy is the target with others that see it.
func (t target) seenBy(users ...string) target {
	t.sees = users
	return t
}

func (w *world) keyRoutes() map[string]permission {
	freshKey := func(account, user string) func(w *world) string {
		return func(w *world) string {
			return w.made("/api/v1/keys", map[string]any{"name": account + "-key", "account_id": account, "user_id": user})
		}
	}
	rows := func(body any) []target {
		return []target{
			{name: "user's key", fresh: freshKey("acme", "user"), account: "acme", body: body, may: []string{"user", "lead", "boss", "admin"}},
			{name: "lead's key", fresh: freshKey("acme", "lead"), account: "acme", body: body, may: []string{"lead", "boss", "admin"}},
			{name: "boss2's key", fresh: freshKey("acme", "boss2"), account: "acme", body: body, may: []string{"boss", "admin"}},
			{name: "rival's key", fresh: freshKey("rival", "user"), account: "rival", body: body},
			{name: "rival's key by account", fresh: freshKey("rival", "user"), account: "rival", path: "?account_id=rival", body: body},
		}
	}
	create := func(account, user string, may ...string) target {
		return target{
			name: "a key for " + account + "/" + user, account: account, may: may, refused: http.StatusForbidden,
			body: map[string]any{"name": account + "-key", "account_id": account, "user_id": user},
		}
	}
	return map[string]permission{
		"GET /api/v1/keys": {role: engine.RoleUser, scopes: reads, targets: everywhere()},
		"POST /api/v1/keys": {role: engine.RoleUser, scopes: writes, targets: []target{
			create("acme", "user", "user", "lead", "boss", "admin"), create("acme", "lead", "lead", "boss", "admin"),
			create("acme", "boss2", "boss", "admin"), create("rival", "user"),
		}},
		"GET /api/v1/keys/:id":         {role: engine.RoleUser, scopes: reads, targets: rows(nil)},
		"PATCH /api/v1/keys/:id":       {role: engine.RoleUser, scopes: writes, targets: rows(map[string]any{"name": "n"})},
		"POST /api/v1/keys/:id/rotate": {role: engine.RoleUser, scopes: writes, targets: rows(map[string]any{"overlap_seconds": 60})},
		"DELETE /api/v1/keys/:id":      {role: engine.RoleUser, scopes: writes, targets: rows(nil)},
	}
}

func (w *world) pluginRoutes() map[string]permission {
	module := buildChatty(w.t, "chatty", "1.0.0")
	versions := 0
	upload := func(w *world, account, name string) string {
		versions++
		version := fmt.Sprintf("1.0.%d", versions)
		text := fmt.Sprintf(`{"name":%q,"version":%q,"kind":"rule","abi":1}`, name, version)
		bytes, err := wasm.EmbedManifest(module, []byte(text))
		if err != nil {
			w.t.Fatal(err)
		}
		query := "?activate=false"
		if account != "" {
			query += "&account_id=" + account
		}
		if a := w.upload(bytes, query); a.Status != http.StatusCreated {
			w.t.Fatalf("upload %s = %d %s", text, a.Status, a.Body)
		}
		return name + "/" + version
	}
	owned := map[string]string{}
	for _, account := range []string{"acme", "rival", ""} {
		owned[account] = upload(w, account, strings.TrimPrefix(account+"-plugin", "-"))
	}
	rows := func(othersGet int, through ...int) []target {
		list := []target{}
		for _, account := range []string{"acme", "rival", ""} {
			t := target{name: "a global plugin", id: owned[account], account: account, through: through}
			if account != "" {
				t.name, t.path = account+"'s plugin", "?account_id="+account
			} else if othersGet != http.StatusOK {
				t.may, t.refused = []string{"admin"}, othersGet
			}
			list = append(list, t)
		}
		return list
	}
	// Without account_id an account's admin means a plugin of its own, so a global one is not there.
	doomed := rows(http.StatusNotFound)
	for i, account := range []string{"acme", "rival", ""} {
		doomed[i].fresh = func(w *world) string { return upload(w, account, strings.TrimPrefix(account+"-plugin", "-")) }
	}
	admin := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: writes, targets: targets}
	}
	read := func(targets []target) permission {
		return permission{role: engine.RoleAccountAdmin, scopes: reads, targets: targets}
	}
	return map[string]permission{
		"GET /api/v1/plugins": read(everywhere()),
		"POST /api/v1/plugins": admin([]target{
			{name: "acme's", account: "acme", path: "?account_id=acme", body: "no form", through: []int{400, 415, 422}},
			{name: "rival's", account: "rival", path: "?account_id=rival", body: "no form", through: []int{400, 415, 422}},
		}),
		"GET /api/v1/plugins/:name":                    read(rows(http.StatusOK)),
		"GET /api/v1/plugins/:name/:version/logs":      read(rows(http.StatusNotFound)),
		"GET /api/v1/plugins/:name/:version/stats":     read(rows(http.StatusNotFound)),
		"POST /api/v1/plugins/:name/:version/activate": admin(rows(http.StatusNotFound)),
		"POST /api/v1/plugins/:name/rollback":          admin(rows(http.StatusNotFound, 200, 409)),
		"DELETE /api/v1/plugins/:name/:version":        admin(doomed),
	}
}
