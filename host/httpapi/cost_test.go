package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost"
)

// spenders is a server over a real ledger.
type spenders struct {
	*tenants
	live *cost.Live
	keys map[string]string // of account/user
	rows []engine.Usage
}

func costCatalogue() *engine.Catalogue {
	long := testNow.AddDate(-1, 0, 0)
	one := int64(100_000_000)
	return engine.NewCatalogue([]engine.Model{
		{ID: "gpt-4o", Family: "GPT", ProviderID: "openai", UpstreamID: "gpt-4o", Enabled: true},
		{ID: "gpt-5", Family: "GPT", ProviderID: "openai", UpstreamID: "gpt-5", Enabled: true},
		{ID: "claude", Family: "Claude", ProviderID: "anthropic", UpstreamID: "claude", Enabled: true},
		{ID: "vectors", Family: "GPT", ProviderID: "openai", UpstreamID: "vectors", Capabilities: []engine.Capability{engine.CapEmbeddings}, Enabled: true},
	}, []engine.Provider{{ID: "openai", Enabled: true}, {ID: "anthropic", Enabled: true}}, []engine.Price{
		{ProviderID: "openai", UpstreamID: "gpt-4o", From: long, Input: 2_500_000_000, CachedInput: &one, Output: 10_000_000_000},
		{ProviderID: "openai", UpstreamID: "gpt-4o", From: testNow.Truncate(24*time.Hour).AddDate(0, 0, -3), Input: 5_000_000_000, Output: 20_000_000_000},
	})
}

// startCosts serves a ledger with n random rows of the last 80 days.
func startCosts(t *testing.T, n int) *spenders {
	t.Helper()
	s := &spenders{keys: map[string]string{}}
	catalogue := costCatalogue()
	s.tenants = startTenants(t, func(x *tenants, c *Config) {
		r := cost.NewReports(cost.ReportConfig{
			Store: x.store, Directory: c.Users.(cost.Directory), Catalogue: func() *engine.Catalogue { return catalogue }, DefaultModel: "gpt-4o", Now: c.Now,
		})
		s.live = cost.NewLive(cost.LiveConfig{Reports: x.store, Now: c.Now, Every: 10 * time.Millisecond, Refresh: 30 * time.Millisecond})
		c.Usage, c.Costs, c.Live = r, r, s.live
	})
	s.acme()
	people := [][3]string{{"boss", "", "account_admin"}, {"lead", "red", "team_lead"}, {"user", "red", "user"}, {"mate", "red", "user"}, {"bluelead", "blue", "team_lead"}, {"alone", "", "team_lead"}}
	for _, account := range []string{"acme", "rival"} {
		for _, u := range people {
			s.keys[account+"/"+u[0]] = s.user(account, u[1], u[0], u[2], everyScope)
		}
	}
	s.keys["super"] = s.super
	rnd := rand.New(rand.NewPCG(3, 3))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	for i := range n {
		u := people[rnd.IntN(len(people))]
		row := engine.Usage{
			AccountID: pick("acme", "acme", "rival"), ID: fmt.Sprintf("row-%06d", i), RequestID: fmt.Sprintf("req-%d", i), Attempt: 1 + rnd.IntN(2), TeamID: u[1], UserID: u[0],
			KeyID: u[0] + "-key", TaskType: pick("", "code", "chat"), ModelID: pick("gpt-4o", "gpt-5", "claude", "forgotten"), ProviderID: pick("openai", "anthropic"),
			Source: pick("default", "pinned", "a-rule"), Tokens: engine.Tokens{Prompt: rnd.Int64N(5000), Completion: rnd.Int64N(900)}, CostNanoUSD: rnd.Int64N(90_000_000),
			PremiumUse: rnd.Int64N(300), Outcome: engine.OutcomeOK, LatencyMS: rnd.Int64N(2000), StartedAt: testNow.Add(-time.Duration(rnd.Int64N(int64(80 * 24 * time.Hour)))).Truncate(time.Millisecond),
		}
		switch rnd.IntN(8) {
		case 0:
			row.Outcome = engine.OutcomeFailed
		case 1:
			row.Kind, row.Attempt, row.CostNanoUSD, row.Tokens = engine.UsageCorrection, 1, -row.CostNanoUSD, engine.Tokens{}
		case 2:
			row.Outcome = engine.OutcomeCanceled
		}
		s.rows = append(s.rows, row)
	}
	s.add(s.rows...)
	return s
}

func (s *spenders) add(rows ...engine.Usage) {
	s.t.Helper()
	// A store bounds the time of one call, and the race detector makes it long.
	for part := range slices.Chunk(rows, 100) {
		if err := s.store.AddUsage(s.t.Context(), part); err != nil {
			s.t.Fatal(err)
		}
	}
}

// counted is what a test sums by itself.
type counted struct{ Requests, Attempts, Errors, Prompt, Completion, Cost, Premium int64 }

func (c *counted) add(u engine.Usage) {
	c.Cost += u.CostNanoUSD
	if u.Kind == engine.UsageCorrection {
		return
	}
	c.Prompt, c.Completion, c.Premium = c.Prompt+u.Tokens.Prompt, c.Completion+u.Tokens.Completion, c.Premium+u.PremiumUse
	if u.Kind != engine.UsageAttempt {
		return
	}
	c.Attempts++
	if u.Attempt == 1 {
		c.Requests++
	}
	if u.Outcome == engine.OutcomeFailed {
		c.Errors++
	}
}

// shownSum is a group as the API shows it.
type shownSum struct {
	Group    map[string]string `json:"group"`
	At       time.Time         `json:"at"`
	Requests int64             `json:"requests"`
	Attempts int64             `json:"attempts"`
	Errors   int64             `json:"errors"`
	Tokens   tokens            `json:"tokens"`
	Nano     int64             `json:"cost_nano_usd"`
	USD      string            `json:"cost_usd"`
	Premium  float64           `json:"premium_requests"`
	Rate     float64           `json:"error_rate"`
	Latency  latency           `json:"latency_ms"`
}

func (g shownSum) counted() counted {
	return counted{g.Requests, g.Attempts, g.Errors, g.Tokens.Prompt, g.Tokens.Completion, g.Nano, int64(g.Premium*100 + 0.5)}
}

type shownReport struct {
	From, To     time.Time
	Grain        string
	Total        shownSum
	Data, Groups []shownSum
	More         bool
}

func (s *spenders) report(who, path string) (r shownReport) {
	s.t.Helper()
	a := s.want(200, "GET", path, s.keys[who], "")
	if err := json.Unmarshal([]byte(a.body), &r); err != nil {
		s.t.Fatalf("GET %s: %v\n%s", path, err, a.body)
	}
	return r
}

// sums is the rows summed by the key that by gives, "-" for those that do not count.
func (s *spenders) sums(by func(engine.Usage) string) map[string]counted {
	all := map[string]counted{}
	for _, u := range s.rows {
		if key := by(u); key != "-" {
			c := all[key]
			c.add(u)
			all[key] = c
		}
	}
	return all
}

func wantSums(t *testing.T, what string, got []shownSum, key func(shownSum) string, want map[string]counted) {
	t.Helper()
	found := map[string]counted{}
	for _, g := range got {
		if _, twice := found[key(g)]; twice {
			t.Errorf("%s has %q twice", what, key(g))
		}
		found[key(g)] = g.counted()
		if g.USD != engine.FormatUSD(g.Nano) {
			t.Errorf("%s says %d and %q", what, g.Nano, g.USD)
		}
	}
	if !maps.Equal(found, want) {
		t.Errorf("%s = %v, want %v", what, found, want)
	}
}

var (
	costFrom = testNow.Truncate(24*time.Hour).AddDate(0, 0, -60)
	costTo   = testNow.Truncate(24 * time.Hour)
)

func inCostRange(u engine.Usage) bool {
	return !u.StartedAt.Before(costFrom) && u.StartedAt.Before(costTo)
}

var families = map[string]string{"gpt-4o": "GPT", "gpt-5": "GPT", "claude": "Claude"}

// dimension is what a row is under in each group-by.
var dimension = map[string]func(engine.Usage) string{
	"model": func(u engine.Usage) string { return u.ModelID }, "family": func(u engine.Usage) string { return families[u.ModelID] },
	"provider": func(u engine.Usage) string { return u.ProviderID }, "account": func(u engine.Usage) string { return u.AccountID },
	"team": func(u engine.Usage) string { return u.TeamID }, "user": func(u engine.Usage) string { return u.UserID }, "key": func(u engine.Usage) string { return u.KeyID },
	"rule": func(u engine.Usage) string { return u.Source }, "task": func(u engine.Usage) string { return u.TaskType },
}

// Every group-by, alone and in pairs, has the sums that the rows have, for everybody who may ask.
func TestCostSums(t *testing.T) {
	t.Parallel()
	s := startCosts(t, 600)
	between := "from=" + costFrom.Format(time.RFC3339) + "&to=" + costTo.Format(time.RFC3339)
	sees := map[string]func(engine.Usage) bool{
		"super":         func(engine.Usage) bool { return true },
		"acme/boss":     func(u engine.Usage) bool { return u.AccountID == "acme" },
		"acme/lead":     func(u engine.Usage) bool { return u.AccountID == "acme" && u.TeamID == "red" },
		"acme/user":     func(u engine.Usage) bool { return u.AccountID == "acme" && u.UserID == "user" },
		"acme/bluelead": func(u engine.Usage) bool { return u.AccountID == "acme" && u.TeamID == "blue" },
		"acme/alone":    func(u engine.Usage) bool { return u.AccountID == "acme" && u.UserID == "alone" },
		"rival/boss":    func(u engine.Usage) bool { return u.AccountID == "rival" },
	}
	groups := [][]string{{"model", "rule"}, {"family", "user"}, {"team", "task", "provider"}}
	for d := range dimension {
		groups = append(groups, []string{d})
	}
	for who, may := range sees {
		visible := func(u engine.Usage) bool { return may(u) && inCostRange(u) }
		total := s.sums(func(u engine.Usage) string {
			if visible(u) {
				return ""
			}
			return "-"
		})[""]
		for _, by := range groups {
			want := s.sums(func(u engine.Usage) string {
				if !visible(u) {
					return "-"
				}
				key := ""
				for _, d := range by {
					key += dimension[d](u) + "|"
				}
				return key
			})
			key := func(g shownSum) string {
				key := ""
				for _, d := range by {
					key += g.Group[d] + "|"
				}
				return key
			}
			what := fmt.Sprintf("by %s for %s", strings.Join(by, ","), who)
			r := s.report(who, "/api/v1/costs/summary?group_by="+strings.Join(by, ",")+"&"+between)
			wantSums(t, what, r.Data, key, want)
			if r.Total.counted() != total || r.Grain != "day" || r.More || !r.From.Equal(costFrom) || !r.To.Equal(costTo) {
				t.Errorf("total %s = %+v by %s, want %+v by day", what, r.Total.counted(), r.Grain, total)
			}
			if !slices.IsSortedFunc(r.Data, func(a, b shownSum) int { return int(b.Nano - a.Nano) }) {
				t.Errorf("%s is not sorted", what)
			}
			u := s.report(who, "/api/v1/usage?group_by="+strings.Join(by, ",")+"&"+between)
			wantSums(t, "usage "+what, u.Groups, key, want)
			if total := u.Total; total.Rate != float64(total.Errors)/float64(total.Attempts) || total.Latency.P50 <= 0 || total.Latency.P50 > total.Latency.P95 || total.Latency.P95 > total.Latency.P99 {
				t.Errorf("usage %s = %+v, want the rate of errors and percentiles that rise", what, total)
			}
		}
		for grain, layout := range map[string]string{"daily": "2006-01-02", "monthly": "2006-01"} {
			from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
			want := s.sums(func(u engine.Usage) string {
				if !may(u) || u.StartedAt.Before(from) {
					return "-"
				}
				return u.StartedAt.Format(layout) + u.ModelID
			})
			r := s.report(who, "/api/v1/costs/"+grain+"?group_by=model&from="+from.Format(time.RFC3339))
			wantSums(t, grain+" for "+who, r.Data, func(g shownSum) string { return g.At.Format(layout) + g.Group["model"] }, want)
		}
	}
	// The dearest alone, with the total of all.
	all := s.report("acme/boss", "/api/v1/costs/summary?group_by=model&"+between)
	if r := s.report("acme/boss", "/api/v1/costs/summary?group_by=model&limit=1&"+between); !r.More || len(r.Data) != 1 || r.Total.counted() != all.Total.counted() || r.Data[0].counted() != all.Data[0].counted() {
		t.Errorf("limit=1 = %+v, want the first of %+v and the whole total", r, all)
	}
	var top struct {
		Data []struct {
			Model       string
			Share       float64
			Nano        int64 `json:"cost_nano_usd"`
			PerThousand int64 `json:"cost_nano_usd_per_1000_requests"`
		}
	}
	if err := json.Unmarshal([]byte(s.want(200, "GET", "/api/v1/costs/top?"+between, s.keys["acme/boss"], "").body), &top); err != nil || len(top.Data) != len(all.Data) {
		t.Fatalf("top = %+v, %v, want %d models", top, err, len(all.Data))
	}
	for i, m := range top.Data {
		want := all.Data[i]
		if m.Model != want.Group["model"] || m.Nano != want.Nano || m.PerThousand != want.Nano*1000/want.Requests || m.Share != float64(want.Nano)/float64(all.Total.Nano) {
			t.Errorf("top[%d] = %+v, want that of %+v", i, m, want)
		}
	}
}

// What is beyond one's rights is not there.
func TestCostRights(t *testing.T) {
	t.Parallel()
	s := startCosts(t, 0)
	for _, c := range []struct {
		who, query string
		status     int
	}{
		{"acme/user", "user_id=mate", 404}, {"acme/user", "team_id=blue", 404}, {"acme/user", "account_id=rival", 404}, {"acme/user", "key_id=mate-key", 404},
		{"acme/user", "user_id=user&team_id=red&account_id=acme", 200},
		{"acme/lead", "user_id=mate", 200}, {"acme/lead", "user_id=bluelead", 404}, {"acme/lead", "team_id=blue", 404}, {"acme/lead", "user_id=nobody", 404},
		{"acme/alone", "user_id=user", 404}, {"acme/alone", "team_id=red", 404},
		{"acme/boss", "team_id=blue&user_id=bluelead", 200}, {"acme/boss", "account_id=rival", 404},
		{"super", "account_id=rival&user_id=user", 200}, {"super", "user_id=user", 400},
	} {
		for _, path := range []string{"costs/summary", "costs/daily", "costs/monthly", "costs/top", "costs/projection"} {
			if r := s.do("GET", "/api/v1/"+path+"?"+c.query, s.keys[c.who], ""); r.status != c.status {
				t.Errorf("%s?%s for %s = %d %s, want %d", path, c.query, c.who, r.status, r.body, c.status)
			}
		}
		for _, path := range []string{"usage", "usage/export", "costs/savings"} { // of one account
			want := c.status
			if want == 400 {
				want = 200
			}
			if r := s.do("GET", "/api/v1/"+path+"?"+c.query, s.keys[c.who], ""); r.status != want {
				t.Errorf("%s?%s for %s = %d %s, want %d", path, c.query, c.who, r.status, r.body, want)
			}
		}
	}
	for query, status := range map[string]int{
		"from=2026-11-01T00:00:00Z&to=2026-11-20T00:00:00Z&grain=minute": 400, // too many steps
		"from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&grain=hour":   400, // no longer kept
		"from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z":              400,
		"from=2006-11-20T00:00:00Z":                                      400,
		"group_by=model,model":                                           400,
		"group_by=colour":                                                422,
		"limit=0":                                                        422,
		"from=2026-11-22T01:00:00Z&to=2026-11-22T02:00:00Z&grain=minute": 200,
	} {
		if r := s.do("GET", "/api/v1/costs/summary?"+query, s.keys["acme/boss"], ""); r.status != status {
			t.Errorf("summary?%s = %d %s, want %d", query, r.status, r.body, status)
		}
	}
	for query, grain := range map[string]string{
		"from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z": "day", "from=2026-11-20T01:00:00Z&to=2026-11-22T00:00:00Z": "hour",
		"from=2026-11-22T01:01:00Z&to=2026-11-22T02:00:00Z": "minute", "from=2026-10-30T11:11:00Z&to=2026-11-22T00:00:00Z": "hour", "from=2024-01-01T11:00:00Z": "day",
	} {
		if r := s.report("acme/boss", "/api/v1/costs/summary?"+query); r.Grain != grain {
			t.Errorf("summary?%s is by %s, want %s", query, r.Grain, grain)
		}
	}
}

func TestCostProjectionAndSavings(t *testing.T) {
	t.Parallel()
	s := startCosts(t, 0) // noon of November 22nd: 8.5 days are left
	row := func(id, model string, daysAgo int, cost int64, tokens engine.Tokens) engine.Usage {
		return engine.Usage{AccountID: "acme", ID: id, UserID: "user", TeamID: "red", ModelID: model, ProviderID: "openai", Attempt: 1, Tokens: tokens, CostNanoUSD: cost, Outcome: engine.OutcomeOK, StartedAt: testNow.AddDate(0, 0, -daysAgo)}
	}
	project := func() map[string]any {
		var m map[string]any
		if err := json.Unmarshal([]byte(s.want(200, "GET", "/api/v1/costs/projection", s.keys["acme/boss"], "").body), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, step := range []struct {
		add                           []engine.Usage
		spent, daily, projected, days float64
		enough                        bool
	}{
		{nil, 0, 0, 0, 0, false},
		{[]engine.Usage{row("a", "gpt-5", 0, 500, engine.Tokens{})}, 500, 0, 500, 0, false},
		{[]engine.Usage{row("b", "gpt-5", 2, 1000, engine.Tokens{})}, 1500, 500, 1500 + 4250, 2, false},
		{[]engine.Usage{row("c", "gpt-5", 30, 70_000, engine.Tokens{})}, 1500, 142, 1500 + 1214, 7, true}, // of October
	} {
		s.add(step.add...)
		m := project()
		if m["spent_nano_usd"] != step.spent || m["daily_nano_usd"] != step.daily || m["projected_nano_usd"] != step.projected || m["days"] != step.days || m["enough_data"] != step.enough || m["days_left"] != 8.5 {
			t.Errorf("projection = %v, want %+v", m, step)
		}
		if _, noted := m["note"]; noted == step.enough {
			t.Errorf("projection = %v, want a note exactly when the data are too few", m)
		}
	}
	// A million tokens in and out at gpt-4o: 12.50 dollars until three days ago, then 25.
	million := engine.Tokens{Prompt: 1_000_000, Completion: 1_000_000}
	s.add(row("d", "claude", 10, 3_000_000_000, million), row("e", "claude", 1, 30_000_000_000, million), row("f", "vectors", 1, 7, engine.Tokens{Prompt: 9}),
		engine.Usage{AccountID: "acme", ID: "g", Kind: engine.UsageExternal, Source: engine.SourceExternal, ModelID: "claude", CostNanoUSD: 99, StartedAt: testNow})
	var got struct {
		Baseline string
		Total    saving
		Data     []saving
		Assumed  []string
	}
	if err := json.Unmarshal([]byte(s.want(200, "GET", "/api/v1/costs/savings?model=claude", s.keys["acme/boss"], "").body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Baseline != "gpt-4o" || len(got.Assumed) == 0 || got.Total.SpentNanoUSD != 33_000_000_000 || got.Total.WouldNanoUSD != 37_500_000_000 || got.Total.SavedUSD != "4.50" {
		t.Errorf("savings = %+v, want 37.50 - 33 = 4.50 against gpt-4o", got)
	}
	if err := json.Unmarshal([]byte(s.want(200, "GET", "/api/v1/costs/savings", s.keys["acme/boss"], "").body), &got); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(got.Data, func(x saving) bool { return x.Model == "vectors" })
	if at < 0 || got.Data[at].Compared || got.Data[at].SavedNanoUSD != 0 || got.Total.WouldNanoUSD != 37_500_000_000 {
		t.Errorf("savings = %+v, want embeddings compared with nothing", got)
	}
	isProblem(t, "no price", s.do("GET", "/api/v1/costs/savings?baseline=claude", s.keys["acme/boss"], ""), 400, "invalid_request")
	isProblem(t, "unknown", s.do("GET", "/api/v1/costs/savings?baseline=nothing", s.keys["acme/boss"], ""), 400, "invalid_request")
}

// What was spent elsewhere counts once, however often it is told.
func TestRecordCost(t *testing.T) {
	t.Parallel()
	s := startCosts(t, 0)
	const body = `{"id":"invoice-7","provider":"elsewhere","cost_usd":"12.50","user_id":"user","at":"2026-11-20T10:00:00Z","tokens":{"prompt":5}}`
	boss := s.keys["acme/boss"]
	first := s.want(201, "POST", "/api/v1/costs/record", boss, body)
	if again := s.want(200, "POST", "/api/v1/costs/record", boss, body); again.body != first.body {
		t.Errorf("the second answer = %s, want %s", again.body, first.body)
	}
	isProblem(t, "another cost", s.do("POST", "/api/v1/costs/record", boss, strings.Replace(body, "12.50", "12.51", 1)), 409, "conflict")
	isProblem(t, "another time", s.do("POST", "/api/v1/costs/record", boss, strings.Replace(body, "T10", "T11", 1)), 409, "conflict")
	s.want(201, "POST", "/api/v1/costs/record", s.keys["rival/boss"], body)
	r := s.report("acme/lead", "/api/v1/costs/summary?group_by=user,rule,team") // the user's team's
	if len(r.Data) != 1 || r.Total.Nano != 12_500_000_000 || r.Total.Requests != 0 || r.Total.Tokens.Prompt != 5 || r.Data[0].Group["rule"] != "external" || r.Data[0].Group["team"] != "red" {
		t.Errorf("summary = %+v, want 12.50 once, as no request", r)
	}
	for name, c := range map[string]struct {
		who, from, to string
		status        int
	}{
		"a lead":          {"acme/lead", "", "", 403},
		"other account":   {"acme/boss", `"id"`, `"account_id":"rival","id"`, 404},
		"unknown user":    {"acme/boss", `"user_id":"user"`, `"user_id":"nobody"`, 404},
		"negative":        {"acme/boss", `"cost_usd":"12.50"`, `"cost_nano_usd":-1`, 422},
		"two costs":       {"acme/boss", `"id"`, `"cost_nano_usd":1,"id"`, 400},
		"too dear":        {"acme/boss", `12.50`, `1000000.01`, 400},
		"no amount":       {"acme/boss", `12.50`, `1e3`, 400},
		"in the future":   {"acme/boss", `2026-11-20`, `2026-12-20`, 400},
		"too long ago":    {"acme/boss", `2026-11-20`, `2024-11-20`, 400},
		"lines in its id": {"acme/boss", `invoice-7`, `a\nb`, 400},
	} {
		if r := s.do("POST", "/api/v1/costs/record", s.keys[c.who], strings.Replace(body, c.from, c.to, 1)); r.status != c.status {
			t.Errorf("%s = %d %s, want %d", name, r.status, r.body, c.status)
		}
	}
}
