package wasm

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// TestBusyGuests is W1 to W4: guests that take their time in other ways than a plain
// loop. Each runs out of fuel long before its time is up. Not parallel: they take the processor.
func TestBusyGuests(t *testing.T) {
	// 45 functions, each of which calls the next twice: 2^45 calls and no loop.
	var tree [][]byte
	for i := range 45 {
		tree = append(tree, seq(call(uint32(i+1)), drop, call(uint32(i+1))))
	}
	tree = append(tree, i32c(0))
	fill := seq(i32c(0), i32c(7), i32c(16<<20), []byte{0xfc, 11, 0})
	copied := seq(i32c(0), i32c(1), i32c(16<<20-1), []byte{0xfc, 10, 0, 0})
	tests := []struct {
		name  string
		guest asm
		body  []byte
	}{
		{"tree of calls", asm{helpers: tree}, call(0)},
		{"loop in a loop", asm{}, seq([]byte{0x03, 0x40}, forever, []byte{0x0c, 0, 0x0b}, i32c(0))},
		{"loop by a table", asm{}, seq([]byte{0x03, 0x40}, i32c(9), []byte{0x0e, 2, 0, 0, 0, 0x0b}, i32c(0))},
		{"loop that grows nothing", asm{}, seq([]byte{0x03, 0x40}, i32c(0), growMemory, drop, []byte{0x0c, 0, 0x0b}, i32c(0))},
		{"many fills", asm{pages: 257}, seq(bytes.Repeat(fill, 2_000), i32c(0))},
		{"many copies", asm{pages: 257}, seq(bytes.Repeat(copied, 2_000), i32c(0))},
		{"recursion", asm{}, call(0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.guest
			a.functions = map[string][]byte{abi.EntryDecide: tt.body}
			g := ruleGuestOf(t, offer(t, Config{}, a.build(t)), "", "test")
			start := time.Now()
			var answer engine.RuleAnswer
			err := g.Decide(t.Context(), &engine.RuleCall{}, &answer)
			if engine.CodeOf(err) != engine.CodePluginFailed ||
				!strings.Contains(err.Error(), "out of fuel (200000 units)") {
				t.Errorf("Decide() = %v, want %q", err, errFuel)
			}
			if took := time.Since(start); took > patience/3 {
				t.Errorf("stopped after %v", took)
			}
		})
	}
}

// TestTableGrowth: a table cannot be grown beyond the cap, declared maximum or not.
func TestTableGrowth(t *testing.T) {
	t.Parallel()
	grow := func(by int32) []byte { // 1 (abstain) when it failed
		return seq([]byte{0xd0, 0x70}, i32c(by), []byte{0xfc, 15, 0}, i32c(-1), []byte{0x46})
	}
	limited := append([]byte{1, 0x70, 1, 0}, huge...)
	tests := []struct {
		name  string
		table []byte
		by    int32
		want  engine.Verdict
	}{
		{"a little", []byte{1, 0x70, 0, 0}, 10, engine.VerdictDecided},
		{"to the cap", []byte{1, 0x70, 0, 0}, maxTable, engine.VerdictDecided},
		{"past the cap", []byte{1, 0x70, 0, 0}, maxTable + 1, engine.VerdictAbstain},
		{"past all", []byte{1, 0x70, 0, 0}, 0x7ffffff0, engine.VerdictAbstain},
		{"past the cap, declared", limited, maxTable + 1, engine.VerdictAbstain},
		{"past its own maximum", []byte{1, 0x70, 1, 0, 4}, 5, engine.VerdictAbstain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := rule(grow(tt.by))
			a.table = tt.table
			answer, err := decideOnce(t, Config{}, a)
			if err != nil || answer.Verdict != tt.want {
				t.Errorf("Decide() = %v, %v, want %v", answer.Verdict, err, tt.want)
			}
		})
	}
}

// TestCounterIsOutOfReach: no instruction and no export may name what the meter adds.
func TestCounterIsOutOfReach(t *testing.T) {
	t.Parallel()
	refill := seq(i32c(1<<30), []byte{0x24, 0})
	with := func(body []byte) asm { a := rule(seq(body, i32c(0))); a.global = true; return a }
	tests := []struct {
		name  string
		guest asm
		want  string
	}{
		{"set its own global", with(refill), ""},
		{"set the counter", rule(seq(refill, i32c(0))), "global 0 of 0"},
		{"set the counter behind its own", with(seq(i32c(1), []byte{0x24, 1})), "global 1 of 1"},
		{"read the stop", with(seq([]byte{0x23, 2}, drop)), "global 2 of 1"},
		{"call the tick", rule(seq(call(1), i32c(0))), "function 1 of 1"},
		{"refer to the tick", rule(seq([]byte{0xd2, 1}, drop, i32c(0))), "function 1 of 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := inspect(tt.guest.build(t))
			if tt.want == "" {
				if err != nil {
					t.Errorf("Inspect() = %v, want nil", err)
				}
				return
			}
			if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Inspect() = %v, want %q", err, tt.want)
			}
		})
	}
	exported := func(name string, kind, index byte) []byte {
		return sections(5, []byte{1, 0, 1}, 6, []byte{1, 0x7f, 1, 0x41, 0, 0x0b}, 7, append(appendName([]byte{1}, name), kind, index))
	}
	for _, tt := range []struct {
		module []byte
		want   string
	}{
		{exported("x", 3, 1), `exports "x", which is not there`},
		{exported("x", 0, 0), `exports "x", which is not there`},
		{exported(stopGlobal, 3, 0), "a name that is the host's"},
	} {
		if _, err := readStructure(tt.module); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("readStructure(% x) = %v, want %q", tt.module, err, tt.want)
		}
	}
}

// TestMeterKeepsMeaning runs instructions of every encoding through the meter.
func TestMeterKeepsMeaning(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body []byte
		want int32
	}{
		{"count to 1000", seq(i32c(0), []byte{0x21, 0, 0x03, 0x40, 0x20, 0}, i32c(1), []byte{0x6a, 0x22, 0}, i32c(1000), []byte{0x49, 0x0d, 0, 0x0b, 0x20, 0}), 1000},
		{"loop with a result", seq([]byte{0x03, 0x7f}, i32c(5), []byte{0x0b}), 5},
		{"operands below a loop", seq(i32c(40), []byte{0x03, 0x40, 0x0b}, i32c(2), []byte{0x6a}), 42},
		{"branches by a table", seq([]byte{0x02, 0x40, 0x02, 0x40}, i32c(1), []byte{0x0e, 1, 0, 1, 0x0b}, i32c(1), []byte{0x0f, 0x0b}, i32c(7)), 7},
		{"code after a branch", seq([]byte{0x02, 0x7f}, i32c(3), []byte{0x0c, 0, 0x03, 0x40}, i32c(0), i32c(0), i32c(0), []byte{0xfc, 11, 0, 0x0b, 0x0b}), 3},
		{"floating point", seq([]byte{0x44}, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, []byte{0xfc, 2}), 1},
		{"64 bits", seq(i64c(-1), []byte{0xa7}, i32c(2), []byte{0x6a}), 1},
		{"bulk fill", seq(i32c(100), i32c(9), i32c(4), []byte{0xfc, 11, 0}, i32c(100), []byte{0x2d, 0, 0}), 9},
		{"bulk copy of nothing", seq(i32c(0), i32c(0), i32c(0), []byte{0xfc, 10, 0, 0}, i32c(8)), 8},
		{"vector", seq([]byte{0xfd, 12}, []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0}, []byte{0xfd, 27, 2}), 3},
		{"select of a type", seq(i32c(1), i32c(2), i32c(0), []byte{0x1c, 1, 0x7f}), 2},
		{"references", seq([]byte{0xd0, 0x70, 0xd1}), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The value is told as the length of the reason.
			body := seq(i32c(0), []byte{0x02, 0x7f}, tt.body, []byte{0x0b}, call(0), i32c(0))
			if tt.name == "branches by a table" {
				body = seq(i32c(0), tt.body, call(0), i32c(0))
			}
			a := rule(body, "reason")
			a.data = strings.Repeat("x", 2000)
			answer, err := decideOnce(t, Config{}, a)
			if err != nil || len(answer.Reason) != int(min(tt.want, abi.MaxReason)) {
				t.Errorf("Decide() = %d, %v, want %d", len(answer.Reason), err, tt.want)
			}
		})
	}
}

// TestCollectorIsNotHeldUp: while a guest loops, the garbage collector gets its turn,
// and with it everybody else.
func TestCollectorIsNotHeldUp(t *testing.T) {
	l := offer(t, Config{}, adapter(abi.EntryRequest, seq(forever, i32c(0))).build(t))
	s := adapterOf(t, l, engine.AdapterAttempt{Request: longNode(t)})
	result := make(chan error)
	go func() {
		_, err := s.Request(context.Background())
		result <- err
	}()
	collections := 0
	for {
		select {
		case err := <-result:
			if engine.CodeOf(err) != engine.CodePluginFailed {
				t.Errorf("Request() = %v, want %s", err, engine.CodePluginFailed)
			}
			if collections < 5 {
				t.Errorf("%d collections while the guest ran, want many", collections)
			}
			return
		default:
			runtime.GC()
			collections++
		}
	}
}

func TestMeterRefuses(t *testing.T) {
	t.Parallel()
	nested := func(n int) []byte {
		return seq(bytes.Repeat([]byte{0x02, 0x40}, n), bytes.Repeat([]byte{0x0b}, n), i32c(0))
	}
	blocks := func(n int, op byte) []byte {
		return seq(bytes.Repeat([]byte{op, 0x40, 0x0b}, n), i32c(0))
	}
	tests := []struct {
		name string
		body []byte
		want string // "" for none
	}{
		{"blocks to the cap", blocks(maxBlocks, 0x02), ""},
		{"more blocks", blocks(maxBlocks+1, 0x02), "function 0, at byte 6062: more than 2000 blocks"},
		{"loops to the cap", blocks(maxLoops, 0x03), ""},
		{"more loops", blocks(maxLoops+1, 0x03), "more than 256 loops"},
		{"else without an if", seq([]byte{0x02, 0x40, 0x05, 0x0b}, i32c(0)), "else without an if"},
		{"branch to nowhere", seq([]byte{0x0c, 1}), "branch to label 1 of 1"},
		{"table to nowhere", seq(i32c(0), []byte{0x0e, 1, 0, 1}), "branch to label 1 of 1"},
		{"nested to the cap", nested(maxNesting), ""},
		{"nested deeper", nested(maxNesting + 1), "nested more than 2000 deep"},
		{"tail call", seq([]byte{0x12, 0}), "instruction 0x12 is not known"},
		{"exception", seq([]byte{0x08, 0}), "instruction 0x8 is not known"},
		{"atomic", seq([]byte{0xfe, 0, 0, 0}), "instruction 0xfe is not known"},
		{"unknown miscellany", []byte{0xfc, 18}, "instruction 0xfc 18 is not known"},
		{"unknown vector", []byte{0xfd, 0x80, 2}, "vector instruction 0x80 is not followed by 0x1"},
		{"targets of 4G", append(seq(i32c(0), []byte{0x0e}), huge...), "branch targets claimed"},
		{"number too long", seq([]byte{0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0}), "number too long"},
		{"more after the end", seq(i32c(0), []byte{0x0b}, i32c(0)), "bytes too many"},
		{"no end", seq([]byte{0x02, 0x40}, i32c(0)), "ends too early"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := inspect(rule(tt.body).build(t))
			if tt.want == "" {
				if err != nil {
					t.Errorf("Inspect() = %v, want nil", err)
				}
				return
			}
			if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Inspect() = %v, want %q", err, tt.want)
			}
		})
	}
}

// TestWeight: many functions at the cap are more than one.
func TestWeight(t *testing.T) {
	t.Parallel()
	full := seq(bytes.Repeat([]byte{0x02, 0x40, 0x0b}, maxBlocks), i32c(0))
	for n, want := range map[int]string{maxWeight / (maxBlocks * maxBlocks): "", maxWeight/(maxBlocks*maxBlocks) + 1: "too many blocks each"} {
		a := rule(i32c(0))
		for range n {
			a.helpers = append(a.helpers, full)
		}
		_, err := inspect(a.build(t))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Inspect(%d functions) = %v, want %q", n, err, want)
		}
	}
}

// FuzzMeter: what the meter makes of a module is valid exactly when the module is.
func FuzzMeter(f *testing.F) {
	for _, body := range [][]byte{i32c(0), seq(forever, i32c(0)), unreachable, seq(call(0), drop, i32c(1)),
		seq(i32c(0), i32c(0), i32c(8), []byte{0xfc, 11, 0}, i32c(0))} {
		a := rule(body, "now_ms")
		a.table, a.global, a.data = []byte{1, 0x70, 0, 2}, true, "x"
		f.Add(a.module())
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(64))
	f.Cleanup(func() { _ = r.Close(ctx) })
	valid := func(module []byte) error {
		compiled, err := r.CompileModule(ctx, module)
		if err == nil {
			_ = compiled.Close(ctx)
		}
		return err
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		if len(module) > 4<<10 {
			return
		}
		s, err := readStructure(module)
		if err != nil || s.memories == 0 || len(s.exports) == 0 {
			return
		}
		metered, err := meter(s)
		if err != nil {
			return
		}
		before, after := valid(encode(s)), valid(slices.Clone(metered))
		if (before == nil) != (after == nil) {
			t.Errorf("the module: %v; metered: %v", before, after)
		}
	})
}
