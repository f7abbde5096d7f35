package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// load is what is asked of a process.
type load struct {
	path    string
	body    func(n int64) []byte // of the n-th request
	key     func(n int64) string
	stream  bool
	clients int
}

// outcome is what came of a load.
type outcome struct {
	requests, events, failed int64
	elapsed                  time.Duration
	latency                  *hdrhistogram.Histogram // µs; of a stream: to its first event
	first                    error
}

// perSecond is how many requests were answered in a second.
func (o *outcome) perSecond() float64 { return float64(o.requests) / o.elapsed.Seconds() }

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 60_000_000, 3) }

// caller sends requests to one process over connections that it keeps.
type caller struct {
	to   *fasthttp.HostClient
	load load
	n    atomic.Int64
}

func newCaller(p *process, l load) *caller {
	host := p.url[len("http://"):]
	return &caller{load: l, to: &fasthttp.HostClient{
		Addr: host, MaxConns: 1 << 16, StreamResponseBody: l.stream, NoDefaultUserAgentHeader: true, MaxIdleConnDuration: time.Minute,
	}}
}

// call sends one request and reads its whole answer.
func (c *caller) call() (events int64, first time.Duration, err error) {
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	n := c.n.Add(1)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetHost(c.to.Addr)
	req.SetRequestURI(c.load.path)
	req.Header.SetContentType("application/json")
	req.Header.Set("Authorization", "Bearer "+c.load.key(n))
	req.SetBodyRaw(c.load.body(n))
	began := time.Now()
	if err := c.to.Do(req, res); err != nil {
		return 0, 0, err
	}
	if res.StatusCode() != fasthttp.StatusOK {
		body := res.Body()
		return 0, 0, fmt.Errorf("status %d: %.300s", res.StatusCode(), body)
	}
	if !c.load.stream {
		if len(res.Body()) == 0 {
			return 0, 0, errors.New("an empty answer")
		}
		return 0, time.Since(began), nil
	}
	defer res.CloseBodyStream()
	lines := bufio.NewReaderSize(res.BodyStream(), 4096)
	done := false
	for {
		line, err := lines.ReadSlice('\n')
		if bytes.HasPrefix(line, []byte("data: ")) {
			if events++; events == 1 {
				first = time.Since(began)
			}
			done = done || bytes.HasPrefix(line, []byte("data: [DONE]"))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return events, first, err
		}
	}
	if !done {
		return events, first, errors.New("a stream ended without [DONE]")
	}
	return events, first, nil
}

// tally collects outcomes of many clients.
type tally struct {
	mu  sync.Mutex
	out outcome
}

func (t *tally) add(events int64, latency time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		if t.out.failed++; t.out.first == nil {
			t.out.first = err
		}
		return
	}
	t.out.requests++
	t.out.events += events
	_ = t.out.latency.RecordValue(max(1, latency.Microseconds())) // a minute at most, which no request takes
}

// closed lets each client send its next request when it has the answer to the one before.
func (c *caller) closed(ctx context.Context, d time.Duration) *outcome {
	t := &tally{out: outcome{latency: newHistogram()}}
	began := time.Now()
	var all sync.WaitGroup
	for range c.load.clients {
		all.Go(func() {
			for ctx.Err() == nil && time.Since(began) < d {
				t.add(c.call())
			}
		})
	}
	all.Wait()
	t.out.elapsed = time.Since(began)
	return &t.out
}

// once lets each client send one request, all at the same time.
func (c *caller) once() *outcome {
	t := &tally{out: outcome{latency: newHistogram()}}
	began := time.Now()
	var all sync.WaitGroup
	for range c.load.clients {
		all.Go(func() { t.add(c.call()) })
	}
	all.Wait()
	t.out.elapsed = time.Since(began)
	return &t.out
}

// open sends requests at a rate, whatever becomes of the ones before: arrivals are random
// (Poisson), and a request's time counts from when it was due.
func (c *caller) open(ctx context.Context, rate float64, d time.Duration) *outcome {
	t := &tally{out: outcome{latency: newHistogram()}}
	began := time.Now()
	due := began
	var all sync.WaitGroup
	inFlight := make(chan struct{}, 2048)
	for ctx.Err() == nil && due.Sub(began) < d {
		due = due.Add(time.Duration(rand.ExpFloat64() / rate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			pause(wait)
		}
		inFlight <- struct{}{}
		sent := due
		all.Go(func() {
			defer func() { <-inFlight }()
			events, _, err := c.call()
			t.add(events, time.Since(sent), err)
		})
	}
	all.Wait()
	t.out.elapsed = time.Since(began)
	return &t.out
}

// pause waits more precisely than time.Sleep, which may wake a millisecond late.
func pause(d time.Duration) {
	wait := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&wait, nil) // a signal ends it early
}

// tries is how often a rate is tried until it counts as too high: one hiccup of the machine is none of the
// process's.
const tries = 2

// rateAt is the highest rate, in a second, at which the 99th percentile stays below bound, found
// by going up in steps of a fifth.
func (c *caller) rateAt(ctx context.Context, bound, each time.Duration) float64 {
	best := 0.0
	for rate, try := 500.0, 0; rate < 200_000 && try < tries && ctx.Err() == nil; {
		o := c.open(ctx, rate, each)
		if o.failed > 0 || o.latency.ValueAtQuantile(99) > bound.Microseconds() {
			try++
			continue
		}
		best, rate, try = o.perSecond(), rate*1.2, 0
	}
	return best
}
