package httpapi

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// access is who may use a route: anybody, or keys of at least that role that have the
// scope. What a role may touch within the route is the service's to decide.
type access struct {
	public bool
	role   engine.Role
	scope  engine.Scopes // zero: what scopeOf says of the route
}

// scopeOf is the scope that a route needs unless its policy says another: it follows from
// where it is and whether it changes anything, so that no new route can be without one.
func scopeOf(method, path string) engine.Scopes {
	switch {
	case strings.HasPrefix(path, "/v1/"):
		return engine.ScopeInference
	case method == http.MethodGet:
		return engine.ScopeRead
	}
	return engine.ScopeRead | engine.ScopeManage
}

// of is the policy with the scope that it needs on that route.
func (a access) of(method, path string) access {
	if !a.public && a.scope == 0 {
		a.scope = scopeOf(method, path)
	}
	return a
}

// refuses is why that key may not use the route, nil when it may.
func (a access) refuses(p engine.Principal) *failure {
	if missing := a.scope &^ p.Scopes; missing != 0 {
		name := missing.Names()[0]
		return failed(http.StatusForbidden, scopeCode(name), "This needs a key with the scope "+name+".")
	}
	if p.Role.Rank() < a.role.Rank() {
		return failed(http.StatusForbidden, string(engine.CodeForbidden), "This needs a key of role "+string(a.role)+" or above.")
	}
	return nil
}

// scopeCode is the code of a failure for want of that scope.
func scopeCode(name string) string { return name + "_scope_required" }

// noSuchAccount is what another account's id is answered with, wherever it is.
var noSuchAccount = failed(http.StatusNotFound, string(engine.CodeNotFound), "There is no such account.")

// accountID is an account that a request names, "" for none.
type accountID string

// strange reports whether that is none that the principal may know of.
func (a accountID) strange(p engine.Principal) bool {
	return a != "" && string(a) != p.AccountID && p.Role != engine.RoleSuperAdmin
}

// accountNamed returns what reads the account that the body of an operation names, so that
// every operation refuses another one's, whatever its service does.
func accountNamed[I any]() func(*I) accountID {
	none := func(*I) accountID { return "" }
	body, ok := reflect.TypeFor[I]().FieldByName("Body")
	if !ok || body.Type.Kind() != reflect.Struct {
		return none
	}
	field, ok := body.Type.FieldByName("AccountID")
	if !ok || field.Type.Kind() != reflect.String {
		return none
	}
	return func(in *I) accountID {
		return accountID(reflect.ValueOf(in).Elem().FieldByIndex(body.Index).FieldByIndex(field.Index).String())
	}
}

// Route is a route and who may use it.
type Route struct {
	Method string
	Path   string        // with :name for what varies
	Public bool          // then the others are zero
	Role   engine.Role   // the least one
	Scopes engine.Scopes // which the key must have, all of them
}

// Routes returns every route of the server, by path, then method.
func Routes() []Route {
	list := make([]Route, 0, len(policies))
	for route, rule := range policies {
		method, path, _ := strings.Cut(route, " ")
		rule = rule.of(method, path)
		list = append(list, Route{method, path, rule.public, rule.role, rule.scope})
	}
	slices.SortFunc(list, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return list
}
