package host

import (
	"net/http"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// everybodyOf are the users of acme's red team, and who is above it.
var (
	acmeUsers = []string{"user", "mate", "lead", "bluelead", "boss", "admin"}
	redUsers  = []string{"user", "mate", "lead", "boss", "admin"}
	aboveUser = []string{"user", "lead", "boss", "admin"}
)

// levels are the places of settings: acme as a whole, its red team, a user of it, another
// account, and everybody.
func levels(write bool, body func(path string) any) []target {
	list := []target{
		{name: "acme", account: "acme", path: "?account_id=acme&level=account", may: acmeUsers},
		{name: "acme's red team", account: "acme", path: "?account_id=acme&team_id=red", may: redUsers},
		{name: "acme's user", account: "acme", path: "?account_id=acme&user_id=user", may: aboveUser},
		{name: "rival", account: "rival", path: "?account_id=rival&level=account"},
		{name: "rival's user", account: "rival", path: "?account_id=rival&user_id=user"},
	}
	if write {
		list[0].may, list[0].sees = []string{"boss", "admin"}, acmeUsers
		list[1].may, list[1].sees = []string{"lead", "boss", "admin"}, redUsers
		list = append(list, target{name: "everybody", path: "?level=global", may: []string{"admin"}, refused: http.StatusForbidden})
	}
	if body != nil {
		for i := range list {
			list[i].body = body(list[i].path)
		}
	}
	return list
}

// prepared are levels on which something is done by the super admin before each request
// that is let through.
func prepared(list []target, method, path string, body any) []target {
	for i, t := range list {
		list[i].fresh = func(w *world) string {
			w.want(http.StatusOK, method, path+t.path, body)
			return "-"
		}
	}
	return list
}

func (w *world) settingRoutes() map[string]permission {
	set := map[string]any{"prefer_cost": true}
	over := map[string]any{"prefer_cost": true, "reason": "a test"}
	same := func(body any) func(string) any { return func(string) any { return body } }
	const path = "/api/v1/preferences"
	owner := []target{
		{name: "user", account: "acme", path: "?account_id=acme&user_id=user", may: aboveUser},
		{name: "rival's user", account: "rival", path: "?account_id=rival&user_id=user"}, {name: "oneself"},
	}
	super := permission{role: engine.RoleSuperAdmin, scopes: writes}
	set1, remove := super, super
	set1.targets = levels(true, same(over))
	remove.targets = prepared(levels(true, nil), http.MethodPut, path+"/override", over)
	return map[string]permission{
		"GET /api/v1/preferences":             {role: engine.RoleUser, scopes: reads, targets: levels(false, nil)},
		"PUT /api/v1/preferences":             {role: engine.RoleUser, scopes: writes, targets: levels(true, same(set))},
		"PATCH /api/v1/preferences":           {role: engine.RoleUser, scopes: writes, targets: levels(true, same(set))},
		"DELETE /api/v1/preferences":          {role: engine.RoleUser, scopes: writes, targets: prepared(levels(true, nil), http.MethodPut, path, set)},
		"PUT /api/v1/preferences/override":    set1,
		"DELETE /api/v1/preferences/override": remove,
		"GET /api/v1/preferences/effective":   {role: engine.RoleUser, scopes: reads, targets: owner},
	}
}

func (w *world) assignmentRoutes() map[string]permission {
	homes := map[string]map[string]any{
		"acme": {"account_id": "acme", "level": "account"}, "acme's red team": {"account_id": "acme", "team_id": "red"},
		"acme's user": {"account_id": "acme", "user_id": "user"}, "rival": {"account_id": "rival", "level": "account"},
		"rival's user": {"account_id": "rival", "user_id": "user"}, "everybody": {"level": "global"},
	}
	assignment := func(w *world, name string) map[string]any {
		account, _ := homes[name]["account_id"].(string)
		body := map[string]any{"id": w.next(account), "task_type": w.next(account), "model": "gpt-5"}
		for k, v := range homes[name] {
			body[k] = v
		}
		return body
	}
	// Rows of the super admin: who is in the level sees them, who manages it changes them, but
	// for the user itself, as somebody above it wrote them.
	rows := func(write bool, body any) []target {
		list := levels(write, nil)
		for i, t := range list {
			list[i].fresh = func(w *world) string { return w.made("/api/v1/assignments", assignment(w, t.name)) }
			list[i].body = body
			list[i].path = "?account_id=" + t.account
			if t.account == "" {
				list[i].path = ""
			}
			if write && t.name == "acme's user" {
				list[i].may, list[i].sees = []string{"lead", "boss", "admin"}, []string{"user"}
			}
		}
		return list
	}
	create := levels(true, nil)
	for i, t := range create {
		create[i].path, create[i].body = "", func(w *world, _ string) any { return assignment(w, t.name) }
	}
	write := func(targets []target) permission {
		return permission{role: engine.RoleUser, scopes: writes, targets: targets}
	}
	return map[string]permission{
		"GET /api/v1/assignments":        {role: engine.RoleUser, scopes: reads, targets: everywhere()},
		"POST /api/v1/assignments":       write(create),
		"GET /api/v1/assignments/:id":    {role: engine.RoleUser, scopes: reads, targets: rows(false, nil)},
		"PUT /api/v1/assignments/:id":    write(rows(true, map[string]any{"task_type": "another", "model": "gpt-5"})),
		"PATCH /api/v1/assignments/:id":  write(rows(true, map[string]any{"priority": 7})),
		"DELETE /api/v1/assignments/:id": write(rows(true, nil)),
	}
}

func (w *world) sessionRoutes() map[string]permission {
	of := func(account, user string) string { return "?account_id=" + account + "&user_id=" + user }
	rows := func(body any) []target {
		return []target{
			{name: "user's session", id: "acme-talk", account: "acme", path: of("acme", "user"), may: aboveUser, body: body},
			{name: "lead's session", id: "acme-talk", account: "acme", path: of("acme", "lead"), may: []string{"lead", "boss", "admin"}, body: body},
			{name: "rival's session", id: "rival-talk", account: "rival", path: of("rival", "user"), body: body},
		}
	}
	keys := []engine.SessionKey{
		{AccountID: "acme", UserID: "user", ID: "acme-talk"}, {AccountID: "acme", UserID: "lead", ID: "acme-talk"}, {AccountID: "rival", UserID: "user", ID: "rival-talk"},
	}
	for _, k := range keys {
		s := engine.Session{SessionKey: k, Turns: 1, Model: "gpt-5", CreatedAt: testNow, UpdatedAt: testNow, ExpiresAt: testNow.Add(time.Hour)}
		if err := w.store.SaveSessions(w.t.Context(), []engine.Session{s}); err != nil {
			w.t.Fatal(err)
		}
	}
	note := map[string]any{"text": "a note"}
	notes := rows(nil)
	for i, t := range notes {
		notes[i].fresh = func(w *world) string {
			return t.id + "/" + w.made("/api/v1/sessions/"+t.id+"/notes"+t.path, note)
		}
	}
	lists := []target{
		{name: "one's own"},
		{name: "user's", account: "acme", path: of("acme", "user"), may: aboveUser},
		{name: "every user's", account: "acme", path: of("acme", "*"), may: []string{"boss", "admin"}, refused: http.StatusForbidden},
		{name: "rival's user's", account: "rival", path: of("rival", "user")},
		{name: "rival's every user's", account: "rival", path: of("rival", "*")},
	}
	read := func(targets []target) permission {
		return permission{role: engine.RoleUser, scopes: reads, targets: targets}
	}
	return map[string]permission{
		"GET /api/v1/sessions":                       read(lists),
		"GET /api/v1/sessions/:id":                   read(rows(nil)),
		"GET /api/v1/sessions/:id/handoffs":          read(rows(nil)),
		"GET /api/v1/sessions/:id/notes":             read(rows(nil)),
		"POST /api/v1/sessions/:id/notes":            {role: engine.RoleUser, scopes: writes, targets: rows(note)},
		"DELETE /api/v1/sessions/:id/notes/:note_id": {role: engine.RoleUser, scopes: writes, targets: notes},
	}
}
