package host

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/host/httpapi"
)

// declared is what the document says of each operation's answers, read once.
var declared = sync.OnceValues(func() ([]*operationOf, error) {
	document, err := httpapi.OpenAPI("")
	if err != nil {
		return nil, err
	}
	d, err := describe(document)
	if err != nil {
		return nil, err
	}
	var list []*operationOf
	for _, o := range d.operations {
		list = append(list, o)
	}
	return list, nil
})

// declaredFor returns the operation of a request, nil when the document has none.
func declaredFor(list []*operationOf, method, path string) *operationOf {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var best *operationOf
	for _, o := range list {
		// What is written out goes before a parameter: /costs/record is no cost of that id.
		if o.Method == method && matches(o.Path, path) && (best == nil || strings.Count(o.Path, "{") < strings.Count(best.Path, "{")) {
			best = o
		}
	}
	return best
}

// matches reports whether a path is one of a pattern. A model's id may hold slashes.
func matches(pattern, path string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "{id}"); ok && prefix == "/v1/models/" {
		return len(path) > len(prefix) && strings.HasPrefix(path, prefix)
	}
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !strings.HasPrefix(want[i], "{") && want[i] != got[i] || got[i] == "" && i > 0 {
			return false
		}
	}
	return true
}

// checkDeclared fails the test when the document does not say that a route may answer so: with
// that status, and where it is an error with that code. Paths and methods that are not served
// are no routes.
func checkDeclared(t *testing.T, method, target string, a answer) {
	t.Helper()
	list, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	o := declaredFor(list, method, u.EscapedPath())
	if o == nil {
		return
	}
	came.Store(o.Method+" "+o.Path+" "+strconv.Itoa(a.Status), true)
	if err := undeclared(o, a); err != nil {
		t.Errorf("%s %s: %v", method, target, err)
	}
}

// came has the answers of this run, as "GET /healthz 200".
var came sync.Map

// neverCame are the declared answers that no test of a whole run got, of the statuses that
// follow from what was asked. What is left to another package's tests is said with them.
func neverCame() (list []string, err error) {
	elsewhere := []string{
		"POST /api/v1/plugins 200", // this and the others are asked for by tests of the package httpapi
		"GET /readyz 503", "POST /ui/session 401", "DELETE /ui/session 403", "GET /ui/session 403",
	}
	operations, err := declared()
	for _, o := range operations {
		for status := range o.Responses {
			what := o.Method + " " + o.Path + " " + status
			if _, ok := came.Load(what); !ok && (status < "300" || status == "401" || status == "403" || status == "404") && !slices.Contains(elsewhere, what) {
				list = append(list, what)
			}
		}
	}
	slices.Sort(list)
	return list, err
}

func undeclared(o *operationOf, a answer) error {
	status := strconv.Itoa(a.Status)
	if o.Responses[status] == nil {
		if o.Responses["default"] == nil || a.Status < 400 || a.Status > 451 {
			return fmt.Errorf("the document does not declare %d: %.300s", a.Status, a.Body)
		}
		status = "default"
	}
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	if len(a.Body) > 0 && !o.Responses[status][media] {
		return fmt.Errorf("the document does not declare %d as %q", a.Status, media)
	}
	if a.Status < 400 {
		return nil
	}
	var body struct {
		Code  string
		Error struct{ Code string }
	}
	_ = json.Unmarshal(a.Body, &body) // a page has none
	if code := body.Code + body.Error.Code; code != "" && !slices.Contains(o.Codes[status], code) {
		return fmt.Errorf("the document does not declare %s with %d, but %v", code, a.Status, o.Codes[status])
	}
	return nil
}
