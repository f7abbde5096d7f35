// Command bench measures a whole gateway from outside: CPU per request, latency, throughput and
// memory, beside two bare reverse proxies in the same run. Read scenario.go first: it lists what is
// asked of each of them.
//
//	make bench-gateway                    # every scenario; rewrites the table and the plots
//	make bench-gateway BENCHFLAGS='-rounds 2 -each 1s'    # the same, in ten minutes
//	.build/bench -run '^(small|10KB)$'    # some of them, once that has built it; nothing is written
//
// One processor is the measured process's, the other is the load's and the provider's. A round
// asks each process in turn, so that what disturbs the machine disturbs all; what is printed is
// the median over the rounds, its spread, and the ratio to the references of the same round.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"time"
)

// options are what a run was asked for.
type options struct {
	binary   string // the gateway
	plugin   string // a rule plugin's module
	manifest string // its manifest.json
	only     *regexp.Regexp
	rounds   int
	each     time.Duration // of load, per process and round
	write    string        // folder of the README to rewrite, "" for none
}

func main() {
	if len(os.Args) == 2 {
		if serve, ok := roles[os.Args[1]]; ok {
			if err := serve(); err != nil {
				fmt.Fprintln(os.Stderr, "bench:", err)
				os.Exit(1)
			}
			return
		}
	}
	var o options
	only := flag.String("run", "", "only the scenarios whose name matches this expression")
	flag.StringVar(&o.binary, "binary", "bin/pointsman", "the gateway")
	flag.StringVar(&o.plugin, "plugin", ".build/go-topic-router.wasm", "the rule plugin's module")
	flag.StringVar(&o.manifest, "manifest", "examples/plugins/go-topic-router/manifest.json", "the plugin's manifest")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of each scenario")
	flag.DurationVar(&o.each, "each", 2*time.Second, "load per process and round")
	flag.StringVar(&o.write, "write", "", "rewrite the table in this folder's README.md, and its plots")
	flag.Parse()
	o.only = regexp.MustCompile(*only)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// roles are the processes that a run starts of its own program.
var roles = map[string]func() error{
	"provider":       serveProvider,
	"proxy-fasthttp": serveFasthttpProxy,
	"proxy-nethttp":  serveNetHTTPProxy,
}
