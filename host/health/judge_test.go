package health_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

const (
	up   = engine.HealthHealthy
	weak = engine.HealthDegraded
	gone = engine.HealthDown
)

// mixed makes n attempts, of which each tenth-th of so many fails.
func mixed(l *lab, n, failing int, t engine.HealthTarget) {
	for i := range n {
		o := whole
		if i*failing/n != (i+1)*failing/n {
			o = broken
		}
		l.ask(t, o)
	}
}

// Every edge between two statuses, by every threshold.
func TestStatus(t *testing.T) {
	t.Parallel()
	type want map[engine.HealthSubject]engine.HealthStatus
	for _, c := range []struct {
		name string
		do   func(l *lab)
		want want
	}{
		{"nothing was asked", func(*lab) {}, want{openai: up, gpt: up, key1: up}},
		{"an answer", func(l *lab) { l.asks(1, gptWith1, whole) }, want{openai: up, gpt: up, key1: up}},

		// Failures in a row.
		{"four failures in a row", func(l *lab) { l.asks(4, gptWith1, broken) }, want{openai: up, gpt: up, key1: up}},
		{"five failures in a row", func(l *lab) { l.asks(5, gptWith1, broken) }, want{openai: up, gpt: gone, key1: up}},
		{"an answer between them", func(l *lab) { l.asks(4, gptWith1, broken); l.asks(1, gptWith1, whole); l.asks(4, gptWith1, broken) }, want{gpt: up}},
		{"five in a row within an hour", func(l *lab) {
			for range 5 {
				l.asks(1, gptWith1, broken)
				l.wait(12 * time.Minute)
			}
		}, want{gpt: gone}},
		{"a refused request between them", func(l *lab) { l.asks(4, gptWith1, broken); l.asks(1, gptWith1, invalid); l.asks(4, gptWith1, broken) }, want{gpt: up}},
		{"a limit between them is no answer", func(l *lab) { l.asks(4, gptWith1, broken); l.asks(1, gptWith1, busy); l.asks(1, gptWith1, broken) }, want{gpt: gone}},
		{"a canceled one between them is no answer", func(l *lab) {
			l.asks(4, gptWith1, broken)
			pass, _ := l.Begin(&gptWith1, false)
			pass.Cancel()
			l.asks(1, gptWith1, broken)
		}, want{gpt: gone}},

		// The share of failures.
		{"ten of nineteen", func(l *lab) { mixed(l, 19, 10, gptWith1) }, want{gpt: up}},
		{"ten of twenty", func(l *lab) { mixed(l, 20, 10, gptWith1) }, want{gpt: weak}},
		{"eleven of twenty", func(l *lab) { mixed(l, 20, 11, gptWith1) }, want{gpt: gone}},
		{"eleven of twenty within eleven seconds", func(l *lab) {
			mixed(l, 10, 5, gptWith1)
			l.wait(11 * time.Second)
			mixed(l, 10, 6, gptWith1)
		}, want{gpt: weak}},
		{"one of twenty", func(l *lab) { mixed(l, 20, 1, gptWith1); l.wait(time.Second) }, want{gpt: up}},
		{"two of twenty", func(l *lab) { mixed(l, 20, 2, gptWith1); l.wait(time.Second) }, want{gpt: weak}},
		{"three of thirty in a minute", func(l *lab) {
			for range 30 {
				l.asks(1, gptWith1, whole)
				l.wait(time.Second)
			}
			l.asks(3, gptWith1, broken)
			l.wait(time.Second)
		}, want{gpt: weak}},
		{"from degraded to down", func(l *lab) { mixed(l, 20, 4, gptWith1); l.asks(1, gptWith1, whole); l.asks(5, gptWith1, broken) }, want{gpt: gone}},

		// Hysteresis.
		{"degraded, and then below the threshold, but not half of it", func(l *lab) {
			mixed(l, 20, 4, gptWith1)
			for range 60 {
				mixed(l, 14, 1, gptWith1) // 7 %
				l.wait(time.Second)
			}
		}, want{gpt: weak}},
		{"degraded, and then below half for less than a window", func(l *lab) {
			mixed(l, 20, 4, gptWith1)
			for range 13 { // in the fourth second it is 4 of 100
				l.asks(20, gptWith1, whole)
				l.wait(time.Second)
			}
		}, want{gpt: weak}},
		{"degraded, and then below half for a window", func(l *lab) {
			mixed(l, 20, 4, gptWith1)
			for range 15 {
				l.asks(20, gptWith1, whole)
				l.wait(time.Second)
			}
		}, want{gpt: up}},
		{"degraded, and then asked no more", func(l *lab) { mixed(l, 20, 4, gptWith1); l.wait(80 * time.Second) }, want{gpt: up}},

		// Which outcomes are failures, and whose.
		{"overloaded", func(l *lab) { l.asks(5, gptWith1, overloaded) }, want{openai: up, gpt: gone, key1: up}},
		{"too late", func(l *lab) { l.asks(5, gptWith1, late) }, want{openai: up, gpt: gone, key1: up}},
		{"cut", func(l *lab) { l.asks(5, gptWith1, cut) }, want{openai: up, gpt: gone, key1: up}},
		{"unreadable", func(l *lab) { l.asks(5, gptWith1, unread) }, want{openai: up, gpt: gone, key1: up}},
		{"no connection", func(l *lab) { l.asks(5, gptWith1, unreached) }, want{openai: gone, gpt: gone, key1: up}},
		{"no such model", func(l *lab) { l.asks(5, gptWith1, missing) }, want{openai: up, gpt: gone, key1: up}},
		{"no such models", func(l *lab) { l.asks(4, gptWith1, missing); l.asks(4, miniWith1, missing); l.wait(time.Second) }, want{openai: up}},
		{"a revoked key", func(l *lab) { l.asks(1, gptWith1, revoked) }, want{openai: up, gpt: up, key1: weak}},
		{"a key that stays revoked", func(l *lab) { l.asks(5, gptWith1, revoked) }, want{openai: up, gpt: up, key1: gone}},
		{"a used-up quota", func(l *lab) { l.asks(5, gptWith1, spent) }, want{openai: up, gpt: up, key1: gone}},
		{"a revoked key that is good again", func(l *lab) { l.asks(1, gptWith1, revoked); l.asks(1, gptWith1, whole); l.wait(12 * time.Second) }, want{key1: up}},
		{"limited", func(l *lab) { l.asks(100, gptWith1, busy); l.wait(time.Second) }, want{openai: up, gpt: up, key1: up}},
		{"requests that are refused", func(l *lab) {
			l.asks(50, gptWith1, invalid)
			l.asks(50, gptWith1, tooLong)
			l.asks(50, gptWith1, filtered)
			l.wait(time.Second)
		}, want{openai: up, gpt: up, key1: up}},
		{"the gateway's own failures", func(l *lab) { l.asks(100, gptWith1, ours) }, want{openai: up, gpt: up, key1: up}},
		{"streams that break after they began well", func(l *lab) {
			for range 5 {
				l.asks(1, gptWith1, well)
				l.Observe(&gptWith1, cut)
			}
		}, want{openai: up, gpt: gone}},
		{"one stream in three breaks", func(l *lab) {
			for range 12 {
				l.asks(3, gptWith1, well)
				l.Observe(&gptWith1, cut)
			}
		}, want{openai: up, gpt: weak}},

		// One model only.
		{"one model is dead, and nothing else is asked", func(l *lab) {
			for range 30 {
				for range 20 {
					l.ask(gptWith1, broken)
				}
				l.wait(time.Second)
			}
		}, want{openai: up, gpt: gone}},
		{"one model is dead, another works", func(l *lab) {
			for range 30 {
				l.ask(gptWith1, broken)
				l.asks(1, miniWith1, whole)
				l.wait(time.Second)
			}
		}, want{openai: up, gpt: gone, mini: up}},
		{"one model is dead, another had one failure", func(l *lab) { l.asks(1, miniWith1, broken); l.asks(5, gptWith1, broken) }, want{openai: up, gpt: gone, mini: up}},
		{"two models fail, and no other answers", func(l *lab) { l.asks(3, gptWith1, broken); l.asks(2, miniWith1, broken) }, want{openai: gone, gpt: up, mini: up}},
		{"two of three models fail half the time", func(l *lab) {
			other := with(engine.HealthSubject{ProviderID: "openai", UpstreamID: "other"}, key1)
			for range 10 {
				mixed(l, 10, 4, gptWith1)
				mixed(l, 10, 4, miniWith1)
				l.asks(10, other, whole)
				l.wait(time.Second)
			}
		}, want{openai: weak, gpt: weak, mini: weak}},
		{"one of three models fails half the time", func(l *lab) {
			other := with(engine.HealthSubject{ProviderID: "openai", UpstreamID: "other"}, key1)
			for range 10 {
				mixed(l, 10, 4, gptWith1)
				l.asks(10, miniWith1, whole)
				l.asks(10, other, whole)
				l.wait(time.Second)
			}
		}, want{openai: up, gpt: weak, mini: up}},

		// One key only.
		{"one key fails, another works", func(l *lab) {
			for range 5 {
				l.asks(1, gptWith1, broken)
				l.asks(1, gptWith2, whole)
			}
			l.wait(time.Second)
		}, want{openai: up, gpt: up, key1: gone, key2: up}},
		{"one key fails five times running, another worked before", func(l *lab) { l.asks(1, gptWith2, whole); l.asks(5, gptWith1, broken) }, want{openai: up, gpt: up, key1: gone, key2: up}},
		{"one key fails five times running, another worked long ago", func(l *lab) {
			l.asks(1, gptWith2, whole)
			l.wait(2 * time.Minute)
			l.asks(5, gptWith1, broken)
		}, want{gpt: gone, key1: up}},
		{"all keys fail", func(l *lab) { l.asks(1, gptWith2, broken); l.asks(4, gptWith1, broken) }, want{gpt: gone, key1: up, key2: up}},
		{"one key fails at a dead model, another works elsewhere", func(l *lab) {
			l.asks(1, with(mini, key2), whole)
			l.asks(5, gptWith1, broken)
		}, want{gpt: gone, key1: up, key2: up}},
		{"most of the failures are of the key that is out", func(l *lab) {
			for range 8 {
				l.asks(1, gptWith2, whole)
			}
			for range 10 {
				l.ask(gptWith1, broken)
			}
			l.asks(12, gptWith2, whole)
			l.wait(2 * time.Second)
			l.asks(1, gptWith2, whole)
		}, want{openai: up, gpt: up, key1: gone, key2: up}},

		// Probes.
		{"a probe fails, and nothing was asked", func(l *lab) { l.ProbeFailed(openai, "refused") }, want{openai: gone}},
		{"a probe fails, but attempts do not", func(l *lab) { l.asks(1, gptWith1, whole); l.ProbeFailed(openai, "refused") }, want{openai: up}},
		{"a probe fails, long after an attempt did not", func(l *lab) { l.asks(1, gptWith1, whole); l.wait(11 * time.Second); l.ProbeFailed(openai, "refused") }, want{openai: gone}},
		{"probes count like attempts", func(l *lab) {
			l.asks(1, gptWith1, whole)
			for range 5 {
				l.ProbeFailed(openai, "refused")
			}
		}, want{openai: gone}},
		{"probes fail where attempts do not, though these are rare", func(l *lab) {
			l.ProbeFailed(openai, "no list")
			l.wait(30 * time.Second)
			for range 3 {
				l.asks(1, gptWith1, whole)
				l.wait(2 * time.Second)
			}
			for range 10 {
				l.wait(30 * time.Second)
				l.asks(1, gptWith1, whole)
				l.wait(30 * time.Second)
				l.ProbeFailed(openai, "no list")
			}
		}, want{openai: up}},
		{"a probe that warns", func(l *lab) { l.ProbeWarned(gpt, "not listed") }, want{gpt: up}},
		{"a probe of what is disabled", func(l *lab) { l.Disable(openai); l.ProbeFailed(openai, "refused") }, want{openai: up}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, health.Thresholds{})
			c.do(l)
			for id, status := range c.want {
				l.is(id, status)
			}
		})
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	quick := engine.HealthOutcome{Status: 200, Stream: true, FirstByte: 400 * time.Millisecond}
	slow := func(d time.Duration) engine.HealthOutcome {
		return engine.HealthOutcome{Status: 200, Stream: true, FirstByte: d, Latency: d}
	}
	full := func(d time.Duration) engine.HealthOutcome {
		return engine.HealthOutcome{Status: 200, FirstByte: d, Latency: d}
	}
	for _, c := range []struct {
		name   string
		usual  engine.HealthOutcome // for ten minutes
		after  engine.HealthOutcome // for half a minute, twice a second
		n      int                  // of those; 0: 60
		status engine.HealthStatus
	}{
		{"as ever", quick, quick, 0, up},
		{"twice as slow", quick, slow(900 * time.Millisecond), 0, up},
		{"four times as slow, but still quick", engine.HealthOutcome{Status: 200, Stream: true, FirstByte: 100 * time.Millisecond}, slow(600 * time.Millisecond), 0, up},
		{"six times as slow", quick, slow(2600 * time.Millisecond), 0, weak},
		{"six times as slow, but few", quick, slow(2600 * time.Millisecond), 15, up},
		{"whole answers that take long", full(10 * time.Second), full(60 * time.Second), 0, weak},
		{"whole answers that always take long", full(60 * time.Second), full(60 * time.Second), 0, up},
		{"whole answers that take too long", full(80 * time.Second), full(140 * time.Second), 0, weak},
		{"first content that always takes too long", slow(20 * time.Second), slow(20 * time.Second), 0, weak},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, health.Thresholds{})
			for range 600 {
				l.asks(1, gptWith1, c.usual)
				l.wait(time.Second)
			}
			n := c.n
			if n == 0 {
				n = 60
			}
			l.wait(45 * time.Second) // what was usual is no longer of late
			for i := range n {
				l.asks(1, gptWith1, c.after)
				if i%2 == 1 {
					l.wait(time.Second)
				}
			}
			l.is(gpt, c.status)
			l.is(openai, up)
			if c.status == weak {
				for range 60 {
					l.asks(2, gptWith1, quick)
					l.wait(time.Second)
				}
				l.is(gpt, up)
				got := l.history(gpt)
				if want := []engine.HealthReason{engine.HealthSlow, engine.HealthRecovered}; !slices.Equal(got[max(len(got)-2, 0):], want) {
					t.Errorf("what was told at last = %v, want %v", got, want)
				}
			}
		})
	}
}
