package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	tenantAccount = Tenant{AccountID: "acme"}
	tenantTeam    = Tenant{AccountID: "acme", TeamID: "red"}
	tenantUser    = Tenant{AccountID: "acme", UserID: "ann"}
	annInRed      = Principal{AccountID: "acme", TeamID: "red", UserID: "ann"}
)

// setting is a row of a tenant; change fills it.
func setting(t Tenant, change func(*Preferences)) Preferences {
	p := Preferences{Tenant: t, UpdatedBy: "acme/boss"}
	change(&p)
	return p
}

func overrideOf(t Tenant, change func(*Preferences)) Preferences {
	p := Preferences{Tenant: t, Override: true, Reason: "because", UpdatedBy: "default/root"}
	change(&p)
	return p
}

func defaults(model string) func(*Preferences) {
	return func(p *Preferences) { p.DefaultModel = &model }
}

func allowing(ids ...string) func(*Preferences) {
	return func(p *Preferences) { list := append([]string{}, ids...); p.AllowedModels = &list }
}

func blocking(ids ...string) func(*Preferences) {
	return func(p *Preferences) { p.BlockedModels = &ids }
}

func locking(change func(*Preferences), members ...string) func(*Preferences) {
	return func(p *Preferences) { change(p); p.Locked = members }
}

func TestPolicyHierarchy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		rows []Preferences
		get  func(*Policy) any
		want any
		from string // level, and whether by an override or locked; "": the installation's default
		by   string // member
	}{
		{name: "nothing is set", get: func(p *Policy) any { return p.DefaultModel }, want: "", by: MemberDefaultModel},
		{name: "vision is preferred by default", get: func(p *Policy) any { return p.Prefers() }, want: Prefer{Vision: true}, by: MemberPreferVision},
		{name: "global", rows: []Preferences{setting(Tenant{}, defaults("g"))}, get: func(p *Policy) any { return p.DefaultModel }, want: "g", from: "global", by: MemberDefaultModel},
		{name: "most specific wins", rows: []Preferences{setting(tenantUser, defaults("u")), setting(Tenant{}, defaults("g")), setting(tenantTeam, defaults("t")), setting(tenantAccount, defaults("a"))},
			get: func(p *Policy) any { return p.DefaultModel }, want: "u", from: "user", by: MemberDefaultModel},
		{name: "a level without a value is passed over", rows: []Preferences{setting(tenantUser, allowing("x")), setting(tenantTeam, defaults("t")), setting(tenantAccount, defaults("a"))},
			get: func(p *Policy) any { return p.DefaultModel }, want: "t", from: "team", by: MemberDefaultModel},
		{name: "lock from above", rows: []Preferences{setting(tenantUser, defaults("u")), setting(tenantTeam, defaults("t")), setting(tenantAccount, locking(defaults("a"), MemberDefaultModel))},
			get: func(p *Policy) any { return p.DefaultModel }, want: "a", from: "account locked", by: MemberDefaultModel},
		{name: "the highest lock counts", rows: []Preferences{setting(tenantTeam, locking(defaults("t"), MemberDefaultModel)), setting(Tenant{}, locking(defaults("g"), MemberDefaultModel)), setting(tenantAccount, defaults("a"))},
			get: func(p *Policy) any { return p.DefaultModel }, want: "g", from: "global locked", by: MemberDefaultModel},
		{name: "a lock without a value keeps what is above", rows: []Preferences{setting(tenantUser, defaults("u")), setting(tenantAccount, locking(func(*Preferences) {}, MemberDefaultModel)), setting(Tenant{}, defaults("g"))},
			get: func(p *Policy) any { return p.DefaultModel }, want: "g", from: "global locked", by: MemberDefaultModel},
		{name: "a lock of one member leaves the others", rows: []Preferences{setting(tenantUser, defaults("u")), setting(tenantAccount, locking(defaults("a"), MemberPreferCost))},
			get: func(p *Policy) any { return p.DefaultModel }, want: "u", from: "user", by: MemberDefaultModel},
		{name: "an override beats a lock", rows: []Preferences{setting(Tenant{}, locking(defaults("g"), MemberDefaultModel)), overrideOf(tenantTeam, defaults("o")), setting(tenantUser, defaults("u"))},
			get: func(p *Policy) any { return p.DefaultModel }, want: "o", from: "team override", by: MemberDefaultModel},
		{name: "the most specific override wins", rows: []Preferences{overrideOf(tenantAccount, defaults("oa")), overrideOf(tenantUser, defaults("ou")), setting(tenantUser, defaults("u"))},
			get: func(p *Policy) any { return p.DefaultModel }, want: "ou", from: "user override", by: MemberDefaultModel},
		{name: "an override of another member leaves this one", rows: []Preferences{overrideOf(tenantAccount, allowing("x")), setting(tenantUser, defaults("u"))},
			get: func(p *Policy) any { return p.DefaultModel }, want: "u", from: "user", by: MemberDefaultModel},
		{name: "false is a value", rows: []Preferences{setting(tenantUser, func(p *Preferences) { p.PreferVision = new(bool) })}, get: func(p *Policy) any { return p.PreferVision }, want: false, from: "user", by: MemberPreferVision},
		{name: "text is kept by default", get: func(p *Policy) any { return p.KeepsText() }, want: true, by: MemberStoreText},
		{name: "text is not kept", rows: []Preferences{setting(tenantAccount, func(p *Preferences) { p.StoreText = new(bool) })}, get: func(p *Policy) any { return p.KeepsText() }, want: false, from: "account", by: MemberStoreText},
		{name: "allowed is the intersection", rows: []Preferences{setting(tenantAccount, allowing("a", "b", "c")), setting(tenantTeam, allowing("c", "d", "b")), setting(tenantUser, allowing("z", "b"))},
			get: func(p *Policy) any { return p.Allowed }, want: []string{"b"}, from: "account, team, user", by: MemberAllowedModels},
		{name: "nothing is allowed", rows: []Preferences{setting(tenantAccount, allowing())}, get: func(p *Policy) any { return p.Allowed }, want: []string{}, from: "account", by: MemberAllowedModels},
		{name: "nobody below widens", rows: []Preferences{setting(tenantAccount, allowing("a")), setting(tenantUser, allowing("a", "b"))}, get: func(p *Policy) any { return p.Allowed }, want: []string{"a"}, from: "account, user", by: MemberAllowedModels},
		{name: "blocked is the union", rows: []Preferences{setting(tenantAccount, blocking("b")), setting(tenantTeam, blocking("a", "b"))}, get: func(p *Policy) any { return p.Blocked }, want: []string{"a", "b"}, from: "account, team", by: MemberBlockedModels},
		{name: "an override of allowed replaces", rows: []Preferences{setting(tenantAccount, allowing("a")), setting(tenantUser, allowing("a")), overrideOf(tenantAccount, allowing("x", "y"))},
			get: func(p *Policy) any { return p.Allowed }, want: []string{"x", "y"}, from: "account override", by: MemberAllowedModels},
		{name: "an override of blocked replaces", rows: []Preferences{setting(tenantAccount, blocking("a")), overrideOf(tenantUser, blocking("z"))},
			get: func(p *Policy) any { return p.Blocked }, want: []string{"z"}, from: "user override", by: MemberBlockedModels},
		{name: "the model of an override is allowed", rows: []Preferences{setting(tenantAccount, allowing("a")), setting(tenantTeam, blocking("m")), overrideOf(tenantTeam, func(p *Preferences) { m := "m"; p.Model = &m })},
			get: func(p *Policy) any { return fmt.Sprint(p.Model, p.Allows("m"), p.Allows("x")) }, want: "mtrue false", from: "team override", by: MemberModel},
		{name: "caps of every level", rows: []Preferences{
			setting(tenantAccount, func(p *Preferences) { n := int64(100); p.MaxTokensPerDay = &n }),
			setting(tenantUser, func(p *Preferences) { n := int64(500); p.MaxTokensPerDay, p.MaxCostPerDay = &n, new(int64) })},
			get: func(p *Policy) any { return p.Caps }, want: []Cap{{tenantAccount, 100, Uncapped}, {tenantUser, 500, 0}}, from: "account, user", by: MemberMaxTokens},
		{name: "an override of a cap is its own level's", rows: []Preferences{
			setting(tenantAccount, func(p *Preferences) { n := int64(100); p.MaxTokensPerDay = &n }),
			setting(tenantTeam, func(p *Preferences) { n := int64(10); p.MaxTokensPerDay = &n }),
			overrideOf(tenantTeam, func(p *Preferences) { n := int64(70); p.MaxTokensPerDay = &n })},
			get: func(p *Policy) any { return p.Caps }, want: []Cap{{tenantAccount, 100, Uncapped}, {tenantTeam, 70, Uncapped}}, from: "account, team override", by: MemberMaxTokens},
		{name: "another account's rows are nothing", rows: []Preferences{setting(Tenant{AccountID: "rival"}, allowing("x")), setting(Tenant{AccountID: "rival", TeamID: "red"}, defaults("r")), setting(Tenant{AccountID: "rival", UserID: "ann"}, defaults("r"))},
			get: func(p *Policy) any { return fmt.Sprint(p.Allowed == nil, p.DefaultModel) }, want: "true", by: MemberDefaultModel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := NewPolicies(tt.rows, nil, nil).Of(annInRed)
			if got := tt.get(p); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("Of(ann in red) = %v, want %v", got, tt.want)
			}
			var from []string
			for _, s := range p.Sources[tt.by] {
				text := string(s.Level)
				if s.Override {
					text += " override"
					if s.Reason != "because" || s.By != "default/root" {
						t.Errorf("source of %s = %+v, want the override's reason and author", tt.by, s)
					}
				}
				if s.Locked {
					text += " locked"
				}
				from = append(from, text)
			}
			if got := strings.Join(from, ", "); got != tt.from {
				t.Errorf("source of %s = %q, want %q", tt.by, got, tt.from)
			}
		})
	}
}

// Each caller gets the rows of its own levels, and a user's go with it into any team.
func TestPoliciesOf(t *testing.T) {
	t.Parallel()
	s := NewPolicies([]Preferences{
		setting(Tenant{}, allowing("g", "a", "r", "b", "u")), setting(tenantAccount, allowing("a", "r", "b", "u")), setting(tenantTeam, allowing("r", "u")),
		setting(Tenant{AccountID: "acme", TeamID: "blue"}, allowing("b", "u")), setting(tenantUser, defaults("u")),
	}, nil, nil)
	tests := []struct {
		who  Principal
		want string
	}{
		{Principal{AccountID: "other", UserID: "x"}, "[a b g r u] "},
		{Principal{AccountID: "acme", UserID: "bob"}, "[a b r u] "},
		{Principal{AccountID: "acme", TeamID: "red", UserID: "bob"}, "[r u] "},
		{Principal{AccountID: "acme", TeamID: "grey", UserID: "bob"}, "[a b r u] "},
		{annInRed, "[r u] u"},
		{Principal{AccountID: "acme", TeamID: "blue", UserID: "ann"}, "[b u] u"},
		{Principal{AccountID: "acme", TeamID: "grey", UserID: "ann"}, "[a b r u] u"},
		{annInRed, "[r u] u"},
	}
	for _, tt := range tests {
		p := s.Of(tt.who)
		if got := fmt.Sprint(p.Allowed, " ", p.DefaultModel); got != tt.want {
			t.Errorf("Of(%+v) = %q, want %q", tt.who, got, tt.want)
		}
	}
	if p := (*Policies)(nil).Of(annInRed); !p.StoreText || !p.PreferVision || !p.Allows("x") {
		t.Errorf("Of without rows = %+v, want the defaults", p)
	}
}

// Whatever rows there are, without an override nobody is allowed what a level above forbids.
func TestPolicyNeverWidens(t *testing.T) {
	t.Parallel()
	models := strings.Split("a b c d e f", " ")
	random := rand.New(rand.NewPCG(1, 2))
	some := func() *[]string {
		if random.IntN(3) == 0 {
			return nil
		}
		list := []string{}
		for _, m := range models {
			if random.IntN(3) > 0 {
				list = append(list, m)
			}
		}
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return &list
	}
	members := []string{MemberAllowedModels, MemberBlockedModels, MemberDefaultModel}
	allowed, refused := 0, 0
	for range 3_000 {
		var rows []Preferences
		for _, tenant := range []Tenant{{}, tenantAccount, tenantTeam, tenantUser, {AccountID: "rival"}} {
			if random.IntN(4) == 0 {
				continue
			}
			p := Preferences{Tenant: tenant, AllowedModels: some(), BlockedModels: some()}
			if random.IntN(2) == 0 {
				p.Locked = members[:random.IntN(len(members)+1)]
			}
			rows = append(rows, p)
		}
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		p := NewPolicies(rows, nil, nil).Of(annInRed)
		for _, m := range models {
			want := true
			for _, r := range rows {
				if r.AccountID == "rival" {
					continue
				}
				if r.AllowedModels != nil && !slices.Contains(*r.AllowedModels, m) || r.BlockedModels != nil && slices.Contains(*r.BlockedModels, m) {
					want = false
				}
			}
			if got := p.Allows(m); got != want {
				t.Fatalf("Allows(%q) = %v, want %v under %+v", m, got, want, rows)
			}
			if want {
				allowed++
			} else {
				refused++
			}
		}
	}
	if allowed == 0 || refused == 0 {
		t.Errorf("%d allowed and %d refused, want some of both", allowed, refused)
	}
}

// Users of many teams look up at once, also one user in two teams, as during a move. Run it with -race.
func TestPoliciesHammer(t *testing.T) {
	t.Parallel()
	s := NewPolicies([]Preferences{
		setting(tenantAccount, allowing("a", "r", "b", "u")), setting(tenantTeam, allowing("r", "u")),
		setting(Tenant{AccountID: "acme", TeamID: "blue"}, allowing("b", "u")), setting(tenantUser, allowing("r", "b")),
	}, nil, nil)
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for n := range 2_000 {
				who, want := annInRed, "r"
				if (i+n)%2 == 0 {
					who.TeamID, want = "blue", "b"
				}
				if got := s.Of(who).Allowed; len(got) != 1 || got[0] != want {
					t.Errorf("Of(ann in %s) allows %q, want %s", who.TeamID, got, want)
					return
				}
			}
		})
	}
	callers.Wait()
}

// manyPolicies has rows of every kind for a hundred accounts.
func manyPolicies() *Policies {
	var rows []Preferences
	for a := range 100 {
		account := fmt.Sprintf("account-%d", a)
		rows = append(rows, setting(Tenant{AccountID: account}, allowing("a", "b", "c", "d")))
		for n := range 10 {
			rows = append(rows,
				setting(Tenant{AccountID: account, TeamID: fmt.Sprintf("team-%d", n)}, allowing("a", "b", "c")),
				setting(Tenant{AccountID: account, UserID: fmt.Sprintf("user-%d", n)}, allowing("a", "b")))
		}
	}
	return NewPolicies(rows, nil, nil)
}

func TestPolicyOfAllocatesNothing(t *testing.T) {
	s := manyPolicies()
	for _, who := range []Principal{
		{AccountID: "elsewhere"}, {AccountID: "account-7", UserID: "nobody"}, {AccountID: "account-7", TeamID: "team-3", UserID: "nobody"},
		{AccountID: "account-7", UserID: "user-3"}, {AccountID: "account-7", TeamID: "team-3", UserID: "user-3"},
	} {
		s.Of(who)
		if n := testing.AllocsPerRun(100, func() { s.Of(who) }); n != 0 {
			t.Errorf("Of(%+v) makes %v allocations, want none", who, n)
		}
	}
}

// BenchmarkPolicyOf is the lookup of a user with settings in a team with settings.
func BenchmarkPolicyOf(b *testing.B) {
	s := manyPolicies()
	who := Principal{AccountID: "account-7", TeamID: "team-3", UserID: "user-3"}
	b.ReportAllocs()
	for b.Loop() {
		if s.Of(who).Allows("c") {
			b.Fatal("c is allowed")
		}
	}
}

// assignment is an enabled one for reviews.
func assignment(t Tenant, id string, change func(*Assignment)) Assignment {
	a := Assignment{Tenant: t, ID: id, TaskType: "review", Model: "m-" + id, Priority: DefaultPriority, Enabled: true, CreatedAt: rigTime}
	if change != nil {
		change(&a)
	}
	return a
}

// Which assignment counts: levels, locks, priorities and expiry under the request's clock.
func TestPolicyAssigned(t *testing.T) {
	t.Parallel()
	locked := func(a *Assignment) { a.Locked = true }
	until := func(d time.Duration) func(*Assignment) { return func(a *Assignment) { a.ExpiresAt = rigTime.Add(d) } }
	tests := []struct {
		name string
		rows []Assignment
		want string
	}{
		{"none", nil, ""},
		{"another task", []Assignment{assignment(tenantUser, "u", func(a *Assignment) { a.TaskType = "translation" })}, ""},
		{"most specific first", []Assignment{assignment(Tenant{}, "g", nil), assignment(tenantAccount, "a", nil), assignment(tenantTeam, "t", nil), assignment(tenantUser, "u", nil)}, "u"},
		{"of the team", []Assignment{assignment(tenantAccount, "a", nil), assignment(tenantTeam, "t", nil)}, "t"},
		{"a level above locked its own", []Assignment{assignment(tenantAccount, "a", locked), assignment(tenantTeam, "t", nil), assignment(tenantUser, "u", nil)}, "a"},
		{"the highest lock counts", []Assignment{assignment(Tenant{}, "g", locked), assignment(tenantAccount, "a", locked)}, "g"},
		{"a lock that expired is none", []Assignment{assignment(tenantAccount, "a", func(a *Assignment) { a.Locked = true; until(0)(a) }), assignment(tenantTeam, "t", nil)}, "t"},
		{"a lock of another task is none", []Assignment{assignment(tenantAccount, "a", func(a *Assignment) { a.Locked, a.TaskType = true, "translation" }), assignment(tenantTeam, "t", nil)}, "t"},
		{"priority within a level", []Assignment{assignment(tenantTeam, "low", func(a *Assignment) { a.Priority = 1 }), assignment(tenantTeam, "high", func(a *Assignment) { a.Priority = 99 })}, "high"},
		{"priority does not cross levels", []Assignment{assignment(tenantAccount, "a", func(a *Assignment) { a.Priority = MaxPriority }), assignment(tenantTeam, "t", func(a *Assignment) { a.Priority = 0 })}, "t"},
		{"the older of a tie", []Assignment{assignment(tenantTeam, "a", func(a *Assignment) { a.CreatedAt = rigTime.Add(time.Hour) }), assignment(tenantTeam, "b", nil)}, "b"},
		{"made for a user by somebody above goes before its own", []Assignment{
			assignment(tenantUser, "own", func(a *Assignment) { a.Priority, a.UpdatedBy = MaxPriority, "acme/ann" }),
			assignment(tenantUser, "given", func(a *Assignment) { a.Priority, a.UpdatedBy = 0, "acme/boss" }),
		}, "given"},
		{"a user of that id in another account is somebody else", []Assignment{
			assignment(tenantUser, "given", func(a *Assignment) { a.Priority, a.UpdatedBy = 0, "rival/ann" }),
			assignment(tenantUser, "own", func(a *Assignment) { a.Priority, a.UpdatedBy = MaxPriority, "acme/ann" }),
		}, "given"},
		{"expired", []Assignment{assignment(tenantTeam, "t", until(0)), assignment(tenantAccount, "a", nil)}, "a"},
		{"not yet", []Assignment{assignment(tenantTeam, "t", until(time.Millisecond)), assignment(tenantAccount, "a", nil)}, "t"},
		{"disabled", []Assignment{assignment(tenantTeam, "t", func(a *Assignment) { a.Enabled, a.Locked = false, true }), assignment(tenantUser, "u", nil)}, "u"},
		{"another team's", []Assignment{assignment(Tenant{AccountID: "acme", TeamID: "blue"}, "b", nil), assignment(Tenant{AccountID: "acme", UserID: "bob"}, "bob", nil)}, ""},
		{"another account's", []Assignment{assignment(Tenant{AccountID: "rival"}, "r", nil)}, ""},
		{"a condition that nothing compiles", []Assignment{assignment(tenantTeam, "t", func(a *Assignment) { a.When = "true" }), assignment(tenantTeam, "z", nil)}, "z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := NewPolicies(nil, tt.rows, nil).Of(annInRed)
			r := &Request{Received: rigTime, Features: Features{TaskType: "review"}}
			got := ""
			if a, _ := p.assigned(r); a != nil {
				got = a.ID
			}
			if got != tt.want {
				t.Errorf("assigned = %q, want %q", got, tt.want)
			}
			if list := p.Assignments(rigTime)["review"]; tt.want != "" && !slices.ContainsFunc(list, func(a *Assignment) bool { return a.ID == tt.want }) {
				t.Errorf("Assignments lack %q", tt.want)
			}
		})
	}
}
