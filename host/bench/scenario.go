package main

import (
	"context"
	"fmt"
)

// scenario is one kind of load, asked of both proxies and of a gateway.
type scenario struct {
	name string // for -run
	what string // for the table
	load load
	// world is which gateway is asked: each has a store of its own.
	world world
	// perEvent tells to divide by events instead of requests.
	perEvent bool
	// bar is the most that may be spent, as a ratio to the fasthttp proxy; 0: none is set.
	bar float64
}

// world is a gateway with everything on, and perhaps a crowd in it.
type world struct {
	tenants, rules int // tenants with that many rules each; with none, rules of the account default
	plugins        int // each of an account of its own, all in rotation
}

func (w world) String() string {
	switch {
	case w.plugins > 0:
		return fmt.Sprintf("%d plugins in rotation", w.plugins)
	case w.tenants > 0:
		return fmt.Sprintf("%d tenants with %d rules each", w.tenants, w.rules)
	case w.rules > 0:
		return fmt.Sprintf("%d rules in one account", w.rules)
	}
	return "everything on"
}

// populate fills the gateway and returns the keys that requests take in turn.
func (w world) populate(ctx context.Context, g *gateway, o options) ([]string, error) {
	own := w.rules // of the account default
	if w.tenants > 0 {
		own = 0
	}
	if err := g.governed(ctx, o, own); err != nil {
		return nil, err
	}
	switch {
	case w.plugins > 0:
		return g.plugins(ctx, o, w.plugins)
	case w.tenants > 0:
		return g.accounts(ctx, w.tenants, w.rules)
	}
	key, err := g.key(ctx, "default")
	return []string{key}, err
}

const chatPath = "/v1/chat/completions"

// plain is a request that is answered at once; the same body each time.
func plain(body []byte) load {
	return load{path: chatPath, body: func(int64) []byte { return body }, clients: 16}
}

func streaming(body []byte) load {
	l := plain(body)
	l.stream, l.clients = true, 32
	return l
}

// scenarios are those of the table, in its order.
func scenarios() []scenario {
	small, ten := chatBody(300, "", "bench"), chatBody(10<<10, "", "bench")
	return []scenario{
		{name: "small", what: "300 B", load: plain(small), bar: 2.5},
		{name: "10KB", what: "10 KB", load: plain(ten), bar: 2.5},
		{name: "100KB", what: "100 KB", load: plain(chatBody(100<<10, "", "bench"))},
		{name: "2MB", what: "2 MB, an image", load: plain(imageBody(2 << 20))},
		{name: "tools", what: "ten tools, four calls", load: plain(toolBody())},
		{name: "anthropic-small", what: "300 B, to Anthropic", load: plain(chatBody(300, "", "bench-anthropic")), bar: 1.15 * 2.5},
		{name: "anthropic-10KB", what: "10 KB, to Anthropic", load: plain(chatBody(10<<10, "", "bench-anthropic")), bar: 1.15 * 2.5},
		{name: "failover", what: "300 B, first target fails each time", load: plain(chatBody(300, "", wordFailover))},
		{name: "stream", what: "SSE event", load: streaming(chatBody(300, `"stream":true,"stream_options":{"include_usage":true},`, "bench")), perEvent: true, bar: 1.5},
		{name: "tenants", what: "300 B, 1,000 tenants × 20 rules", load: plain(small), world: world{tenants: 1000, rules: 20}},
		{name: "rules", what: "300 B, 1,000 rules", load: plain(small), world: world{rules: 1000}},
		{name: "plugins", what: "300 B, 100 plugins in rotation", load: plain(small), world: world{plugins: 100}},
	}
}

// growth are the scenarios of a plot: one quantity grows, all else stays.
type growth struct {
	title, axis string
	at          []float64
	of          func(x float64) scenario
}

func growths() []growth {
	small := chatBody(300, "", "bench")
	return []growth{
		{"Body size", "bytes", []float64{300, 1 << 10, 10 << 10, 100 << 10, 1 << 20}, func(x float64) scenario {
			return scenario{load: plain(chatBody(int(x), "", "bench"))}
		}},
		{"Rules of the account", "rules", []float64{10, 100, 300, 1000}, func(x float64) scenario {
			return scenario{load: plain(small), world: world{rules: int(x)}}
		}},
		{"Tenants with 20 rules each", "tenants", []float64{10, 100, 300}, func(x float64) scenario {
			return scenario{load: plain(small), world: world{tenants: int(x), rules: 20}}
		}},
		{"Plugins in rotation", "plugins", []float64{1, 10, 100}, func(x float64) scenario {
			return scenario{load: plain(small), world: world{plugins: int(x)}}
		}},
		{"Open streams", "streams", []float64{10, 100, 400}, func(x float64) scenario {
			s := scenario{load: streaming(chatBody(300, `"stream":true,`, "bench")), perEvent: true}
			s.load.clients = int(x)
			return s
		}},
	}
}
