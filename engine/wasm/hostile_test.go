package wasm

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// withSection is the module with a section put before the first of a greater id, or in the
// place of its own.
func withSection(t testing.TB, module []byte, id byte, content []byte) []byte {
	t.Helper()
	c := &cursor{b: module[len(moduleHeader):]}
	out, done := slices.Clone(moduleHeader), false
	for len(c.b) > 0 {
		have := c.byte()
		body := c.take(c.u32())
		if have != sectionCustom && !done && sectionRank[have] >= sectionRank[id] {
			out, done = appendSection(out, id, content), true
			if have == id {
				continue
			}
		}
		out = appendSection(out, have, body)
	}
	if c.err != nil {
		t.Fatal(c.err)
	}
	if !done {
		out = appendSection(out, id, content)
	}
	return out
}

// TestUploads is what an upload may be made of, by kinds of fault that have numbers: U for
// what is uploaded, W for what runs. More of them stand in other tests of this package. Each is
// refused before or while it is tried, and the library serves afterwards.
func TestUploads(t *testing.T) {
	t.Parallel()
	good := rule(i32c(0))
	built := good.build(t)
	starts := func(body []byte, wasi ...string) []byte {
		a := rule(i32c(0))
		a.wasi, a.locals = wasi, 0
		a.functions[abi.Initialize] = body
		return a.build(t)
	}
	tables := func(n int) []byte {
		return append(appendU32(nil, uint32(n)), bytes.Repeat([]byte{0x70, 0, 0x80, 0xda, 0xc4, 9}, n)...)
	}
	offset := func(at int32) []byte { return append(i32c(at), 0x0b) }
	tests := []struct {
		name   string
		module []byte
		want   string
	}{
		{"U1 ELF", []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00"), "not a WebAssembly module"},
		{"U1 truncated", built[:len(built)/2], ""},
		{"U1 version 2", append([]byte{0, 'a', 's', 'm', 2, 0, 0, 0}, built[8:]...), "not a WebAssembly module"},
		{"U2 50 M locals", withSection(t, built, sectionCode, []byte{1, 9, 1, 0x80, 0xe1, 0xeb, 0x17, 0x7f, 0x41, 0, 0x0b}), "50000000 locals"},
		{"U6 memory of 65,536 pages", withSection(t, built, sectionMemory, appendU32([]byte{1, 0}, 65_536)), "4294967296 bytes at the start"},
		{"U7 table of 100 M", withSection(t, built, sectionTable, appendU32([]byte{1, 0x70, 0}, 100_000_000)), "table of 100000000 elements"},
		{"U8 20 tables of 20 M", withSection(t, built, sectionTable, tables(20)), "20 tables (at most 1)"},
		{"U11 import of env", asm{env: []string{"abort"}, functions: map[string][]byte{abi.EntryDecide: i32c(0)}}.unknownImport(t), `"shout" of "env", which this host does not offer`},
		{"U12 start section", withSection(t, built, sectionStart, []byte{0}), "start function is not allowed"},
		{"U12 endless _initialize", starts(forever), "out of fuel"},
		{"U12 recursive _initialize", starts(call(0)), "out of fuel"},
		{"trap in _initialize", starts(unreachable), "at its start: unreachable"},
		{"proc_exit in _initialize", starts(seq(i32c(0), call(0)), "proc_exit"), "exited with code 0"},
		{"data beyond the memory", withSection(t, built, sectionData, seq([]byte{1, 0}, offset(65_530), []byte{10}, make([]byte, 10))), "out of bounds"},
		{"data at a negative place", withSection(t, built, sectionData, seq([]byte{1, 0}, offset(-1), []byte{1, 0})), "out of bounds"},
		{"an operand is missing", rule(seq([]byte{0x6a})).build(t), "does not compile"},
		{"memory of no plugin's size", withSection(t, built, sectionMemory, appendU32([]byte{1, 0}, abi.RuleMemory/abi.PageSize+1)), "at the start"},
	}
	l := offer(t, Config{}, versioned("1.0.0").build(t))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := l.Prepare(t.Context(), engine.PluginVersion{AccountID: "mallory", Module: tt.module})
			if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Prepare() = %v, want %s with %q", err, engine.CodeInvalid, tt.want)
			}
			if len(err.Error()) > 4*maxCause {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
	if got := decides(t, ruleGuestOf(t, l, "", "test")); got != "1.0.0 1.0.0" {
		t.Errorf("after all of that: decides %q", got)
	}
	if live, held := loaded(l), holders(l); live != 1 || held != 1 {
		t.Errorf("%d plugins and %d holds on code are left, want 1 and 1", live, held)
	}
}

// unknownImport builds the guest and renames its import.
func (a asm) unknownImport(t testing.TB) []byte {
	t.Helper()
	return bytes.Replace(a.build(t), []byte("abort"), []byte("shout"), 1)
}

// TestSameNames: two accounts' plugins that call themselves alike, in every way, are two.
func TestSameNames(t *testing.T) {
	t.Parallel()
	names := append([]byte{1}, appendName([]byte{0}, "decide")...)
	named := func(model string) []byte {
		section := append(appendName(nil, "name"), appendSection(appendSection(nil, 0, appendName(nil, "the module")), 1, names)...)
		return appendSection(hello(model).build(t), sectionCustom, section)
	}
	l := open(t, Config{})
	var s shelf
	for _, account := range []string{"", "acme", "rival"} {
		s.add(t, account, named("model of "+account))
	}
	s.sync(t, l)
	for range 3 {
		for account, want := range map[string]string{"acme": "model of acme", "rival": "model of rival", "other": "model of "} {
			if got := decides(t, ruleGuestOf(t, l, account, "test")); got != want {
				t.Errorf("%s decides %q, want %q", account, got, want)
			}
		}
	}
}

// TestMemoryReturns is W5: instances that grew to their limit are counted while they are
// there, and go when they are idle or the library is closed.
func TestMemoryReturns(t *testing.T) {
	t.Parallel()
	const pages, n = 300, 6 // within what makes an instance unfit
	a := rule(seq(i32c(pages), growMemory, drop, i32c(0)))
	a.functions[abi.EntryDecide] = seq([]byte{0x3f, 0}, i32c(pages), []byte{0x48, 0x04, 0x40}, i32c(pages), growMemory, drop, []byte{0x0b}, i32c(0))
	l := open(t, Config{PoolSize: n})
	var s shelf
	s.add(t, "mallory", a.build(t))
	s.sync(t, l)
	p, err := l.lookup("mallory", "test", abi.KindRule)
	if err != nil {
		t.Fatal(err)
	}
	var ins []*instance
	for range n {
		in, err := p.take(t.Context(), p.enter(""))
		if err != nil {
			t.Fatal(err)
		}
		in.reset(frameInput(), entryDecide)
		if _, err := in.call(entryDecide); err != nil {
			t.Fatal(err)
		}
		ins = append(ins, in)
	}
	for _, in := range ins {
		if err := p.share.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.giveBack(in)
	}
	stats, _ := l.Stats("mallory", "test", "1.0.0")
	if want := int64(n * (pages + 1) * abi.PageSize); stats.Instances != n || stats.MemoryBytes != want {
		t.Errorf("%d instances with %d bytes, want %d with %d", stats.Instances, stats.MemoryBytes, n, want)
	}
	for range idleAfter + 1 {
		l.tidy()
	}
	if stats, _ := l.Stats("mallory", "test", "1.0.0"); stats.Instances != 0 || stats.MemoryBytes != 0 {
		t.Errorf("once idle: %d instances with %d bytes, want none", stats.Instances, stats.MemoryBytes)
	}
}

// TestRecursionInParallel is W4 on many goroutines: each runs out of fuel, and the Go heap,
// where wazero keeps stacks, is back at its base once they are gone.
// Not parallel: it measures the process.
func TestRecursionInParallel(t *testing.T) {
	const n = 64
	a := rule(seq(call(0), drop, i32c(0)))
	l := offer(t, Config{PoolSize: n, RuleLimit: patience}, a.build(t))
	before := heap()
	var group sync.WaitGroup
	var stopped atomic.Int64
	for range n {
		group.Go(func() {
			var answer engine.RuleAnswer
			err := ruleGuestOf(t, l, "", "test").Decide(context.Background(), &engine.RuleCall{}, &answer)
			if err != nil && strings.Contains(err.Error(), errFuel.Error()) {
				stopped.Add(1)
			}
		})
	}
	group.Wait()
	if stopped.Load() != n {
		t.Errorf("%d of %d ran out of fuel", stopped.Load(), n)
	}
	if after := heap(); after > before+16<<20 {
		t.Errorf("%d bytes of heap are left, %d before", after, before)
	}
}

// heap is the size of what is reachable.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// hostiles are rules that never end well, each in its way.
func hostiles() map[string]asm {
	spin := seq(forever, i32c(0))
	fill := seq([]byte{0x03, 0x40}, i32c(0), i32c(1), i32c(65_536), []byte{0xfc, 11, 0, 0x0c, 0, 0x0b}, i32c(0))
	grow := seq([]byte{0x03, 0x40}, i32c(1), growMemory, drop, []byte{0x0c, 0, 0x0b}, i32c(0))
	logs := seq([]byte{0x03, 0x40}, i32c(4), i32c(0), i32c(64), call(0), []byte{0x0c, 0, 0x0b}, i32c(0))
	all := map[string]asm{
		"spins": rich(spin), "recurses": rich(seq(call(0), drop, i32c(0))), "fills": rich(fill), "grows": rich(grow),
		"logs": rich(logs, "log"), "traps": rule(unreachable),
		"exits": {wasi: []string{"proc_exit"}, functions: map[string][]byte{abi.EntryDecide: seq(i32c(1), call(0), i32c(0))}},
	}
	for name, a := range all {
		a.name, a.data = name, strings.Repeat("\x1b[31m", 20)
		all[name] = a
	}
	return all
}

// besideHostiles lets one account do its worst for as long as an innocent one and a provider
// need for so many calls, and reports what went wrong.
func besideHostiles(t *testing.T, calls int) {
	l := open(t, Config{RuleLimit: patience, ProviderLimit: patience})
	var s shelf
	s.add(t, "acme", versioned("1.0.0").build(t))
	vendor := adapter(abi.EntryEvent, seq(i32c(0), i32c(1), call(0), i32c(0)), "emit")
	vendor.name, vendor.data = "vendor", "1"
	s.add(t, "", vendor.build(t))
	bad := hostiles()
	for _, a := range bad {
		s.add(t, "mallory", a.build(t))
	}
	s.sync(t, l)
	base := heap()

	var (
		done           atomic.Bool
		ended, escaped atomic.Int64
		attackers      sync.WaitGroup
		innocents      sync.WaitGroup
	)
	const block = 65_536/8 + bulkPrice + fillPrice + growPrice + pagePrice + 100
	for name := range bad {
		for range 3 {
			attackers.Go(func() {
				var answer engine.RuleAnswer
				for !done.Load() {
					g, err := l.RuleGuest("mallory", name)
					if err != nil {
						t.Errorf("RuleGuest(%s) = %v", name, err)
						return
					}
					answer.Fuel = 0
					if err := g.Decide(context.Background(), &engine.RuleCall{}, &answer); err == nil || answer.Fuel > abi.MaxRuleFuel+block {
						escaped.Add(1)
						t.Errorf("%s: %v after %d units", name, err, answer.Fuel)
					}
					ended.Add(1)
				}
			})
		}
	}
	names := slices.Sorted(maps.Keys(bad))
	turns := int64(cap(l.current.Load().shares["mallory"].free))
	// What one plugin has is read after the other: only where nothing moved between two
	// readings did they all have it at one time.
	type reading struct{ calls, instances int64 }
	readAll := func() (n int64, all []reading) {
		for _, name := range names {
			stats, _ := l.Stats("mallory", name, "1.0.0")
			all = append(all, reading{stats.Calls, stats.Instances})
			n += stats.Instances
		}
		return n, all
	}
	running := func() int64 {
		for {
			n, first := readAll()
			if _, second := readAll(); slices.Equal(first, second) {
				return n
			}
		}
	}
	for range 2 {
		innocents.Go(func() {
			for i := range calls {
				if got := decides(t, ruleGuestOf(t, l, "acme", "test")); got != "1.0.0 1.0.0" {
					t.Errorf("acme's call %d decides %q", i, got)
				}
				if n := running(); n > turns {
					t.Errorf("mallory has %d instances in %d turns", n, turns)
				}
			}
		})
		innocents.Go(func() {
			for i := range calls {
				s, err := l.OpenAdapter("acme", "vendor", engine.AdapterAttempt{})
				if err != nil {
					t.Errorf("OpenAdapter(), call %d = %v", i, err)
					return
				}
				if reply, err := s.Event(context.Background(), nil, "", nil); err != nil || len(reply.Chunks) != 1 {
					t.Errorf("Event(), call %d = %v", i, err)
				}
				s.Close()
			}
		})
	}
	innocents.Wait()
	for ended.Load() < int64(len(bad)) { // all of them had a turn
		runtime.Gosched()
	}
	done.Store(true)
	attackers.Wait()
	if n := escaped.Load(); n > 0 {
		t.Errorf("%d of %d hostile calls were not stopped", n, ended.Load())
	}
	stats, _ := l.Stats("acme", "test", "1.0.0")
	if stats.Calls != int64(2*calls) || len(stats.Failures) != 0 {
		t.Errorf("acme's calls: %d of which failed %v, want %d and none", stats.Calls, stats.Failures, 2*calls)
	}
	for range idleAfter + 1 {
		l.tidy()
	}
	if n := running(); n != 0 {
		t.Errorf("%d hostile instances are left", n)
	}
	if after := heap(); after > base+32<<20 {
		t.Errorf("%d bytes of heap are left, %d before", after, base)
	}
	t.Logf("%d hostile calls were stopped beside %d innocent ones", ended.Load(), 4*calls)
}

// TestNeighbours is W6: whatever an account's plugins do, nobody else's calls fail, and it
// never runs more at once than its share.
func TestNeighbours(t *testing.T) { besideHostiles(t, 300) }

func TestSoakNeighbours(t *testing.T) {
	if os.Getenv("POINTSMAN_SOAK") == "" {
		t.Skip("make soak runs this for longer")
	}
	start := time.Now()
	for time.Since(start) < 2*time.Minute {
		besideHostiles(t, 20_000)
	}
}

// TestTracesAreClean: what a hostile plugin logs and calls its functions reaches nobody raw.
func TestTracesAreClean(t *testing.T) {
	t.Parallel()
	l := open(t, Config{})
	var s shelf
	a := hostiles()["logs"]
	s.add(t, "mallory", a.build(t))
	s.sync(t, l)
	var answer engine.RuleAnswer
	err := ruleGuestOf(t, l, "mallory", "logs").Decide(t.Context(), &engine.RuleCall{}, &answer)
	lines, _, _ := l.Logs("mallory", "logs", "1.0.0")
	if err == nil || len(lines) == 0 || len(lines) > abi.MaxLogLines {
		t.Fatalf("Decide() = %v with %d lines, want it stopped with at most %d", err, len(lines), abi.MaxLogLines)
	}
	if text := fmt.Sprint(err, lines); strings.Contains(text, "\x1b") {
		t.Errorf("escape codes are logged: %q", text[:min(len(text), 200)])
	}
}
