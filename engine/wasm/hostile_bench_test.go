package wasm

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// unmetered is the module with what the meter adds, and none of it in use: the bodies are
// as they were uploaded.
func unmetered(b *testing.B, s *structure, metered []byte) []byte {
	b.Helper()
	const added = 3
	c := &cursor{b: metered[len(moduleHeader):]}
	out := slices.Clone(moduleHeader)
	for len(c.b) > 0 {
		id := c.byte()
		content := c.take(c.u32())
		if id == sectionCode {
			bodies := &cursor{b: content}
			n := bodies.u32()
			for range n - added {
				bodies.take(bodies.u32())
			}
			for _, part := range s.sections {
				if part.id == sectionCode {
					original := &cursor{b: part.content}
					original.u32()
					content = slices.Concat(appendU32(nil, n), original.b, bodies.b)
				}
			}
		}
		out = appendSection(out, id, content)
	}
	if c.err != nil {
		b.Fatal(c.err)
	}
	return out
}

// guestOf loads the module past the gate, metered or not.
func guestOf(b *testing.B, module []byte, meters bool) *plugin {
	b.Helper()
	l := open(b, Config{RuleLimit: patience, ProviderLimit: patience})
	u := &upload{module: module}
	if err := pass(b.Context(), inspectStages(), u); err != nil {
		b.Fatal(err)
	}
	if !meters {
		u.metered = unmetered(b, u.structure, u.metered)
	}
	if err := l.compile(b.Context(), u); err != nil {
		b.Fatal(err)
	}
	p := l.newPlugin(u.version, u.code)
	b.Cleanup(func() {
		p.close()
		l.letGo(u.code)
	})
	return p
}

// BenchmarkMeterCost is a call of our own guests with and without the meter's work, in turns of
// a few dozen calls; the best turn of each counts, as a busy machine only makes turns longer.
func BenchmarkMeterCost(b *testing.B) {
	compare := func(b *testing.B, metered, unmetered func() error) {
		const calls = 32
		best := [2]time.Duration{time.Hour, time.Hour}
		for b.Loop() {
			for i, f := range []func() error{metered, unmetered} {
				start := time.Now()
				for range calls {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
				best[i] = min(best[i], time.Since(start))
			}
		}
		b.ReportMetric(float64(best[0])/calls, "metered-ns")
		b.ReportMetric(float64(best[1])/calls, "unmetered-ns")
	}
	b.Run("rule", func(b *testing.B) {
		call := ruleCall(b, `{"request":{"text":"Please tidy up this function for me, it is long","has_image":false,"tokens":12,"command":"","stream":false}}`, ``)
		var answer engine.RuleAnswer
		with := func(meters bool) func() error {
			g := ruleGuest{guestOf(b, goGuest(b, abi.KindRule), meters)}
			return func() error { return g.Decide(context.Background(), call, &answer) }
		}
		compare(b, with(true), with(false))
	})
	b.Run("request", func(b *testing.B) {
		with := func(meters bool) func() error {
			s := &session{p: guestOf(b, goGuest(b, abi.KindProvider), meters), attempt: attempt(b, "")}
			return func() error { _, err := s.Request(context.Background()); return err }
		}
		compare(b, with(true), with(false))
	})
}

// BenchmarkNeighbour is a call of one account's rule, alone and while another account's
// plugins do their worst on as many goroutines as there are ways to.
func BenchmarkNeighbour(b *testing.B) {
	for _, mode := range []string{"alone", "beside"} {
		b.Run(mode, func(b *testing.B) {
			l := open(b, cached())
			var s shelf
			s.add(b, "acme", goGuest(b, abi.KindRule))
			bad := hostiles()
			for _, a := range bad {
				s.add(b, "mallory", a.build(b))
			}
			s.sync(b, l)
			g := ruleGuestOf(b, l, "acme", "test")
			var done atomic.Bool
			var attackers sync.WaitGroup
			if mode == "beside" {
				for name := range bad {
					attackers.Go(func() {
						var answer engine.RuleAnswer
						for !done.Load() {
							if g, err := l.RuleGuest("mallory", name); err == nil {
								_ = g.Decide(context.Background(), &engine.RuleCall{}, &answer)
							}
						}
					})
				}
			}
			call := ruleCall(b, `{"request":{"text":"Please tidy up this function for me, it is long","has_image":false,"tokens":12,"command":"","stream":false}}`, ``)
			var answer engine.RuleAnswer
			took := make([]time.Duration, 0, 1<<16)
			for b.Loop() {
				start := time.Now()
				if err := g.Decide(b.Context(), call, &answer); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			done.Store(true)
			attackers.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
		})
	}
}
