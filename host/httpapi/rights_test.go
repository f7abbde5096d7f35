package httpapi

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// rightsSteps is how many random requests are made; make soak makes so many times as many.
const (
	rightsSteps = 800
	rightsSoak  = 10
)

// holder is a key as a caller has it, with the most that it was ever seen to hold.
type holder struct {
	secret, id string
	seen       engine.Principal
	expires    time.Time
}

// intruder makes random changes with random keys.
type intruder struct {
	*tenants
	rnd     *rand.Rand
	holders []*holder
	users   []string // account/id
	teams   []string // account/id
	done    map[engine.Role]int
	n       int
}

// TestRightsNeverGrowSoak: whatever is written by whomever, no key comes to more role, scopes,
// reach or time than the key that wrote it held; and somebody can always still manage all.
func TestRightsNeverGrowSoak(t *testing.T) {
	t.Parallel()
	times := 1
	if os.Getenv("POINTSMAN_SOAK") != "" {
		times = rightsSoak
	}
	const seed = 7
	in := &intruder{tenants: startTenants(t), rnd: rand.New(rand.NewPCG(seed, seed)), done: map[engine.Role]int{}}
	in.acme()
	in.remember(in.super, "", time.Time{})
	for _, account := range []string{"acme", "rival"} {
		in.teams = append(in.teams, account+"/red", account+"/blue")
		for _, u := range [][3]string{
			{"boss", "", "account_admin"}, {"boss2", "red", "account_admin"}, {"lead", "red", "team_lead"}, {"bluelead", "blue", "team_lead"},
			{"user", "red", "user"}, {"mate", "red", "user"}, {"blueuser", "blue", "user"}, {"free", "", "user"},
		} {
			in.users = append(in.users, account+"/"+u[0])
			in.remember(in.user(account, u[1], u[0], u[2], everyScope), "", time.Time{})
			in.remember(in.key(account, u[0], `"read","manage"`), "", time.Time{})
			in.remember(in.key(account, u[0], `"inference"`), "", time.Time{})
		}
	}
	in.users = append(in.users, "default/admin")
	for in.n = range times * rightsSteps {
		in.step()
		if t.Failed() {
			t.Fatalf("seed %d, step %d", seed, in.n)
		}
		if in.n%200 == 0 {
			in.probe()
		}
	}
	in.probe()
	t.Logf("changes made, by role: %v; %d keys known", in.done, len(in.holders))
	for role, least := range map[engine.Role]int{engine.RoleSuperAdmin: 20, engine.RoleAccountAdmin: 20, engine.RoleTeamLead: 8, engine.RoleUser: 8} {
		if in.done[role] < least {
			t.Errorf("%d changes as %s, want %d for the test to mean something", in.done[role], role, least)
		}
	}
}

// remember adds a key that a caller came to hold.
func (in *intruder) remember(secret, id string, expires time.Time) *holder {
	h := &holder{secret: secret, id: id, expires: expires}
	h.seen, _ = in.keys.Authenticate(secret, *in.now.Load())
	if h.id == "" {
		h.id = h.seen.KeyID
	}
	in.holders = append(in.holders, h)
	return h
}

// step makes one random request with a random key and checks what came of it.
func (in *intruder) step() {
	// Roles are taken in turn, as there are many more keys of users.
	role := []engine.Role{engine.RoleSuperAdmin, engine.RoleAccountAdmin, engine.RoleTeamLead, engine.RoleUser}[in.rnd.IntN(4)]
	able := []*holder{}
	for _, h := range in.holders {
		if p, err := in.keys.Authenticate(h.secret, *in.now.Load()); err == nil && p.Role == role {
			able = append(able, h)
		}
	}
	if len(able) == 0 {
		return
	}
	by := able[in.rnd.IntN(len(able))]
	p, _ := in.keys.Authenticate(by.secret, *in.now.Load())
	method, path, body := in.request(p)
	before := map[*holder]engine.Principal{}
	for _, h := range in.holders {
		before[h] = h.seen
	}
	r := in.do(method, path, by.secret, body)
	what := fmt.Sprintf("%s %s %s by %s %s/%s of team %q with %v", method, path, body, p.Role, p.AccountID, p.UserID, p.TeamID, p.Scopes.Names())
	if r.status >= 500 || r.status == 401 {
		in.t.Fatalf("%s = %d %s", what, r.status, r.body)
	}
	if r.status >= 300 {
		return
	}
	in.done[role]++
	if !p.Scopes.Has(engine.ScopeRead | engine.ScopeManage) {
		in.t.Errorf("%s = %d, want it refused without the scope", what, r.status)
	}
	var made struct {
		ID        string    `json:"id"`
		AccountID string    `json:"account_id"`
		Secret    string    `json:"secret"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	_ = json.Unmarshal([]byte(r.body), &made)
	if made.Secret != "" {
		h := in.remember(made.Secret, made.ID, made.ExpiresAt)
		if !by.expires.IsZero() && (made.ExpiresAt.IsZero() || made.ExpiresAt.After(by.expires)) {
			in.t.Errorf("%s made a key until %v with one until %v", what, made.ExpiresAt, by.expires)
		}
		before[h] = engine.Principal{}
	} else if method == "POST" && made.ID != "" {
		switch {
		case strings.HasPrefix(path, "/api/v1/users"):
			in.users = append(in.users, made.AccountID+"/"+made.ID)
		case strings.HasPrefix(path, "/api/v1/teams"):
			in.teams = append(in.teams, made.AccountID+"/"+made.ID)
		}
	}
	in.compare(what, p, before)
}

// compare finds keys that may more than before, and holds it against who changed it.
func (in *intruder) compare(what string, by engine.Principal, before map[*holder]engine.Principal) {
	manages := false
	latent := in.latent()
	for _, h := range in.holders {
		now, err := in.keys.Authenticate(h.secret, *in.now.Load())
		switch {
		case engine.CodeOf(err) == engine.CodeForbidden:
			// Suspended: what it would hold was given by whoever changed it now.
			now = latent[h.id]
		case err != nil:
			continue
		}
		if err == nil && now.Role == engine.RoleSuperAdmin && now.Scopes.Has(engine.ScopeRead|engine.ScopeManage) {
			manages = true
		}
		was := before[h]
		h.seen = now
		gained := was.KeyID == "" || now.Role.Rank() > was.Role.Rank() || now.Scopes&^was.Scopes != 0 || now.TeamID != was.TeamID && now.TeamID != "" || now.AccountID != was.AccountID
		if !gained {
			h.seen.Scopes |= was.Scopes // what was once given is no news when it comes back
			continue
		}
		added := now.Scopes &^ was.Scopes
		rose := was.KeyID == "" || now.Role.Rank() > was.Role.Rank()
		switch {
		case by.Role != engine.RoleSuperAdmin && now.AccountID != by.AccountID:
			in.t.Errorf("%s: key %s of another account, %s, gained %+v over %+v", what, h.id, now.AccountID, now, was)
		case rose && now.Role.Rank() > by.Role.Rank():
			in.t.Errorf("%s: key %s came to be %s", what, h.id, now.Role)
		case !by.Scopes.Has(added):
			in.t.Errorf("%s: key %s gained the scopes %v", what, h.id, added.Names())
		case by.Role == engine.RoleTeamLead && now.UserID != by.UserID && now.TeamID != by.TeamID:
			in.t.Errorf("%s: key %s of team %q gained %+v over %+v", what, h.id, now.TeamID, now, was)
		case by.Role == engine.RoleUser && now.UserID != by.UserID:
			in.t.Errorf("%s: key %s of user %s gained %+v over %+v", what, h.id, now.UserID, now, was)
		}
	}
	if !manages {
		in.t.Errorf("%s: nobody can manage the gateway any more", what)
	}
}

// latent is what every key would hold were nobody suspended.
func (in *intruder) latent() map[string]engine.Principal {
	users, err := in.store.Store.ListUsers(in.t.Context())
	if err != nil {
		in.t.Fatal(err)
	}
	keys, err := in.store.Store.ListKeys(in.t.Context())
	if err != nil {
		in.t.Fatal(err)
	}
	byID := map[string]engine.User{}
	for _, u := range users {
		byID[u.AccountID+"/"+u.ID] = u
	}
	all := map[string]engine.Principal{}
	for _, k := range keys {
		u := byID[k.AccountID+"/"+k.UserID]
		all[k.ID] = engine.Principal{AccountID: k.AccountID, TeamID: u.TeamID, UserID: u.ID, KeyID: k.ID, KeyName: k.Name, Role: u.Role, Scopes: k.Scopes}
	}
	return all
}

// probe asks every key what it sees of users: at most what its role reaches.
func (in *intruder) probe() {
	in.t.Helper()
	for _, h := range in.holders {
		p, err := in.keys.Authenticate(h.secret, *in.now.Load())
		if err != nil || !p.Scopes.Has(engine.ScopeRead) {
			continue
		}
		r := in.do("GET", "/api/v1/users?limit=200", h.secret, "")
		var list struct {
			Data []struct {
				ID        string      `json:"id"`
				AccountID string      `json:"account_id"`
				TeamID    string      `json:"team_id"`
				Role      engine.Role `json:"role"`
			}
		}
		if err := json.Unmarshal([]byte(r.body), &list); err != nil || r.status != 200 || len(list.Data) == 0 {
			in.t.Fatalf("step %d: list of users by %+v = %d %s, want at least itself", in.n, p, r.status, r.body)
		}
		for _, u := range list.Data {
			self := u.AccountID == p.AccountID && u.ID == p.UserID
			ok := self || p.Role == engine.RoleSuperAdmin ||
				u.AccountID == p.AccountID && u.Role.Rank() <= p.Role.Rank() &&
					(p.Role == engine.RoleAccountAdmin || p.Role == engine.RoleTeamLead && p.TeamID != "" && u.TeamID == p.TeamID)
			if !ok {
				in.t.Errorf("step %d: %+v sees %+v", in.n, p, u)
			}
		}
	}
}

// request is a random change, with ids from everywhere.
func (in *intruder) request(p engine.Principal) (method, path, body string) {
	pick := func(list ...string) string { return list[in.rnd.IntN(len(list))] }
	account, id, _ := strings.Cut(pick(in.users...), "/")
	teamAccount, team, _ := strings.Cut(pick(in.teams...), "/")
	if in.rnd.IntN(3) > 0 { // mostly in one's own account, and often oneself
		own := slices.DeleteFunc(slices.Clone(in.users), func(u string) bool { return !strings.HasPrefix(u, p.AccountID+"/") })
		account, id, _ = strings.Cut(pick(append(own, p.AccountID+"/"+p.UserID)...), "/")
		if own = slices.DeleteFunc(slices.Clone(in.teams), func(u string) bool { return !strings.HasPrefix(u, p.AccountID+"/") }); len(own) > 0 {
			teamAccount, team, _ = strings.Cut(pick(own...), "/")
		}
	}
	if in.rnd.IntN(4) == 0 {
		account, id = p.AccountID, p.UserID
	}
	key := in.holders[in.rnd.IntN(len(in.holders))].id
	if in.rnd.IntN(3) == 0 {
		key = p.KeyID
	}
	role := pick("super_admin", "account_admin", "team_lead", "user", "user")
	scopes := pick(`"inference"`, `"read"`, `"read","manage"`, everyScope, `"inference","read"`, `"manage"`)
	end := in.now.Load().Add(time.Duration(1+in.rnd.IntN(100)) * time.Hour).Format(time.RFC3339)
	query := "?account_id=" + account
	if in.rnd.IntN(3) == 0 {
		query = ""
	}
	put := func(members ...string) string { return "{" + strings.Join(members, ",") + "}" }
	text := func(name, value string) string { return fmt.Sprintf("%q:%q", name, value) }
	in.rows()
	switch n := in.rnd.IntN(100); {
	case n < 12:
		return "POST", "/api/v1/users", put(text("id", fmt.Sprintf("u%d", in.n)), text("name", "n"), text("account_id", account), text("team_id", pick(team, "")), text("role", role))
	case n < 22:
		return "PATCH", "/api/v1/users/" + id + query, put(text("role", role))
	case n < 30:
		return "PATCH", "/api/v1/users/" + id + query, put(text("team_id", pick(team, "")))
	case n < 36:
		return "PATCH", "/api/v1/users/" + id + query, put(`"suspended":` + pick("true", "false", "false"))
	case n < 39:
		return "PATCH", "/api/v1/users/" + id + query, put(text("name", "another"))
	case n < 41:
		return "DELETE", "/api/v1/users/" + id + query, ""
	case n < 62:
		members := []string{text("name", "k"), text("account_id", account), text("user_id", id)}
		if in.rnd.IntN(3) > 0 {
			members = append(members, `"scopes":[`+scopes+`]`)
		}
		if in.rnd.IntN(4) == 0 {
			members = append(members, text("expires_at", end))
		}
		if in.rnd.IntN(10) == 0 { // nothing of the kind may be set
			members = append(members, pick(text("role", "super_admin"), text("team_id", team), text("id", "mine"), text("digest", "AA=="), text("secret", "s")))
		}
		return "POST", "/api/v1/keys", put(members...)
	case n < 72:
		return "PATCH", "/api/v1/keys/" + key, put(pick(`"scopes":[`+scopes+`]`, text("name", "n"), text("expires_at", end), `"never_expires":true`))
	case n < 82:
		return "POST", "/api/v1/keys/" + key + "/rotate", put(pick(`"overlap_seconds":0`, `"overlap_seconds":3600`, text("expires_at", end)))
	case n < 86:
		return "DELETE", "/api/v1/keys/" + key, ""
	case n < 91:
		return "POST", "/api/v1/teams", put(text("id", fmt.Sprintf("t%d", in.n)), text("name", "n"), text("account_id", account))
	case n < 95:
		return "PATCH", "/api/v1/teams/" + team + "?account_id=" + teamAccount, put(text("name", "another"))
	case n < 96:
		return "DELETE", "/api/v1/teams/" + team + "?account_id=" + teamAccount, ""
	case n < 99:
		return "PATCH", "/api/v1/accounts/" + account, put(pick(text("name", "n"), `"suspended":true`, `"suspended":false`, `"suspended":false`))
	}
	return "POST", "/api/v1/accounts", put(text("id", fmt.Sprintf("a%d", in.n)), text("name", "n"))
}

// rows keeps the world inhabited: every so often the super admin lets suspended ones back in
// and makes a lead and an admin, as chance locks more doors than it opens.
func (in *intruder) rows() {
	if in.n%100 != 99 {
		return
	}
	super := ""
	for _, h := range in.holders {
		if p, err := in.keys.Authenticate(h.secret, *in.now.Load()); err == nil && p.Role == engine.RoleSuperAdmin && p.Scopes == engine.AllScopes {
			super = h.secret
		}
	}
	if super == "" {
		return
	}
	for _, account := range []string{"acme", "rival"} {
		in.do("PATCH", "/api/v1/accounts/"+account, super, `{"suspended":false}`)
		for _, role := range []string{"account_admin", "team_lead", "user"} {
			team := fmt.Sprintf("fresh%d", in.n)
			in.do("POST", "/api/v1/teams", super, fmt.Sprintf(`{"account_id":%q,"id":%q,"name":"n"}`, account, team))
			id := fmt.Sprintf("%s%d", strings.ReplaceAll(role, "_", "-"), in.n)
			in.do("POST", "/api/v1/users", super, fmt.Sprintf(`{"account_id":%q,"team_id":%q,"id":%q,"name":"n","role":%q}`, account, team, id, role))
			r := in.do("POST", "/api/v1/keys", super, fmt.Sprintf(`{"account_id":%q,"user_id":%q,"name":"k"}`, account, id))
			if secret, ok := r.member("secret").(string); ok {
				in.users = append(in.users, account+"/"+id)
				in.teams = append(in.teams, account+"/"+team)
				in.remember(secret, "", time.Time{})
			}
		}
	}
}
