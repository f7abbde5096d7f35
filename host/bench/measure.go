package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Processors of the measured process, and of the load and the provider.
const (
	measuredCPU = 0
	loadCPU     = 1
)

// bench is a run: the processes that all scenarios share, and the gateway that is up.
type bench struct {
	o        options
	dir      string
	provider *process
	fast     *process // bare fasthttp proxy
	std      *process // bare net/http proxy
	gateway  *gateway
	world    world
	keys     []string
}

// cost is the processor time of one request or event, µs, in each round.
type cost []float64

func (c cost) median() float64 {
	if len(c) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(c))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// result is what one scenario came to.
type result struct {
	scenario
	fast, std, ours cost
	ratio           cost // ours to fast, round by round
	perSecond       cost // requests of ours, on one processor
}

func measure(ctx context.Context, o options) error {
	if runtime.NumCPU() < 2 {
		return fmt.Errorf("a run needs two processors: one for what is measured, one for the load")
	}
	raiseDescriptors()
	if err := onProcessor(loadCPU, func() error { return nil }); err != nil {
		return fmt.Errorf("pin to a processor: %w", err)
	}
	dir, err := os.MkdirTemp("", "pointsman-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{o: o, dir: dir}
	defer b.close()
	if err := b.open(ctx); err != nil {
		return err
	}
	r := &report{o: o}
	for _, s := range scenarios() {
		if !o.only.MatchString(s.name) {
			continue
		}
		res, err := b.run(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.add(res)
	}
	if o.only.MatchString("latency") {
		if err := b.latency(ctx, r); err != nil {
			return err
		}
	}
	if o.only.MatchString("throughput") {
		if err := b.throughput(ctx, r); err != nil {
			return err
		}
	}
	if o.only.MatchString("memory") {
		if err := b.memory(ctx, r); err != nil {
			return err
		}
	}
	if o.only.MatchString("growth") {
		if err := b.growth(ctx, r); err != nil {
			return err
		}
	}
	return r.write()
}

// raiseDescriptors makes room for ten thousand streams: two sockets each in the gateway.
func raiseDescriptors() {
	most := unix.Rlimit{Cur: 65536, Max: 65536}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &most) == nil {
		return
	}
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &most) == nil {
		most.Cur = most.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &most)
	}
}

func (b *bench) open(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	role := func(name string, cpu int, env ...string) (*process, error) {
		return spawn{name: name, cpu: cpu, path: self, args: []string{name}, env: env}.start(ctx)
	}
	if b.provider, err = role("provider", loadCPU); err != nil {
		return err
	}
	to := providerVariable + "=" + b.provider.url
	if b.fast, err = role("proxy-fasthttp", measuredCPU, to); err != nil {
		return err
	}
	b.std, err = role("proxy-nethttp", measuredCPU, to)
	return err
}

func (b *bench) close() {
	if b.gateway != nil {
		b.gateway.stop()
	}
	for _, p := range []*process{b.fast, b.std, b.provider} {
		p.stop()
	}
}

// enter makes the gateway of that world the one that is up.
func (b *bench) enter(ctx context.Context, w world) error {
	if b.gateway != nil && b.world == w {
		return nil
	}
	if b.gateway != nil {
		b.gateway.stop()
		b.gateway = nil
	}
	dir, err := os.MkdirTemp(b.dir, "gateway-")
	if err != nil {
		return err
	}
	g, err := startGateway(ctx, b.o, b.provider, dir)
	if err != nil {
		return err
	}
	b.gateway, b.world = g, w
	began := time.Now()
	if b.keys, err = w.populate(ctx, g, b.o); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "gateway: %s (made in %v)\n", w, time.Since(began).Round(time.Second/10))
	settled()
	return nil
}

// key returns the key of the nth request: those of the world take turns.
func (b *bench) key(n int64) string { return b.keys[n%int64(len(b.keys))] }

// run measures one scenario in rounds, after one that counts for nothing.
func (b *bench) run(ctx context.Context, s scenario) (*result, error) {
	if err := b.enter(ctx, s.world); err != nil {
		return nil, err
	}
	s.load.key = b.key
	res := &result{scenario: s}
	targets := []*process{b.fast, b.std, b.gateway.process}
	callers := make([]*caller, len(targets))
	for i, p := range targets {
		callers[i] = newCaller(p, s.load)
		defer callers[i].to.CloseIdleConnections()
		if _, err := b.spend(ctx, p, callers[i], s, b.o.each/2); err != nil {
			return nil, err
		}
	}
	for range b.o.rounds {
		var each [3]float64
		for i, p := range targets {
			var err error
			if each[i], err = b.spend(ctx, p, callers[i], s, b.o.each); err != nil {
				return nil, err
			}
		}
		res.fast, res.std, res.ours = append(res.fast, each[0]), append(res.std, each[1]), append(res.ours, each[2])
		res.ratio = append(res.ratio, each[2]/each[0])
	}
	fmt.Fprintf(os.Stderr, "%-16s fasthttp %7.1f  net/http %7.1f  pointsman %7.1f µs  %.2f ×\n",
		s.name, res.fast.median(), res.std.median(), res.ours.median(), res.ratio.median())
	return res, nil
}

// spend returns the processor time of one request, or event, µs.
func (b *bench) spend(ctx context.Context, p *process, c *caller, s scenario, d time.Duration) (float64, error) {
	before, err := p.spent()
	if err != nil {
		return 0, err
	}
	out := c.closed(ctx, d)
	after, err := p.spent()
	if err != nil {
		return 0, err
	}
	// The net/http proxy ends a stream now and then that is in use; what is measured never may.
	spared := p == b.std
	if out.failed > 0 && !spared || out.requests == 0 {
		return 0, fmt.Errorf("%s: %d of %d requests failed: %w", p.name, out.failed, out.failed+out.requests, out.first)
	}
	n := out.requests
	if s.perEvent {
		n = out.events
	}
	return float64((after - before).Microseconds()) / float64(n), ctx.Err()
}
