package engine

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"
)

// governed is a gateway's surroundings in which everything is asked and nothing is ever in
// the way. It allocates nothing itself, so that what is measured is the pipeline's own.
type governed struct {
	settled  int
	decided  int
	told     int
	manifest Manifest
	reply    UpstreamResponse
}

func (g *governed) Decide(context.Context, *Request) (Decision, error) {
	return Decision{Source: SourceDefault}, nil
}

func (g *governed) AdapterManifest(string, string) (Manifest, error) { return g.manifest, nil }
func (g *governed) OpenAdapter(string, string, AdapterAttempt) (Adapter, error) {
	return nil, ErrNotFound
}

func (g *governed) HasCredential(*Provider) bool { return true }
func (g *governed) Simulated(*Provider) bool     { return false }
func (g *governed) Do(context.Context, *UpstreamRequest) (*UpstreamResponse, error) {
	return &g.reply, nil
}

func (g *governed) Reserve(context.Context, *LimitRequest) (LimitReservation, error) {
	return NewLimitReservation(g, 1), nil
}
func (g *governed) Peek(*LimitRequest) LimitState            { return LimitState{} }
func (g *governed) Observe(LimitObservation)                 {}
func (g *governed) SettleLimits(uint64, int64)               {}
func (g *governed) CancelLimits(uint64)                      {}
func (g *governed) LimitsLeft(uint64) LimitState             { return LimitState{} }
func (g *governed) Detail(*Principal, string) DecisionDetail { return DecisionRecorded }
func (g *governed) Record(*DecisionRecord)                   { g.decided++ }
func (g *governed) Began(*Request) RequestTrace              { return nil }
func (g *governed) Attempted(*ObservedAttempt)               {}
func (g *governed) Ended(*ObservedRequest)                   { g.told++ }
func (g *governed) Settle(Usage)                             { g.settled++ }
func (g *governed) Spent(Spent) error                        { return nil }

// healthy finds everything well.
type healthy struct{ passes int }

func (h *healthy) State(*HealthTarget) HealthState {
	return HealthState{Status: HealthHealthy, LatencyMS: 100}
}
func (h *healthy) Begin(*HealthTarget, bool) (HealthPass, bool) {
	h.passes++
	return HealthPass{Holder: h, Token: 1}, true
}
func (h *healthy) Observe(*HealthTarget, HealthOutcome) {}
func (h *healthy) Done(uint64, HealthOutcome)           { h.passes-- }
func (h *healthy) Cancel(uint64)                        { h.passes-- }

// spending has money for everything.
type spending struct{ g *governed }

func (s spending) Reserve(context.Context, *Usage, Spent) (Hold, error) { return s.g, nil }
func (s spending) Left(Principal) BudgetLeft                            { return BudgetLeft{} }

type noRows struct{}

func (noRows) Record(Usage) {}

// newGoverned is a pipeline with limits, budgets, health, decision records and an observer,
// over a catalogue of usual size.
func newGoverned(t testing.TB) (*Pipeline, *governed) {
	t.Helper()
	g := &governed{
		manifest: Manifest{Name: "openai", Provider: &ManifestProvider{Auth: ManifestAuth{Scheme: "bearer"}, Native: []string{"chat"}}},
		reply: UpstreamResponse{
			Status: 200, Field: func(string) string { return "" }, Close: func() {},
			Body: []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1760000001,"model":"up","choices":[{"index":0,"message":{"role":"assistant",` +
				`"content":"The points are set, and the line is clear."},"finish_reason":"stop"}],"usage":{"prompt_tokens":70,"completion_tokens":10,"total_tokens":80}}`),
		},
	}
	ids := []string{"claude-haiku-4.5", "gemini-3-pro", "gpt-4.1", "gpt-4o", "gpt-5", "gpt-5-codex", "gpt-5-mini", "gpt-5.1", "o4-mini", "raptor-mini"}
	var models []Model
	var prices []Price
	for _, id := range ids {
		models = append(models, Model{
			ID: id, ProviderID: "openai", UpstreamID: "up-" + id, API: APIChat, PremiumCenti: 33, ContextWindow: 128_000, MaxOutput: 16_384,
			Capabilities: []Capability{CapVision, CapTools, CapStructured}, Enabled: true,
		})
		prices = append(prices, Price{ProviderID: "openai", UpstreamID: "up-" + id, Input: promptPrice * 1e6, Output: completionPrice * 1e6})
	}
	providers := []Provider{{ID: "openai", Adapter: "openai", Enabled: true, Credentials: []Credential{{ID: "env", Weight: 1, Enabled: true}}}}
	catalogue := NewCatalogue(models, providers, prices)
	p, err := NewPipeline(PipelineConfig{
		Decider: g, Adapters: g, Upstream: g, Ledger: noRows{}, Catalogue: func() *Catalogue { return catalogue },
		Limits: g, Spending: spending{g}, Health: &healthy{}, Decisions: g, Observer: g,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, g
}

// BenchmarkComplete is what a short request costs between its document and its answer, but for
// what others do of it: rules, guests, limits, budgets, records and the provider's answer.
func BenchmarkComplete(b *testing.B) {
	p, g := newGoverned(b)
	r := rigRequest(b, "")
	r.Received = time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Complete(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
	if g.settled == 0 || g.settled != g.decided || g.settled != g.told {
		b.Errorf("%d rows, %d records and %d told, want as many of each", g.settled, g.decided, g.told)
	}
}

// counting counts, by request, what a pipeline tells of it.
type counting struct {
	*governed
	mu   sync.Mutex
	told map[string][3]int // records, rows, ends
}

func (c *counting) count(id string, what int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.told[id]
	n[what]++
	c.told[id] = n
}

func (c *counting) Record(d *DecisionRecord) {
	if len(d.Considered) == 2 && d.Considered[0].Model == d.Targets[0] && d.Served == d.Targets[0] {
		c.count(d.Inputs.RequestID, 0)
	}
}
func (c *counting) Ended(q *ObservedRequest) { c.count(q.Request.ID, 2) }
func (c *counting) Reserve(_ context.Context, u *Usage, _ Spent) (Hold, error) {
	return holding{c, u.RequestID}, nil
}
func (c *counting) Left(Principal) BudgetLeft { return BudgetLeft{} }

type holding struct {
	c  *counting
	id string
}

func (h holding) Spent(Spent) error { return nil }
func (h holding) Settle(u Usage) {
	if u.RequestID == h.id && u.Code == "" {
		h.c.count(h.id, 1)
	}
}

// The memory of a request is used by later ones: nothing of one is told of another.
func TestRequestsAreToldApart(t *testing.T) {
	t.Parallel()
	p, g := newGoverned(t)
	c := &counting{governed: g, told: map[string][3]int{}}
	p.cfg.Decisions, p.cfg.Observer, p.cfg.Spending, p.cfg.Health = c, c, c, nil
	const workers, requests = 8, 50
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range requests {
				r := rigRequest(t, "")
				r.ID = fmt.Sprint(w, "-", i)
				ctx, cancel := context.WithCancel(t.Context())
				if gone := i%5 == 0; gone {
					cancel() // it ends before anything is asked
				}
				completion, err := p.Complete(ctx, r)
				cancel()
				switch {
				case i%5 == 0:
					if CodeOf(err) != CodeCanceled {
						t.Errorf("request %s = %v, want it canceled", r.ID, err)
					}
				case err != nil || completion.Meta.Model != "gpt-4o":
					t.Errorf("request %s = %s, %v, want gpt-4o", r.ID, completion.Meta.Model, err)
				}
			}
		})
	}
	all.Wait()
	for w := range workers {
		for i := range requests {
			id, want := fmt.Sprint(w, "-", i), [3]int{1, 1, 1}
			if i%5 == 0 {
				want = [3]int{0, 0, 1}
			}
			if got := c.told[id]; got != want {
				t.Errorf("request %s: %v records, rows and ends, want %v", id, got, want)
			}
		}
	}
}

// A short request is one piece of memory that is used again, its body, its answer, their
// documents, the row's id and the decision in one line.
func TestCompleteAllocates(t *testing.T) {
	p, _ := newGoverned(t)
	r := rigRequest(t, "")
	least := math.Inf(1)
	for range 20 { // under the race detector pools drop at random
		least = min(least, testing.AllocsPerRun(20, func() {
			if _, err := p.Complete(context.Background(), r); err != nil {
				t.Fatal(err)
			}
		}))
	}
	if least > 10 {
		t.Errorf("Complete allocates %v times, want 10 at most", least)
	}
}
