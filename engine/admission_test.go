package engine

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// accounts holds limits and money for a rig, and remembers what became of each hold.
type accounts struct {
	mu    sync.Mutex
	log   []string // what happened, in order
	limit func(q *LimitRequest) error
	money func(u *Usage, worst int64) error
	spent func(nano int64) error
	rows  []Usage
	next  uint64
	open  map[uint64]LimitPart
	holds int // open
	left  BudgetLeft
}

func account(g *rig) *accounts {
	a := &accounts{open: map[uint64]LimitPart{}}
	g.cfg.Limits, g.cfg.Spending = a, a2{a}
	return a
}

func (a *accounts) note(what string) { a.log = append(a.log, what) }

var partNames = map[LimitPart]string{LimitOfCaller: "caller", LimitOfTarget: "target"}

type a2 struct{ *accounts } // Reserve of both interfaces

func (a *accounts) Reserve(_ context.Context, q *LimitRequest) (LimitReservation, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.limit != nil {
		if err := a.limit(q); err != nil {
			a.note("refused " + partNames[q.Part] + " " + q.ModelID)
			return LimitReservation{}, err
		}
	}
	a.next++
	a.open[a.next] = q.Part
	a.note("limit " + partNames[q.Part] + " " + q.ModelID)
	return NewLimitReservation(a, a.next), nil
}

func (a *accounts) Peek(*LimitRequest) LimitState  { return LimitState{} }
func (a *accounts) Observe(LimitObservation)       {}
func (a *accounts) LimitsLeft(uint64) LimitState   { return LimitState{} }
func (a *accounts) SettleLimits(n uint64, t int64) { a.end(n, "settled", t) }
func (a *accounts) CancelLimits(n uint64)          { a.end(n, "cancelled", 0) }

func (a *accounts) end(n uint64, how string, tokens int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	part, ok := a.open[n]
	if !ok {
		a.note("limit ended twice")
		return
	}
	delete(a.open, n)
	a.note(how + " " + partNames[part] + " " + itoa(tokens))
}

func (a a2) Reserve(_ context.Context, u *Usage, most Spent) (Hold, error) {
	worst := most.NanoUSD
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.money != nil {
		if err := a.money(u, worst); err != nil {
			a.note("no money " + u.ModelID)
			return nil, err
		}
	}
	a.holds++
	a.note("money " + u.ModelID)
	return &held{a: a.accounts, id: u.ID}, nil
}

func (a a2) Left(Principal) BudgetLeft { return a.left }

type held struct {
	a     *accounts
	id    string
	ended bool
}

func (h *held) Spent(soFar Spent) error {
	nano := soFar.NanoUSD
	h.a.mu.Lock()
	defer h.a.mu.Unlock()
	if h.a.spent != nil {
		return h.a.spent(nano)
	}
	return nil
}

func (h *held) Settle(u Usage) {
	h.a.mu.Lock()
	defer h.a.mu.Unlock()
	if h.ended || h.id != u.ID {
		h.a.note("money settled twice, or for another row")
	}
	h.ended = true
	h.a.holds--
	h.a.rows = append(h.a.rows, u)
}

// balanced fails the test when something is still held, or was given back twice.
func (a *accounts) balanced(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.open) != 0 || a.holds != 0 {
		t.Errorf("%d limits and %d sums are still held, want none; %q", len(a.open), a.holds, a.log)
	}
	for _, line := range a.log {
		if strings.Contains(line, "twice") {
			t.Errorf("%s: %q", line, a.log)
		}
	}
}

// However an attempt ends, everything that was held for it is given back once, and its
// row has the id under which the money was held.
func TestWhatIsHeldIsSettled(t *testing.T) {
	t.Parallel()
	fails := func(code Code) error { return &Error{Code: code, Message: "no"} }
	tests := []struct {
		name string
		a    script
		rows []Outcome // plain, then of the stream where it differs
	}{
		{name: "answered", a: *works("hello"), rows: []Outcome{OutcomeOK}},
		{name: "refused by the provider", a: script{status: 400, body: "{}"}, rows: []Outcome{OutcomeFailed}},
		{name: "failed over", a: script{status: 503, body: "{}"}, rows: []Outcome{OutcomeFailed, OutcomeOK}},
		{name: "not sent", a: script{doErr: &Error{Code: CodeUpstreamFailed, Message: "no", Err: ErrUnsent}}, rows: []Outcome{OutcomeFailed, OutcomeOK}},
		{name: "the adapter is not there", a: script{manifest: func() error { return fails(CodePluginFailed) }}, rows: []Outcome{OutcomeFailed, OutcomeOK}},
		{name: "the adapter panics", a: script{request: func(context.Context) (AdapterRequest, error) { panic("request") }}, rows: []Outcome{OutcomeFailed, OutcomeOK}},
		{name: "the client panics", a: script{onDo: func(context.Context) { panic("do") }}, rows: []Outcome{OutcomeFailed, OutcomeOK}},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(tt.name+map[bool]string{true: ", streamed"}[stream], func(t *testing.T) {
				t.Parallel()
				a := tt.a
				g := newRig(t, map[string]*script{"a": &a, "b": works("b")})
				acc := account(g)
				_, _, _ = g.run(t, t.Context(), rigRequest(t, ""), stream)
				acc.balanced(t)
				var got []Outcome
				for _, u := range acc.rows {
					got = append(got, u.Outcome)
				}
				if !slices.Equal(got, tt.rows) {
					t.Errorf("rows ended %v, want %v; %q", got, tt.rows, acc.log)
				}
				if rows := g.ledger.all(); len(rows) != 0 {
					t.Errorf("%d rows went past what holds money for them", len(rows))
				}
				g.closed(t)
			})
		}
	}
}

// What a refusal leads to, and what is held at that moment.
func TestRefusedBeforeItBegins(t *testing.T) {
	t.Parallel()
	limited := func(part LimitPart, model string) func(*LimitRequest) error {
		return func(q *LimitRequest) error {
			if q.Part == part && (model == "" || q.ModelID == model) {
				return &LimitRefusal{LimitID: "small", Kind: LimitRequests, Amount: 1, Window: time.Minute, After: 9 * time.Second}
			}
			return nil
		}
	}
	broke := func(model string) func(*Usage, int64) error {
		return func(u *Usage, _ int64) error {
			if model == "" || u.ModelID == model {
				return &Error{Code: CodeBudgetExceeded, Message: "Budget 'team' is used up.", After: time.Hour}
			}
			return nil
		}
	}
	tests := []struct {
		name  string
		limit func(*LimitRequest) error
		money func(*Usage, int64) error
		code  Code
		after time.Duration
		text  string // of the answer, when there is one
		log   []string
	}{
		{"the caller's limit", limited(LimitOfCaller, ""), nil, CodeRateLimited, 9 * time.Second, "", []string{"refused caller "}},
		{"one model's limit", limited(LimitOfTarget, "m-a"), nil, "", 0, "b",
			[]string{"limit caller ", "refused target m-a", "limit target m-b", "money m-b", "settled target 12", "settled caller 12"}},
		{"every model's limit", limited(LimitOfTarget, ""), nil, CodeRateLimited, 9 * time.Second, "",
			[]string{"limit caller ", "refused target m-a", "refused target m-b", "settled caller 0"}},
		{"a dear model", nil, broke("m-a"), "", 0, "b",
			[]string{"limit caller ", "limit target m-a", "no money m-a", "cancelled target 0", "limit target m-b", "money m-b", "settled target 12", "settled caller 12"}},
		{"no money at all", nil, broke(""), CodeBudgetExceeded, time.Hour, "",
			[]string{"limit caller ", "limit target m-a", "no money m-a", "cancelled target 0", "limit target m-b", "no money m-b", "cancelled target 0", "settled caller 0"}},
		{"nothing can be written down", nil, func(*Usage, int64) error {
			return &Error{Code: CodeNoTarget, Status: 503, Message: "no"}
		}, CodeNoTarget, 0, "", []string{"limit caller ", "limit target m-a", "no money m-a", "cancelled target 0", "settled caller 0"}},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(tt.name+map[bool]string{true: ", streamed"}[stream], func(t *testing.T) {
				t.Parallel()
				g := newRig(t, map[string]*script{"a": works("a"), "b": works("b")})
				acc := account(g)
				acc.limit, acc.money = tt.limit, tt.money
				text, meta, err := g.run(t, t.Context(), rigRequest(t, ""), stream)
				if CodeOf(err) != tt.code || text != tt.text {
					t.Errorf("answer = %q, %v, want %q, %s", text, err, tt.text, tt.code)
				}
				if after := time.Duration(0); err != nil {
					if after = asError(err).After; after != tt.after {
						t.Errorf("After = %v, want %v", after, tt.after)
					}
				}
				acc.balanced(t)
				if !slices.Equal(acc.log, tt.log) {
					t.Errorf("happened: %q, want %q", acc.log, tt.log)
				}
				if err != nil && meta.Attempts != 0 {
					t.Errorf("%d attempts, want none: nothing was sent", meta.Attempts)
				}
			})
		}
	}
}

// What is held is the most that the attempt may cost, and the row that is kept when
// nobody settles it is what the prompt costs.
func TestWorstCaseIsHeld(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, more string
		maxOutput  int64
		want       int64 // tokens of output
	}{
		{"as asked", `,"max_tokens":10`, 100, 10},
		{"the newer name", `,"max_completion_tokens":11`, 100, 11},
		{"more than the model writes", `,"max_tokens":1000`, 100, 100},
		{"not said: what the model writes at most", ``, 100, 100},
		{"several choices", `,"max_tokens":10,"n":3`, 100, 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": works("a")})
			c := rigCatalogue("a")
			m := c.Models("")[0]
			m.MaxOutput = tt.maxOutput
			g.catalogue.Store(NewCatalogue([]Model{m}, c.Providers(""), []Price{{ProviderID: "a", UpstreamID: "up-a", Input: promptPrice * 1e6, Output: completionPrice * 1e6}}))
			acc := account(g)
			var held int64
			var kept Usage
			acc.money = func(u *Usage, worst int64) error { held, kept = worst, *u; return nil }
			if _, _, err := g.run(t, t.Context(), rigRequest(t, tt.more), false); err != nil {
				t.Fatal(err)
			}
			if want := 2*rigPrompt*promptPrice + tt.want*completionPrice; held != want {
				t.Errorf("held %d, want %d", held, want)
			}
			if kept.Outcome != OutcomeInterrupted || !kept.Estimated || kept.CostNanoUSD != rigPrompt*promptPrice {
				t.Errorf("kept for a crash: %+v, want an estimate of the prompt", kept)
			}
		})
	}
}

// A stream whose running cost uses up a hard budget ends with an error, and its row has
// what came until then.
func TestStreamEndsWithItsBudget(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 400)
	g := newRig(t, map[string]*script{"a": {events: []string{deltaOf(0, long), deltaOf(0, long), deltaOf(0, long), finishOf(0), usageOf(7, 5)}}})
	acc := account(g)
	asked := 0
	acc.spent = func(nano int64) error {
		if asked++; nano < completionPrice*500 {
			t.Errorf("Spent(%d), want at least what the text so far costs", nano)
		}
		if asked == 2 {
			return &Error{Code: CodeBudgetExceeded, Message: "Budget 'team' is used up."}
		}
		return nil
	}
	got := g.stream(t, t.Context(), rigRequest(t, ""))
	if CodeOf(got.err) != CodeBudgetExceeded {
		t.Errorf("stream ended with %v, want %s", got.err, CodeBudgetExceeded)
	}
	acc.balanced(t)
	if len(acc.rows) != 1 || acc.rows[0].Code != CodeBudgetExceeded || acc.rows[0].Tokens.Completion < 1000 {
		t.Errorf("rows = %+v, want one with what came", acc.rows)
	}
}

// Counting tokens costs nothing and is not limited.
func TestCountingIsFree(t *testing.T) {
	t.Parallel()
	g := newRig(t, map[string]*script{"a": {body: `{"input_tokens":4}`}})
	acc := account(g)
	r := rigRequest(t, "")
	r.Operation = abi.OperationCountTokens
	if _, err := g.Complete(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if acc.balanced(t); len(acc.log) != 0 {
		t.Errorf("happened: %q, want nothing", acc.log)
	}
}
