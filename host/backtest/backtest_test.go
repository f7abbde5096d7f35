package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/rule"
	"github.com/pointsman/pointsman/host/store"
)

// reached is an upstream that has every key and is never asked.
type reached struct{ engine.Upstream }

func (reached) HasCredential(*engine.Provider) bool { return true }

type unused struct {
	engine.Adapters
	engine.Ledger
}

// drafter compiles drafts over a router's rules.
type drafter struct{ *rule.Router }

func (d drafter) Draft(account string, r engine.RuleDraft) (engine.DraftRules, error) {
	draft, problems := d.Router.Draft(rule.DraftOptions{Sets: map[string][]engine.Rule{account: r.Rules}})
	if len(problems) > 0 {
		return nil, problems[0].Err
	}
	return draft, nil
}

// everything was looked for.
type everything struct{}

func (everything) Known(context.Context, string, engine.RuleSetRef, bool) (func(string) bool, error) {
	return func(phrase string) bool { return phrase != "never asked" }, nil
}

// past is a store's seed, its rules, and a pipeline over them that asks nobody.
type past struct {
	engine.Store
	router    *rule.Router
	pipeline  *engine.Pipeline
	catalogue *engine.Catalogue
	rules     []engine.Rule
	prices    map[string]engine.Price // by model
	premium   map[string]int64        // hundredths, by model
	service   *Service
}

func newPast(t testing.TB) *past {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite:"+t.TempDir()+"/db", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := store.Seed(ctx, s, pastTime); err != nil {
		t.Fatal(err)
	}
	p := &past{Store: s, prices: map[string]engine.Price{}, premium: map[string]int64{}}
	models, err := s.ListModels(ctx)
	providers, err2 := s.ListProviders(ctx)
	prices, err3 := s.ListPrices(ctx)
	rules, err4 := s.ListRules(ctx)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	p.rules = rules
	p.catalogue = engine.NewCatalogue(models, providers, prices)
	for _, m := range models {
		p.premium[m.ID] = m.PremiumCenti
		served, _, _ := m.At(pastTime)
		for _, price := range prices { // in the order of From: the last that holds
			if price.ProviderID == m.ProviderID && price.UpstreamID == served.UpstreamID && price.AbovePrompt == 0 && !price.From.After(pastTime) {
				p.prices[m.ID] = price
			}
		}
	}
	p.router = rule.New(nil, rule.Config{})
	if problems := p.router.LoadVersions(rules, map[string]int64{"": 1}); len(problems) > 0 {
		t.Fatal(problems[0].Err)
	}
	none := unused{}
	p.pipeline, err = engine.NewPipeline(engine.PipelineConfig{
		Decider: p.router, Adapters: none, Upstream: reached{}, Ledger: none, Catalogue: func() *engine.Catalogue { return p.catalogue },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.service = New(Config{
		Records: s, Drafter: drafter{p.router}, Planner: p.pipeline, Vocabulary: everything{},
		Catalogue: func() *engine.Catalogue { return p.catalogue },
	})
	return p
}

var pastTime = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// happened stores n random decisions of an account as the live rules made them, and returns them.
func (p *past) happened(t testing.TB, n int) []engine.DecisionRecord {
	t.Helper()
	rnd := rand.New(rand.NewPCG(7, uint64(n)))
	words := []string{"help", "explain", "document", "fix", "browser"}
	records := make([]engine.DecisionRecord, 0, n)
	rows := make([]engine.DecisionRow, 0, n)
	for i := range n {
		d := engine.DecisionRecord{Detail: engine.DecisionRecorded, Rules: engine.RuleSetRef{Global: 1}, Attempts: 1, LatencyMS: rnd.Int64N(5_000), DecideUS: 20}
		in := &d.Inputs
		in.RequestID, in.At, in.Operation, in.Model = fmt.Sprintf("req-%06d", i), pastTime.Add(time.Duration(i)*time.Millisecond), "chat", engine.ModelAuto
		in.Principal = engine.Principal{AccountID: "acme", UserID: "ann", KeyID: "k"}
		in.Prefer.Vision, in.Searched = true, true
		in.Metadata = []byte("{}")
		in.Features = engine.Features{
			Model: engine.ModelAuto, Chars: rnd.IntN(2000), Tokens: rnd.Int64N(3000), Messages: 1,
			HasImage: rnd.IntN(8) == 0, HasCode: rnd.IntN(5) == 0, TimeSensitive: rnd.IntN(9) == 0,
		}
		if rnd.IntN(2) == 0 {
			in.Found = append(in.Found, engine.PhraseHash(words[rnd.IntN(len(words))]))
		}
		r, err := in.Replay(p.catalogue.Models("acme"), func(string) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		made, err := p.pipeline.Replan(context.Background(), r, p.router, nil)
		if err != nil || made.Model == "" {
			t.Fatalf("the live rules do not decide: %+v, %v", made, err)
		}
		d.Decision.Source, d.Targets = made.Source, []string{made.Model}
		d.Tokens = engine.Tokens{Prompt: in.Features.Tokens, Completion: rnd.Int64N(800)}
		switch chance := rnd.IntN(20); chance {
		case 0, 2: // it met a limit or a budget, and went to the second model
			d.Skips = []engine.Skip{{What: made.Model, Reason: engine.SkipLimit}}
			if chance == 2 {
				d.Skips[0].Reason = engine.SkipBudget
			}
			second, err := p.pipeline.Replan(context.Background(), r, p.router, d.Skips)
			if err != nil || second.Model == "" {
				t.Fatalf("no second model: %+v, %v", second, err)
			}
			d.Targets, d.Served = []string{made.Model, second.Model}, second.Model
		case 1:
			d.Code, d.Tokens = engine.CodeUpstreamFailed, engine.Tokens{}
		default:
			d.Served = made.Model
		}
		if d.Served != "" {
			d.Provider, d.CostNanoUSD, d.PremiumUse = "p", p.cost(d.Served, d.Tokens), p.premium[d.Served]
		}
		records = append(records, d)
		rows = append(rows, engine.EncodeDecision(nil, &records[i]))
	}
	for batch := range slices.Chunk(rows, 1000) {
		if err := p.AddDecisions(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
	return records
}

// cost is a second computation of what tokens cost at a model: of plain ones, at the model's
// first tier, rounded as money is.
func (p *past) cost(model string, t engine.Tokens) int64 {
	price := p.prices[model]
	return int64(math.Ceil((float64(t.Prompt)*float64(price.Input) + float64(t.Completion)*float64(price.Output)) / 1e6))
}

func draftRule(id, when, target string, priority int) engine.Rule {
	return engine.Rule{ID: id, Name: id, When: when, Target: target, Priority: priority, OnFailure: engine.FailureSkip, Enabled: true, CreatedAt: pastTime, UpdatedAt: pastTime}
}

// soakTime is how long 100,000 decisions may take on two cores.
const soakTime = 10 * time.Second

// What a backtest adds up is what the requests add up to one by one.
func TestTotals(t *testing.T) {
	p := newPast(t)
	n, soak := 400, os.Getenv("POINTSMAN_SOAK") != ""
	if soak {
		n = 100_000
	}
	records := p.happened(t, n)
	began := time.Now()
	// The draft sends code to one model and everything else to the default handler.
	got, err := p.service.Run(t.Context(), engine.BacktestQuery{
		AccountID: "", From: pastTime, To: pastTime.Add(time.Hour), Draft: engine.RuleDraft{Rules: []engine.Rule{draftRule("code", "request.has_code", "claude-haiku-4.5", 50)}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); soak {
		t.Logf("%d decisions in %v", n, took)
		if took > soakTime {
			t.Errorf("Run() of %d decisions took %v, want at most %v", n, took, soakTime)
		}
	}
	var want engine.Backtest
	moves, ofCode := map[pair]int64{}, int64(0)
	for i := range records {
		d := &records[i]
		want.Scanned++
		want.Decided++
		if d.Inputs.Features.HasCode {
			ofCode++
		}
		was, now, limit, budget := wouldGo(d)
		want.LimitHits += count(limit)
		want.BudgetHit += count(budget)
		want.CostWas += d.CostNanoUSD
		want.PremiumWas += d.PremiumUse
		if now == was {
			want.CostNow += d.CostNanoUSD
			want.PremiumNow += d.PremiumUse
			continue
		}
		want.Moved++
		moves[pair{was, now}]++
		if d.Code == "" {
			want.CostNow += p.cost(now, d.Tokens)
			want.PremiumNow += p.premium[now]
		}
	}
	if got.Scanned != want.Scanned || got.Decided != want.Decided || got.Moved != want.Moved || got.Undecided != 0 || got.Refused != 0 || got.Faults != 0 || got.Unpriced != 0 {
		t.Errorf("Run() = %d scanned, %d decided, %d moved, %d undecided, %d refused, %d faults, %d unpriced; want %d, %d, %d and none",
			got.Scanned, got.Decided, got.Moved, got.Undecided, got.Refused, got.Faults, got.Unpriced, want.Scanned, want.Decided, want.Moved)
	}
	if got.LimitHits != want.LimitHits || got.BudgetHit != want.BudgetHit || want.LimitHits == 0 || want.BudgetHit == 0 {
		t.Errorf("%d limits and %d budgets met, want %d and %d, and some of both", got.LimitHits, got.BudgetHit, want.LimitHits, want.BudgetHit)
	}
	if got.CostWas != want.CostWas || got.CostNow != want.CostNow {
		t.Errorf("costs = %d → %d, want %d → %d", got.CostWas, got.CostNow, want.CostWas, want.CostNow)
	}
	if got.PremiumWas != want.PremiumWas || got.PremiumNow != want.PremiumNow || want.PremiumWas == want.PremiumNow {
		t.Errorf("premium requests = %d → %d, want %d → %d, and another number", got.PremiumWas, got.PremiumNow, want.PremiumWas, want.PremiumNow)
	}
	was, now, unknown := latencies(records)
	if math.Abs(got.LatencyWasMS-was) > 1e-6 || math.Abs(got.LatencyNowMS-now) > 1e-6 || got.LatencyUnknown != unknown || was == now {
		t.Errorf("latency = %v → %v ms and %d unknown, want %v → %v and %d, and another mean", got.LatencyWasMS, got.LatencyNowMS, got.LatencyUnknown, was, now, unknown)
	}
	if len(got.Moves) != len(moves) {
		t.Errorf("%d pairs of models, want %d", len(got.Moves), len(moves))
	}
	for _, m := range got.Moves {
		if moves[pair{m.From, m.To}] != m.Requests || len(m.Examples) == 0 || len(m.Examples) > engine.BacktestExamples {
			t.Errorf("%s → %s: %d requests with examples %v, want %d", m.From, m.To, m.Requests, m.Examples, moves[pair{m.From, m.To}])
		}
	}
	at := slices.IndexFunc(got.Rules, func(r engine.BacktestRule) bool { return r.Source == "code" })
	if at < 0 || got.Rules[at].Now != ofCode || got.Rules[at].Was != 0 {
		t.Errorf("rules = %+v, want the draft's with %d requests", got.Rules, ofCode)
	}
}

// wouldGo is a second account of where TestTotals's draft sends a request, and where it went.
func wouldGo(d *engine.DecisionRecord) (was, now string, limit, budget bool) {
	ranking := []string{"gpt-4o", "gpt-5-mini"}
	if d.Inputs.Features.HasCode {
		ranking = append([]string{"claude-haiku-4.5"}, ranking...)
	}
	was, now = d.Targets[0], ranking[0]
	if len(d.Skips) > 0 {
		was = d.Targets[1]
		if now == d.Skips[0].What {
			now = ranking[1]
			limit, budget = d.Skips[0].Reason == engine.SkipLimit, d.Skips[0].Reason == engine.SkipBudget
		}
	}
	return was, now, limit, budget
}

// latencies is a second computation of the means, request by request: one that stays takes as
// long as it did, one that moves as long as what its new model answered.
func latencies(records []engine.DecisionRecord) (was, now float64, unknown int64) {
	type pile struct{ took []float64 }
	served := map[string]*pile{}
	for i := range records {
		if d := &records[i]; d.Served != "" {
			at(served, d.Served).took = append(at(served, d.Served).took, float64(d.LatencyMS))
		}
	}
	mean := func(took []float64) (m float64) {
		for _, ms := range took {
			m += ms / float64(len(took))
		}
		return m
	}
	means := map[string]float64{}
	for model, s := range served {
		means[model] = mean(s.took)
	}
	var before, after []float64
	for i := range records {
		d := &records[i]
		from, to, _, _ := wouldGo(d)
		switch m, known := means[to]; {
		case d.Served == "":
		case from == to:
			before, after = append(before, float64(d.LatencyMS)), append(after, float64(d.LatencyMS))
		case !known:
			unknown++
		default:
			before, after = append(before, float64(d.LatencyMS)), append(after, m)
		}
	}
	return mean(before), mean(after), unknown
}

// The live rules move nothing, whatever the requests were.
func TestLiveRulesMoveNothing(t *testing.T) {
	p := newPast(t)
	p.happened(t, 300)
	got, err := p.service.Run(t.Context(), engine.BacktestQuery{From: pastTime, To: pastTime.Add(time.Hour), Draft: engine.RuleDraft{Rules: p.rules}}, nil)
	if err != nil || got.Decided != 300 || got.Moved != 0 || got.CostWas != got.CostNow || got.LatencyWasMS != got.LatencyNowMS {
		t.Errorf("Run() = %+v, %v, want nothing moved", got, err)
	}
}

// What cannot be decided, or read, is said and not guessed; bounds and errors are kept.
func TestRun(t *testing.T) {
	p := newPast(t)
	p.happened(t, 200)
	span := engine.BacktestQuery{From: pastTime, To: pastTime.Add(time.Hour)}
	with := func(rules ...engine.Rule) engine.BacktestQuery {
		q := span
		q.Draft.Rules = rules
		return q
	}
	got, err := p.service.Run(t.Context(), with(draftRule("new", "mentions('never asked')", "gpt-4o", 50)), nil)
	if err != nil || got.Undecided != 200 || got.Decided != 0 {
		t.Errorf("a phrase that nobody looked for: %d undecided of %d, %v, want all", got.Undecided, got.Scanned, err)
	}
	if got, err = p.service.Run(t.Context(), with(draftRule("gone", "true", "no-such-model", 50)), nil); err != nil || got.Decided != 200 {
		t.Errorf("an unknown target: %d decided, %v, want the default handler's", got.Decided, err)
	}
	only := draftRule("only", "true", "no-such-model", 50)
	only.Only = true
	if got, err = p.service.Run(t.Context(), with(only), nil); err != nil || got.Refused != 200 || got.CostNow != 0 {
		t.Errorf("an unknown target and no other: %d refused, cost %d, %v, want all refused", got.Refused, got.CostNow, err)
	}
	if _, err = p.service.Run(t.Context(), with(draftRule("bad", "1 +", "gpt-4o", 50)), nil); err == nil {
		t.Error("Run() of rules that do not compile = nil")
	}
	limited := with(draftRule("r", "true", "gpt-4o", 50))
	limited.Limit = 50
	var told []int64
	if got, err = p.service.Run(t.Context(), limited, func(n int64) { told = append(told, n) }); err != nil || got.Scanned != 50 || !got.Cut || len(told) == 0 || told[len(told)-1] != 50 {
		t.Errorf("Run() of at most 50 = %d scanned, cut %v, progress %v, %v", got.Scanned, got.Cut, told, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err = p.service.Run(ctx, limited, func(int64) { cancel() }); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Run() cancelled = %v", err)
	}
	cancel()
	if _, err = p.service.Run(ctx, limited, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Run() cancelled before it began = %v, want context.Canceled", err)
	}
	if _, err = p.service.Run(t.Context(), limited, func(int64) {
		if _, err := p.service.Run(t.Context(), limited, nil); !errors.Is(err, ErrBusy) {
			t.Errorf("a second Run() = %v, want ErrBusy", err)
		}
	}); err != nil {
		t.Error(err)
	}
}

// While requests are under way, a backtest rests after every stretch; without, it never does.
func TestRunGivesWay(t *testing.T) {
	p := newPast(t)
	p.happened(t, 3*stretch)
	q := engine.BacktestQuery{From: pastTime, To: pastTime.Add(time.Hour), Draft: engine.RuleDraft{Rules: p.rules}}
	asked := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.service.cfg.Busy = func() bool { asked++; return true }
	if got, err := p.service.Run(ctx, q, nil); err != nil || got.Decided != 3*stretch || asked < 3 {
		t.Errorf("Run() beside traffic = %d decided, %v, looked at the traffic %d times, want %d, and after every %d records", got.Decided, err, asked, 3*stretch, stretch)
	}
	p.service.cfg.Busy = func() bool { cancel(); return true } // while it rests
	if _, err := p.service.Run(ctx, q, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Run() cancelled while it rests = %v, want context.Canceled", err)
	}
}

// BenchmarkRun is 10,000 past requests against the eight system rules and one more.
func BenchmarkRun(b *testing.B) {
	p := newPast(b)
	p.happened(b, 10_000)
	q := engine.BacktestQuery{From: pastTime, To: pastTime.Add(time.Hour), Draft: engine.RuleDraft{Rules: append(slices.Clone(p.rules), draftRule("r", "request.tokens > 2500", "gpt-5", 99))}}
	for b.Loop() {
		if got, err := p.service.Run(context.Background(), q, nil); err != nil || got.Decided != 10_000 {
			b.Fatal(got.Decided, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/decision")
}
