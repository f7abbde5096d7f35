package host

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/httpapi"
)

// actor is who makes a request. Two may be one user with keys of different scopes.
type actor struct {
	name, account, team, user string
	role                      engine.Role
	scopes                    engine.Scopes
	key                       string
}

// actors are who every route is tried by.
func actors() []*actor {
	all := engine.AllScopes
	return []*actor{
		{name: "anonymous"},
		{name: "other account's admin", account: "rival", user: "boss", role: engine.RoleAccountAdmin, scopes: all},
		{name: "other team's lead", account: "acme", team: "blue", user: "bluelead", role: engine.RoleTeamLead, scopes: all},
		{name: "same team's user", account: "acme", team: "red", user: "mate", role: engine.RoleUser, scopes: all},
		{name: "user", account: "acme", team: "red", user: "user", role: engine.RoleUser, scopes: all},
		{name: "team lead", account: "acme", team: "red", user: "lead", role: engine.RoleTeamLead, scopes: all},
		{name: "account admin", account: "acme", user: "boss", role: engine.RoleAccountAdmin, scopes: all},
		{name: "super admin", account: "default", user: "admin", role: engine.RoleSuperAdmin, scopes: all},
		{name: "admin, read only", account: "acme", user: "boss", role: engine.RoleAccountAdmin, scopes: engine.ScopeRead},
		{name: "admin, inference only", account: "acme", user: "boss", role: engine.RoleAccountAdmin, scopes: engine.ScopeInference},
	}
}

// target is a row, or a place for one, that a route is tried on.
type target struct {
	name string
	path string // added to the route's: "?account_id=…"
	id   string // for :id or :name; with fresh unused
	// fresh makes a row that nobody needs later, for those who may change it.
	fresh   func(w *world) string
	body    any
	account string // whose it is; "": nobody's, or a global one
	// may says who is let through, by user id ("boss", "admin"); nil: who has the role.
	may []string
	// sees says who may read it and is therefore told 403, not 404, when it may not more.
	sees []string
	// refused is what those get who have the role and see it, but may not; 0: 403 or 404 by sees.
	refused int
	// skip is a user that is not tried, as it would take the row from the others.
	skip string
	// through is what those get who are let through; none: 200, 201 or 204.
	through []int
}

// permission is the declared policy of a route and what it is tried on.
type permission struct {
	public  bool
	role    engine.Role
	scopes  engine.Scopes
	targets []target
}

// world is the gateway with two accounts in it.
type world struct {
	*gateway
	rows   int
	shared map[string]string // rows that nobody may change, by what they are for
}

// expected is what the declared policy says of a request, and the code of a refusal.
func (p permission) expected(a *actor, t target) (status []int, code string) {
	through := t.through
	if through == nil {
		through = []int{http.StatusOK, http.StatusCreated, http.StatusNoContent}
	}
	switch {
	case p.public:
		return through, ""
	case a.key == "":
		return []int{http.StatusUnauthorized}, "invalid_api_key"
	}
	for _, name := range p.scopes.Names() {
		if scope, _ := engine.ParseScope(name); !a.scopes.Has(scope) {
			return []int{http.StatusForbidden}, name + "_scope_required"
		}
	}
	switch {
	case a.role.Rank() < p.role.Rank():
		return []int{http.StatusForbidden}, "permission_denied"
	case t.account != "" && t.account != a.account && a.role != engine.RoleSuperAdmin:
		return []int{http.StatusNotFound}, "not_found"
	case t.may == nil || slices.Contains(t.may, a.user):
		return through, ""
	case t.refused != 0:
		return []int{t.refused}, map[int]string{http.StatusForbidden: "permission_denied", http.StatusNotFound: "not_found"}[t.refused]
	case slices.Contains(t.sees, a.user):
		return []int{http.StatusForbidden}, "permission_denied"
	}
	return []int{http.StatusNotFound}, "not_found"
}

// TestAuthorization tries every route on rows of its own account, of another, and of none,
// with everybody, against the permissions declared in permissions(). A route that is not
// declared there fails.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	w, who := newWorld(t)
	declared := w.permissions()
	requests := 0
	for _, route := range httpapi.Routes() {
		name := route.Method + " " + route.Path
		p, ok := declared[name]
		if !ok {
			t.Errorf("route %s has no permission in permissions(): say who may use it, and on which rows", name)
			continue
		}
		delete(declared, name)
		if p.public != route.Public || p.role != route.Role || p.scopes != route.Scopes {
			t.Errorf("route %s is for %s with %v, public %v; declared is %s with %v, public %v",
				name, route.Role, route.Scopes.Names(), route.Public, p.role, p.scopes.Names(), p.public)
		}
		if len(p.targets) == 0 {
			t.Errorf("route %s is tried on nothing", name)
		}
		for _, target := range p.targets {
			for _, a := range who {
				if target.skip != "" && target.skip == a.user {
					continue
				}
				w.try(route, p, target, a)
				requests++
			}
		}
	}
	for name := range declared {
		t.Errorf("permission of %s, which is no route", name)
	}
	t.Logf("%d requests", requests)
}

// try makes one request and compares.
func (w *world) try(route httpapi.Route, p permission, t target, a *actor) {
	w.t.Helper()
	want, code := p.expected(a, t)
	id := t.id
	if t.fresh != nil {
		// What is refused is refused on one and the same row, which is there.
		shared := route.Method + route.Path + t.name
		if id = w.shared[shared]; id == "" || code == "" {
			id = t.fresh(w)
		}
		if code != "" {
			w.shared[shared] = id
		}
	}
	one, two, _ := strings.Cut(id, "/")
	path := strings.NewReplacer(":request_id", one, ":id", one, ":name", one, ":version", two, ":cid", two, ":note_id", two, ":delivery_id", two, "+", one).Replace(route.Path) + t.path
	caller := *w.gateway
	caller.key = a.key
	body := t.body
	if f, ok := body.(func(w *world, id string) any); ok {
		body = f(w, id)
	}
	got := caller.do(route.Method, path, body)
	what := fmt.Sprintf("%s %s on %s as %s", route.Method, path, t.name, a.name)
	if !slices.Contains(want, got.Status) {
		w.t.Errorf("%s = %d, want %v\n%.300s", what, got.Status, want, got.Body)
		return
	}
	if strings.HasPrefix(route.Path, "/v1/messages") { // errors in Anthropic's form have a type, and no code
		code = map[string]string{"inference_scope_required": "permission_error", "invalid_api_key": "authentication_error"}[code]
	}
	if code != "" && code != "not_found" && !strings.Contains(string(got.Body), `"`+code+`"`) {
		w.t.Errorf("%s = %s, want the code %s", what, got.Body, code)
	}
	// Rows of an account carry its name: none may appear to another's.
	foreign := map[string]string{"acme": "rival-", "rival": "acme-"}[a.account]
	if foreign != "" && got.Status < 300 && strings.Contains(string(got.Body), foreign) {
		w.t.Errorf("%s shows another account's row\n%.600s", what, got.Body)
	}
}

// newWorld starts a gateway with the accounts acme and rival and a key for every actor.
func newWorld(t *testing.T, change ...func(*Config, *Options)) (*world, []*actor) {
	t.Helper()
	change = append(change, func(c *Config, _ *Options) { c.WebhookLoopback = true })
	w := &world{gateway: startGateway(t, change...), shared: map[string]string{}}
	for _, account := range []string{"acme", "rival"} {
		w.want(201, http.MethodPost, "/api/v1/accounts", map[string]any{"id": account, "name": account})
		for _, team := range []string{"red", "blue"} {
			w.want(201, http.MethodPost, "/api/v1/teams", map[string]any{"id": team, "name": account + "-team-" + team, "account_id": account})
		}
		for _, u := range []struct{ id, team, role string }{
			{"boss", "", "account_admin"}, {"boss2", "", "account_admin"}, {"lead", "red", "team_lead"}, {"user", "red", "user"},
			{"mate", "red", "user"}, {"bluelead", "blue", "team_lead"}, {"blueuser", "blue", "user"},
		} {
			w.want(201, http.MethodPost, "/api/v1/users", map[string]any{"id": u.id, "name": account + "-" + u.id, "account_id": account, "team_id": u.team, "role": u.role})
		}
	}
	who := actors()
	for _, a := range who {
		if a.account == "" {
			continue
		}
		made := w.want(201, http.MethodPost, "/api/v1/keys", map[string]any{"name": a.account + "-key", "account_id": a.account, "user_id": a.user, "scopes": a.scopes.Names()})
		a.key = made.field(t, "secret")
	}
	return w, who
}

// next is the id of a new row of that account, which it names.
func (w *world) next(account string) string {
	w.rows++
	if account == "" {
		account = "global"
	}
	return fmt.Sprintf("%s-row-%d", account, w.rows)
}

// made creates a row as the super admin and returns its id.
func (w *world) made(path string, body map[string]any) string {
	w.t.Helper()
	var out struct{ ID string }
	a := w.want(http.StatusCreated, http.MethodPost, path, body)
	if err := json.Unmarshal(a.Body, &out); err != nil || out.ID == "" {
		w.t.Fatalf("POST %s = %s, want a row with an id", path, a.Body)
	}
	return out.ID
}
