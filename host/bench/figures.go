package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// latency measures what a process adds to a request when nothing else is under way: one client,
// the median of its answers' times, less that of the provider asked directly.
func (b *bench) latency(ctx context.Context, r *report) error {
	if err := b.enter(ctx, world{}); err != nil {
		return err
	}
	one := plain(chatBody(300, "", "bench"))
	one.clients, one.key = 1, b.key
	targets := []*process{b.provider, b.fast, b.std, b.gateway.process}
	medians := make([]cost, len(targets))
	for range b.o.rounds {
		for i, p := range targets {
			c := newCaller(p, one)
			out := c.closed(ctx, b.o.each)
			c.to.CloseIdleConnections()
			if out.failed > 0 {
				return fmt.Errorf("%s: %w", p.name, out.first)
			}
			medians[i] = append(medians[i], float64(out.latency.ValueAtQuantile(50)))
		}
	}
	direct := medians[0].median()
	r.added = [3]float64{medians[1].median() - direct, medians[2].median() - direct, medians[3].median() - direct}
	fmt.Fprintf(os.Stderr, "added latency, p50: fasthttp %.0f  net/http %.0f  pointsman %.0f µs (provider alone %.0f)\n", r.added[0], r.added[1], r.added[2], direct)
	return ctx.Err()
}

// bounds are of the 99th percentile, for throughput.
var bounds = []time.Duration{time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond}

// settling is how long a process may put down what a load left behind, which as a rule takes it half a second.
const settling = 2 * time.Second

// throughput is how many requests in a second one processor serves while the 99th percentile
// stays below a bound, arrivals being random.
func (b *bench) throughput(ctx context.Context, r *report) error {
	if err := b.enter(ctx, world{}); err != nil {
		return err
	}
	l := plain(chatBody(300, "", "bench"))
	l.key = b.key
	for _, bound := range bounds {
		var rates [3]float64
		for i, p := range []*process{b.fast, b.std, b.gateway.process} {
			c := newCaller(p, l)
			c.closed(ctx, b.o.each/4) // opens connections
			time.Sleep(settling)
			rates[i] = c.rateAt(ctx, bound, b.o.each)
			c.to.CloseIdleConnections()
		}
		r.rates = append(r.rates, rates)
		fmt.Fprintf(os.Stderr, "at p99 ≤ %v: fasthttp %.0f  net/http %.0f  pointsman %.0f a second\n", bound, rates[0], rates[1], rates[2])
	}
	return ctx.Err()
}

// idleStreams is how many streams are held open at once: ten thousand, or a little fewer where a
// process may not have two sockets for each.
func idleStreams() int {
	most := unix.Rlimit{}
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &most) != nil {
		return wantedStreams
	}
	const ownFiles = 200 // database, spool, listeners, connections of the setup
	return min(wantedStreams, int(min(most.Cur, 1<<20)-ownFiles)/2)
}

const wantedStreams = 10_000

// idleAfter is how long nobody asks a gateway before it counts as idle.
const idleAfter = 15 * time.Second

// used asks the gateway for each thing that makes it load what it needs: answers of both wires,
// and streams.
func (b *bench) used(ctx context.Context) error {
	for _, l := range []load{
		plain(chatBody(300, "", "bench")), plain(chatBody(10<<10, "", "bench-anthropic")), streaming(chatBody(300, `"stream":true,`, "bench")),
	} {
		l.key = b.key
		c := newCaller(b.gateway.process, l)
		out := c.closed(ctx, time.Second)
		c.to.CloseIdleConnections()
		if out.first != nil {
			return out.first
		}
	}
	return nil
}

// memory measures a gateway of its own: some time after it was used, with idleStreams streams open,
// and after they have ended; then how long a second start takes, with the compiled guests on the
// disk. See RATIONALE.md, "When is a gateway idle?".
func (b *bench) memory(ctx context.Context, r *report) error {
	if b.gateway != nil {
		b.gateway.stop()
		b.gateway = nil
	}
	if err := b.enter(ctx, world{}); err != nil {
		return err
	}
	g := b.gateway
	err := b.used(ctx)
	if err != nil {
		return err
	}
	time.Sleep(idleAfter)
	if r.idle, err = g.resident(); err != nil {
		return err
	}
	hold := streaming(chatBody(300, `"stream":true,`, wordHold))
	hold.key = b.key
	hold.clients = idleStreams()
	c := newCaller(g.process, hold)
	peak := make(chan int64)
	ended := make(chan struct{})
	go func() {
		most := int64(0)
		for beat := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-beat.C:
				if now, err := g.resident(); err == nil {
					most = max(most, now)
				}
			case <-ended:
				beat.Stop()
				peak <- most
				return
			}
		}
	}()
	out := c.once()
	close(ended)
	r.peak, r.held, r.lost = <-peak, out.requests, out.failed
	if out.first != nil {
		r.lostWhy = out.first.Error()
	}
	c.to.CloseIdleConnections()
	for range 60 {
		time.Sleep(time.Second)
		if r.after, err = g.resident(); err != nil {
			return err
		}
		if r.after <= r.idle+r.idle/10 {
			break
		}
	}
	g.stop()
	again, err := startGateway(ctx, b.o, b.provider, g.dir)
	if err != nil {
		return err
	}
	b.gateway, r.start = again, again.started
	fmt.Fprintf(os.Stderr, "memory: idle %d MiB, %d streams %d MiB (%d failed %s), after %d MiB; start %v\n",
		r.idle>>20, r.held, r.peak>>20, r.lost, r.lostWhy, r.after>>20, r.start.Round(time.Millisecond))
	return ctx.Err()
}

// growth measures how the cost grows with one quantity.
func (b *bench) growth(ctx context.Context, r *report) error {
	for _, q := range growths() {
		p := plot{title: q.title, axis: q.axis}
		for _, x := range q.at {
			s := q.of(x)
			s.name = fmt.Sprintf("%g %s", x, q.axis)
			res, err := b.run(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			p.points = append(p.points, point{x, res.fast.median(), res.std.median(), res.ours.median()})
			p.perEvent = s.perEvent
		}
		r.plots = append(r.plots, p)
	}
	return nil
}
