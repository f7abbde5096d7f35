package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// phase is what became of requests that were sent open loop, each measured from when it was
// due: a sender that waited for answers would not see what waiting costs.
type phase struct {
	mu     sync.Mutex
	served []time.Duration // over what the provider took
	shed   []time.Duration
	odd    []string
}

func (p *phase) note(took time.Duration, provider time.Duration, status int, after, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case status == http.StatusOK:
		p.served = append(p.served, took-provider)
	case status == http.StatusServiceUnavailable && after != "" && strings.Contains(text, "overloaded"):
		p.shed = append(p.shed, took)
	default:
		p.odd = append(p.odd, fmt.Sprint(status, " ", text))
	}
}

// percentile is the 99th, say; 0 of nothing. It sorts.
func percentile(all []time.Duration, of int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)*of/100, len(all)-1)].Round(10 * time.Microsecond)
}

// A whole gateway is offered up to ten times what it has places for, for some seconds each.
// Counts are asked for; the times, which depend on what else the machine does, are printed.
// The short form of it is TestGoodputIsFlatUnderOverload in httpapi.
func TestOverloadSoak(t *testing.T) {
	if os.Getenv("POINTSMAN_SOAK") == "" {
		t.Skip("POINTSMAN_SOAK is not set: host/httpapi has the short form")
	}
	const (
		most     = 64
		places   = most * 3 / 4 // one account's
		provider = 400 * time.Millisecond
		lasts    = 8 * time.Second
	)
	capacity := float64(places) / provider.Seconds()
	g := startGateway(t, func(c *Config, o *Options) { c.MaxInFlight, o.Log = most, zerolog.Nop() })
	body, err := json.Marshal(chatBody("gpt-4o", fmt.Sprintf("[[simulate delay=%d words=5]]", provider.Milliseconds())))
	if err != nil {
		t.Fatal(err)
	}
	// Bounded by the sockets of a test; who waits for one is measured as late.
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024, MaxConnsPerHost: 1024}}
	defer client.CloseIdleConnections()
	send := func(p *phase, due time.Time) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL()+"/v1/chat/completions", bytes.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+g.key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			p.note(0, 0, 0, "", err.Error())
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		p.note(time.Since(due), provider, resp.StatusCode, resp.Header.Get("Retry-After"), string(text))
	}
	offer := func(times float64) (*phase, time.Duration) {
		p := &phase{}
		every := time.Duration(float64(time.Second) / (times * capacity))
		var calls sync.WaitGroup
		began := time.Now()
		for due := began; due.Sub(began) < lasts; due = due.Add(every) {
			time.Sleep(time.Until(due))
			calls.Go(func() { send(p, due) })
		}
		calls.Wait()
		return p, time.Since(began)
	}
	offer(0.5) // connections, caches
	idle := runtime.NumGoroutine()
	calm, _ := offer(0.8)
	usual := percentile(calm.served, 99)
	t.Logf("0.8 x: %d served, %d shed; added 50 %% %v, 99 %% %v", len(calm.served), len(calm.shed), percentile(calm.served, 50), usual)
	peak := 0.0
	for _, times := range []float64{1, 2, 5, 10} {
		p, took := offer(times)
		goodput := float64(len(p.served)) / took.Seconds()
		peak = max(peak, goodput)
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		t.Logf("%g x: %.0f/s served (%.0f %% of the peak, %.0f %% of the places), added 50 %% %v, 99 %% %v (%.1f x that of 0.8 x); %d shed in 50 %% %v, 99 %% %v; %d MiB from the system",
			times, goodput, 100*goodput/peak, 100*goodput/capacity, percentile(p.served, 50), percentile(p.served, 99),
			float64(percentile(p.served, 99))/float64(max(usual, 1)), len(p.shed), percentile(p.shed, 50), percentile(p.shed, 99), memory.Sys>>20)
		if goodput < 0.9*peak {
			t.Errorf("%g times: %.0f served a second, want at least 90 %% of %.0f", times, goodput, peak)
		}
		if len(p.odd) > 0 {
			t.Errorf("%g times: %d answers are neither, as %s", times, len(p.odd), p.odd[0])
		}
	}
	client.CloseIdleConnections()
	// Idle connections to the provider stay, as many as there were places, each with its ends.
	for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > idle+4*most; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%d goroutines are left, %d were before", runtime.NumGoroutine(), idle)
			break
		}
	}
}
