package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer is a proxy that gives requests to processes in turn, as Caddy and Kubernetes do: only to
// those that lately said on /readyz that they are ready, and to another one when a connection is refused.
type balancer struct {
	url    string
	redial atomic.Int64 // requests that were given to another process

	mu   sync.Mutex
	next int
	all  []*upstreamProcess
}

// upstreamProcess is a place in the balancer.
type upstreamProcess struct {
	url   string    // "": there is no process now
	ready bool      // what it last said
	asked time.Time // when
}

// probeEvery is how often a process is asked; what it said longer than probeHolds ago does not count.
const (
	probeEvery = 50 * time.Millisecond
	probeHolds = time.Second
)

func newBalancer(t *testing.T, places int) *balancer {
	t.Helper()
	b := &balancer{all: make([]*upstreamProcess, places)}
	ctx, cancel := context.WithCancel(context.Background())
	var probes sync.WaitGroup
	for i := range b.all {
		b.all[i] = &upstreamProcess{}
		probes.Go(func() { b.probe(ctx, b.all[i]) })
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme = "http" },
		Transport:     &toReady{b, &http.Transport{MaxIdleConnsPerHost: 200, DisableCompression: true}},
		FlushInterval: -1,
	}
	server := httptest.NewServer(proxy)
	b.url = server.URL
	t.Cleanup(func() {
		server.Close()
		cancel()
		probes.Wait()
	})
	return b
}

// probe asks one process again and again.
func (b *balancer) probe(ctx context.Context, p *upstreamProcess) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		b.mu.Lock()
		url, asked := p.url, time.Now()
		b.mu.Unlock()
		if url == "" {
			continue
		}
		resp, err := client.Get(url + "/readyz")
		ready := err == nil && resp.StatusCode == http.StatusOK
		if err == nil {
			_ = resp.Body.Close()
		}
		b.mu.Lock()
		if p.url == url {
			p.ready, p.asked = ready, asked
		}
		b.mu.Unlock()
	}
}

// put has the place lead to a process, "" to none.
func (b *balancer) put(place int, url string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*b.all[place] = upstreamProcess{url: url}
}

// isReady reports what the process of a place last said.
func (b *balancer) isReady(place int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all[place].ready
}

// take waits for a process that is ready, and returns where it is.
func (b *balancer) take(ctx context.Context) (host string, err error) {
	for {
		b.mu.Lock()
		for range b.all {
			b.next++
			if p := b.all[b.next%len(b.all)]; p.ready && time.Since(p.asked) < probeHolds {
				b.mu.Unlock()
				return p.url[len("http://"):], nil
			}
		}
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// toReady sends requests to the balancer's processes.
type toReady struct {
	b  *balancer
	to http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *toReady) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	for {
		host, err := t.b.take(r.Context())
		if err != nil {
			return nil, err
		}
		out := r.Clone(r.Context())
		out.URL.Host, out.Body, out.ContentLength = host, io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp, err := t.to.RoundTrip(out)
		var refused *net.OpError
		if errors.As(err, &refused) && refused.Op == "dial" {
			t.b.redial.Add(1) // nothing of the request was sent
			continue
		}
		return resp, err
	}
}
