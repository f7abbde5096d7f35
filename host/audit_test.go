package host

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/httpapi"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// unaudited are the routes that are no GET and yet change no configuration.
var unaudited = map[string]string{
	"POST /api/v1/rules/check":                                "keeps nothing",
	"POST /api/v1/rules/cases/run":                            "keeps nothing",
	"POST /api/v1/costs/calculate":                            "keeps nothing",
	"POST /api/v1/route/explain":                              "keeps nothing",
	"POST /api/v1/rules/backtest":                             "keeps nothing",
	"POST /api/v1/models/:id/test":                            "keeps nothing but usage",
	"POST /api/v1/providers/:id/test":                         "keeps nothing but usage",
	"POST /api/v1/webhooks/:id/test":                          "keeps nothing",
	"POST /api/v1/webhooks/:id/deliveries/:delivery_id/retry": "sends again what is there",
	"POST /api/v1/sessions/:id/notes":                         "notes are a conversation's, and expire",
	"DELETE /api/v1/sessions/:id/notes/:note_id":              "notes are a conversation's, and expire",
}

// testSecret is what permissions() gives as the key of a provider.
const testSecret = "a-secret-of-somebody-else"

// changedApart are the routes that permissions() has no row for on which they succeed.
var changedApart = []string{"POST /api/v1/plugins", "POST /api/v1/plugins/:name/rollback"}

// heads is the length of each account's chain.
func (w *world) heads() map[string]int64 {
	w.t.Helper()
	accounts, err := w.store.AuditedAccounts(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]int64{}
	for _, account := range accounts {
		head, err := w.store.GetAuditHead(w.t.Context(), account)
		if err != nil {
			w.t.Fatal(err)
		}
		found[account] = head.Seq
	}
	return found
}

// TestChangesAreAudited makes every request that changes something and asks the audit log.
// Routes and rows are those of TestAuthorization.
func TestChangesAreAudited(t *testing.T) {
	t.Parallel()
	w, everybody := newWorld(t, func(c *Config, _ *Options) {
		if os.Getenv(storetest.PostgresVariable) != "" { // TestAuthorization is on the other store
			c.DatabaseURL, c.EncryptionKey = storetest.PostgresURL(t), strings.Repeat("k", 32)
		}
	})
	who := map[string]*actor{}
	for _, a := range everybody {
		who[a.name] = a
	}
	super, admin, user := who["super admin"], who["account admin"], who["user"]
	rows := w.permissions()
	for _, route := range httpapi.Routes() {
		name := route.Method + " " + route.Path
		if route.Method == http.MethodGet || !strings.HasPrefix(route.Path, "/api/v1/") {
			continue
		}
		done := 0
		if slices.Contains(changedApart, name) {
			continue
		}
		for i, target := range rows[name].targets {
			a := super
			if target.skip == super.user || target.account == admin.account && (target.may == nil || slices.Contains(target.may, admin.user)) {
				a = admin
			}
			done += w.change(route, target, a)
			if i == 0 && target.skip != user.user {
				w.change(route, target, user) // who is refused nearly everything
			}
		}
		if done == 0 {
			t.Errorf("%s never succeeded: give it a row in permissions() on which it does", name)
		}
	}
	for _, a := range []*actor{user, admin, super} {
		w.changePlugins(a)
	}
	for account := range w.heads() {
		if holds, err := engine.CheckAudit(t.Context(), w.store, account); err != nil || holds == 0 {
			t.Errorf("the chain of %q holds up to %d: %v", account, holds, err)
		}
	}
}

// change makes one request, and returns 1 if it succeeded.
func (w *world) change(route httpapi.Route, t target, a *actor) int {
	w.t.Helper()
	id := t.id
	if t.fresh != nil {
		id = t.fresh(w)
	}
	one, two, _ := strings.Cut(id, "/")
	path := strings.NewReplacer(":id", one, ":name", one, ":version", two, ":cid", two, ":note_id", two, ":delivery_id", two).Replace(route.Path) + t.path
	body := t.body
	if f, ok := body.(func(w *world, id string) any); ok {
		body = f(w, id)
	}
	caller := *w.gateway
	caller.key = a.key
	before := w.heads()
	got := caller.do(route.Method, path, body)
	_, silent := unaudited[route.Method+" "+route.Path]
	w.judge(fmt.Sprintf("%s %s on %s as %s = %d", route.Method, path, t.name, a.name, got.Status), before, got, a, t.account, silent)
	if got.Status >= 300 {
		return 0
	}
	return 1
}

// changePlugins uploads two versions, the first one twice, and goes back.
func (w *world) changePlugins(a *actor) {
	w.t.Helper()
	caller := *w.gateway
	caller.key = a.key
	one, two := buildChatty(w.t, "audited", "1.0.0"), buildChatty(w.t, "audited", "1.1.0")
	for _, c := range []struct {
		name   string
		run    func() answer
		silent bool
	}{
		{"upload", func() answer { return caller.upload(one, "?account_id=acme") }, a.role == engine.RoleSuperAdmin},
		{"the same upload again", func() answer { return caller.upload(one, "?account_id=acme") }, true},
		{"upload of a second version", func() answer { return caller.upload(two, "?account_id=acme&activate=true") }, a.role == engine.RoleSuperAdmin},
		{"rollback", func() answer {
			return caller.do(http.MethodPost, "/api/v1/plugins/audited/rollback?account_id=acme", nil)
		}, false},
		{"upload of what is there, to activate it", func() answer { return caller.upload(two, "?account_id=acme&activate=true") }, false},
	} {
		before := w.heads()
		got := c.run()
		if a.role != engine.RoleUser && got.Status >= 300 {
			w.t.Errorf("%s as %s = %d %s, want it to succeed", c.name, a.name, got.Status, got.Body)
		}
		w.judge(fmt.Sprintf("%s as %s = %d", c.name, a.name, got.Status), before, got, a, "acme", c.silent)
	}
}

// judge compares an answer with what came to the audit log since before.
func (w *world) judge(what string, before map[string]int64, got answer, a *actor, account string, silent bool) {
	w.t.Helper()
	var fresh []engine.AuditEntry
	for account := range w.heads() {
		entries, err := w.store.ReadAudit(w.t.Context(), account, before[account], 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		fresh = append(fresh, entries...)
	}
	if got.Status >= 300 || silent {
		if len(fresh) > 0 {
			w.t.Errorf("%s and has audit entries: %v", what, fresh)
		}
		return
	}
	if len(fresh) != 1 {
		w.t.Errorf("%s and has %d audit entries, want 1: %v\nLet its service write under engine.Audited, or say in unaudited why not", what, len(fresh), fresh)
		return
	}
	e := fresh[0]
	if account != "" && e.AccountID != account {
		w.t.Errorf("%s and is in the log of %q, want that of %q", what, e.AccountID, account)
	}
	if e.ActorAccount != a.account || e.ActorUser != a.user || e.ActorKey == "" || e.ActorRole != a.role || e.RequestID != got.Header.Get("X-Request-Id") {
		w.t.Errorf("%s and was done by %s/%s (%s) with the key %q in request %q; the answer's is %q", what, e.ActorAccount, e.ActorUser, e.ActorRole, e.ActorKey, e.RequestID, got.Header.Get("X-Request-Id"))
	}
	noun, verb, ok := strings.Cut(e.Action, ".")
	if !ok || verb == "" || !strings.HasPrefix(e.Object, noun+"/") || len(e.Object) <= len(noun)+1 {
		w.t.Errorf("%s and is logged as %q of %q, want noun.verb of noun/id", what, e.Action, e.Object)
	}
	var made struct{ Secret string } // of a new key
	_ = json.Unmarshal(got.Body, &made)
	for _, secret := range []string{testSecret, a.key, made.Secret} {
		if text := string(e.Canonical()); secret != "" && strings.Contains(text, secret) {
			w.t.Errorf("%s and tells a secret: %s", what, text)
		}
	}
	if verb != "delete" && verb != "remove" && !json.Valid(e.Detail) {
		w.t.Errorf("%s and the log has nothing of what it was changed to", what)
	}
}
