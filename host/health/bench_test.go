package health_test

import (
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

var well = engine.HealthOutcome{Status: 200, Latency: 800 * time.Millisecond, FirstByte: 300 * time.Millisecond, Stream: true}

func BenchmarkAllowReport(b *testing.B) {
	b.Run("alone", func(b *testing.B) {
		s := health.New(health.Config{})
		t := engine.HealthTarget{ProviderID: "openai", UpstreamID: "gpt-4o-mini", Credential: "0199f3a2-7b1c-7000-8000-000000000001", Version: 3}
		b.ReportAllocs()
		for b.Loop() {
			pass, ok := s.Begin(&t, false)
			if !ok {
				b.Fatal("refused")
			}
			pass.Done(well)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		s := health.New(health.Config{})
		var n atomic.Int64
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			t := engine.HealthTarget{ProviderID: "openai", UpstreamID: "gpt-4o-mini", Credential: "0199f3a2-7b1c-7000-8000-000000000001", Version: 3}
			if n.Add(1)%2 == 0 {
				t.UpstreamID = "gpt-4o"
			}
			for pb.Next() {
				pass, ok := s.Begin(&t, false)
				if !ok {
					b.Fatal("refused")
				}
				pass.Done(well)
			}
		})
	})
}

func BenchmarkState(b *testing.B) {
	s := health.New(health.Config{})
	t := engine.HealthTarget{ProviderID: "openai", UpstreamID: "gpt-4o-mini"}
	pass, _ := s.Begin(&t, false)
	pass.Done(well)
	b.ReportAllocs()
	for b.Loop() {
		if s.State(&t).Status != engine.HealthHealthy {
			b.Fatal("not healthy")
		}
	}
}

func TestAllowReportDoesNotAllocate(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := health.New(health.Config{Now: func() time.Time { return now }})
	target := engine.HealthTarget{AccountID: "acme", ProviderID: "openai", UpstreamID: "gpt-4o-mini", Credential: "c1", Version: 3}
	fallback := well
	fallback.Fallback = true
	busy := engine.HealthOutcome{Code: engine.CodeUpstreamOverloaded, Status: 503, Detail: "openai 503 overloaded"}
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"state", func() { s.State(&target) }},
		{"answered", func() { pass, _ := s.Begin(&target, false); pass.Done(well) }},
		{"answered as a fallback", func() { pass, _ := s.Begin(&target, false); pass.Done(fallback) }},
		{"canceled", func() { pass, _ := s.Begin(&target, false); pass.Cancel() }},
		{"failed and answered", func() {
			pass, _ := s.Begin(&target, false)
			pass.Done(busy)
			for range 10 {
				pass, _ = s.Begin(&target, false)
				pass.Done(well)
			}
		}},
	} {
		least := math.Inf(1)
		for range 50 {
			least = min(least, testing.AllocsPerRun(1, c.run))
		}
		if least != 0 {
			t.Errorf("%s: %v allocations, want 0", c.name, least)
		}
	}
}
