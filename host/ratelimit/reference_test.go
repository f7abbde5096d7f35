package ratelimit_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

// reference is the plainest bucket there is, in exact fractions.
type reference struct {
	limit engine.Limit
	level *big.Rat
	at    time.Duration
}

func newReference(l engine.Limit, at time.Duration) *reference {
	return &reference{limit: l, level: big.NewRat(l.Size(), 1), at: at}
}

func (r *reference) pass(now time.Duration) {
	full := big.NewRat(r.limit.Size(), 1)
	if r.limit.Kind != engine.LimitConcurrency {
		gained := new(big.Rat).Mul(big.NewRat(int64(now-r.at), int64(r.limit.Window)), big.NewRat(r.limit.Amount, 1))
		r.level.Add(r.level, gained)
	}
	if r.level.Cmp(full) > 0 {
		r.level.Set(full)
	}
	r.at = now
}

func (r *reference) has(n int64) bool { return r.level.Cmp(big.NewRat(n, 1)) >= 0 }

func (r *reference) add(n int64) { r.level.Add(r.level, big.NewRat(n, 1)) }

func (r *reference) floor() int64 {
	return new(big.Int).Div(r.level.Num(), r.level.Denom()).Int64() // Euclidean: downwards
}

// open is a reservation that the model remembers.
type openHold struct {
	reservation engine.LimitReservation
	of          []*reference
	tokens      int64
}

func (o openHold) end(cancelled bool, used int64) {
	for _, r := range o.of {
		switch {
		case r.limit.Kind == engine.LimitConcurrency, cancelled && r.limit.Kind == engine.LimitRequests:
			r.add(1)
		case cancelled:
			r.add(o.tokens)
		case r.limit.Kind == engine.LimitTokens:
			r.add(o.tokens - used)
		}
	}
}

func TestAgainstReference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			againstReference(t, rand.New(rand.NewPCG(seed, 7)))
		})
	}
}

func randomLimit(r *rand.Rand, id string) engine.Limit {
	l := engine.Limit{
		ID: id, Enabled: true, Kind: engine.LimitRequests, Amount: 1 + r.Int64N(97),
		Window: []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}[r.IntN(4)],
		Per:    []engine.LimitDimensions{0, engine.LimitByUser, engine.LimitByModel, engine.LimitByUser | engine.LimitByModel}[r.IntN(4)],
	}
	switch r.IntN(3) {
	case 0:
		l.Kind = engine.LimitTokens
		l.Amount = 1 + r.Int64N(1_000_003)
	case 1:
		l.Kind, l.Window, l.Amount = engine.LimitConcurrency, 0, 1+r.Int64N(9)
	}
	if l.Kind != engine.LimitConcurrency && r.IntN(2) == 0 {
		l.Burst = 1 + r.Int64N(2*l.Amount)
	}
	return l
}

func againstReference(t *testing.T, r *rand.Rand) {
	now := time.Duration(1)
	var limits []engine.Limit
	for i := range 1 + r.IntN(6) {
		limits = append(limits, randomLimit(r, fmt.Sprint("l", i)))
	}
	l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return now }}, limits...)
	buckets := map[string]*reference{}
	var open []openHold
	for step := range 1500 {
		switch r.IntN(4) {
		case 0:
			now += time.Duration(r.Int64N(int64([]time.Duration{time.Microsecond, time.Second, time.Minute, 10 * time.Hour}[r.IntN(4)])))
		case 1:
			if len(open) == 0 {
				continue
			}
			i := r.IntN(len(open))
			h := open[i]
			open = append(open[:i], open[i+1:]...)
			for _, b := range h.of {
				b.pass(now)
			}
			cancelled, used := r.IntN(2) == 0, r.Int64N(2*h.tokens)
			h.end(cancelled, used)
			if cancelled {
				h.reservation.Cancel()
			} else {
				h.reservation.Settle(used)
			}
			h.reservation.Settle(0) // never twice
			h.reservation.Cancel()
		default:
			q := engine.LimitRequest{
				AccountID: "a", UserID: fmt.Sprint("u", r.IntN(2)), ModelID: fmt.Sprint("m", r.IntN(2)), Tokens: 1 + r.Int64N(2000),
			}
			h := openHold{tokens: q.Tokens}
			admit := true
			for _, limit := range limits {
				key := limit.ID
				if limit.Per&engine.LimitByUser != 0 {
					key += q.UserID
				}
				if limit.Per&engine.LimitByModel != 0 {
					key += q.ModelID
				}
				b := buckets[key]
				if b == nil {
					b = newReference(limit, now)
					buckets[key] = b
				}
				b.pass(now)
				h.of = append(h.of, b)
				admit = admit && b.has(cost(limit, q.Tokens))
			}
			reservation, err := l.Reserve(t.Context(), &q)
			if (err == nil) != admit {
				t.Fatalf("step %d: Reserve(%+v) = %v, want admitted: %v", step, q, err, admit)
			}
			if err != nil {
				checkRefusal(t, engine.AsLimitRefusal(err), h.of, q.Tokens)
				continue
			}
			h.reservation = reservation
			for _, b := range h.of {
				b.add(-cost(b.limit, q.Tokens))
			}
			open = append(open, h)
			checkLeft(t, step, reservation.Left(), h.of)
		}
	}
}

func cost(l engine.Limit, tokens int64) int64 {
	if l.Kind == engine.LimitTokens {
		return tokens
	}
	return 1
}

// checkRefusal asks that waiting as long as the refusal says would help, and a nanosecond
// less would not.
func checkRefusal(t *testing.T, r *engine.LimitRefusal, of []*reference, tokens int64) {
	t.Helper()
	for _, b := range of {
		n := cost(b.limit, tokens)
		if b.has(n) || b.limit.Kind == engine.LimitConcurrency || n > b.limit.Size() || r.TooLarge || r.After == 0 {
			continue
		}
		late := *b
		late.level = new(big.Rat).Set(b.level)
		late.pass(b.at + r.After)
		if !late.has(n) {
			t.Fatalf("refused for %v, after which limit %s has %v of %d", r.After, b.limit.ID, late.level, n)
		}
		if b.limit.ID == r.LimitID {
			early := *b
			early.level = new(big.Rat).Set(b.level)
			if early.pass(b.at + r.After - 1); early.has(n) {
				t.Fatalf("refused for %v, but limit %s has %d a nanosecond before", r.After, b.limit.ID, n)
			}
		}
	}
}

func checkLeft(t *testing.T, step int, left engine.LimitState, of []*reference) {
	t.Helper()
	want := map[engine.LimitKind]int64{}
	for _, b := range of {
		n := max(b.floor(), 0)
		if was, ok := want[b.limit.Kind]; !ok || n < was {
			want[b.limit.Kind] = n
		}
	}
	for kind, got := range map[engine.LimitKind]engine.LimitLeft{
		engine.LimitRequests: left.Requests, engine.LimitTokens: left.Tokens, engine.LimitConcurrency: left.Concurrency,
	} {
		if n, ok := want[kind]; ok != got.Set || got.Remaining != n {
			t.Fatalf("step %d: %s left = %+v, want %d, set %v", step, kind, got, n, ok)
		}
	}
}
