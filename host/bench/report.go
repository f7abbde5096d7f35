package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// report collects a run's figures and writes them.
type report struct {
	o       options
	results []*result
	added   [3]float64 // latency, µs: fasthttp, net/http, ours
	rates   [][3]float64
	plots   []plot

	idle, peak, after int64 // bytes
	held, lost        int64 // streams
	lostWhy           string
	start             time.Duration
}

func (r *report) add(res *result) { r.results = append(r.results, res) }

// Where the README has the table.
const (
	tableBegin = "<!-- bench -->"
	tableEnd   = "<!-- /bench -->"
)

// write prints the table, and rewrites the README and the plots when the run was asked to.
func (r *report) write() error {
	table := r.table()
	fmt.Println(table)
	if r.o.write == "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(r.o.write, "host", "bench", "growth.svg"), drawing(r.plots), 0o644); err != nil {
		return err
	}
	path := filepath.Join(r.o.write, "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), tableBegin)
	_, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		return fmt.Errorf("%s has no %s … %s to write the table into", path, tableBegin, tableEnd)
	}
	return os.WriteFile(path, []byte(before+tableBegin+"\n"+table+tableEnd+after), 0o644)
}

func (r *report) table() string {
	var b strings.Builder
	if len(r.results) > 0 {
		b.WriteString("CPU, µs per request (least–most of the rounds):\n\n| request | bare fasthttp proxy | bare net/http proxy | Pointsman, everything on | to fasthttp | to net/http | bar |\n|---|---|---|---|---|---|---|\n")
	}
	for _, res := range r.results {
		bar := ""
		if res.bar > 0 {
			bar = fmt.Sprintf("≤ %g ×: %s", res.bar, verdict(res.ratio.median() <= res.bar))
		}
		fmt.Fprintf(&b, "| %s | %.1f (%s) | %.1f (%s) | %.1f (%s) | %.2f × | %.2f × | %s |\n", res.what,
			res.fast.median(), res.fast.spread(), res.std.median(), res.std.spread(), res.ours.median(), res.ours.spread(),
			res.ratio.median(), res.ours.median()/res.std.median(), bar)
	}
	if r.added != [3]float64{} || len(r.rates) > 0 || r.peak > 0 {
		b.WriteString("\n| | bare fasthttp proxy | bare net/http proxy | Pointsman, everything on | bar |\n|---|---|---|---|---|\n")
	}
	if r.added != [3]float64{} {
		fmt.Fprintf(&b, "| added latency, median, one client | %.0f µs | %.0f µs | %.0f µs | ≤ 1.5 × fasthttp: %s |\n", r.added[0], r.added[1], r.added[2], verdict(r.added[2] <= 1.5*r.added[0]))
	}
	for i, rates := range r.rates {
		fmt.Fprintf(&b, "| requests a second on one core at p99 ≤ %v | %.0f | %.0f | %.0f | |\n", bounds[i], rates[0], rates[1], rates[2])
	}
	if r.peak > 0 {
		const mib = 1 << 20
		fmt.Fprintf(&b, "| memory, idle | | | %d MiB | ≤ 60 MiB: %s |\n", r.idle/mib, verdict(r.idle <= 60*mib))
		fmt.Fprintf(&b, "| memory, %d streams open | | | %d MiB | ≤ 640 MiB for 10,000: %s |\n", r.held, r.peak/mib, verdict(r.peak <= 640*mib/wantedStreams*r.held && r.lost == 0 && r.held >= wantedStreams/10*9))
		fmt.Fprintf(&b, "| memory, at most a minute later | | | %d MiB | ≤ idle + 10 %%: %s |\n", r.after/mib, verdict(r.after <= r.idle+r.idle/10))
		fmt.Fprintf(&b, "| start, guests compiled before | | | %d ms | ≤ 300 ms: %s |\n", r.start.Milliseconds(), verdict(r.start <= 300*time.Millisecond))
	}
	fmt.Fprintf(&b, "\n%s, %d processors, one for the measured process; %d rounds of %v; commit %s.\n", runtime.Version(), runtime.NumCPU(), r.o.rounds, r.o.each, commit())
	if len(r.plots) > 0 {
		b.WriteString("\n![Processor time of a request or event against body size, rules, tenants, plugins and open streams](host/bench/growth.svg)\n")
	}
	return b.String()
}

func verdict(holds bool) string {
	if holds {
		return "holds"
	}
	return "**missed**"
}

// spread is from the least to the most of the rounds.
func (c cost) spread() string { return fmt.Sprintf("%.1f–%.1f", slices.Min(c), slices.Max(c)) }

// commit is what this program was built from.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "unknown"
}
