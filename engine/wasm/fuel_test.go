package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// TestFuel: what a call is charged, to the unit. The figures are entry (64), then one for
// each instruction on the way that was taken, and what operations cost beyond that.
func TestFuel(t *testing.T) {
	t.Parallel()
	const entry = entryPrice
	tests := []struct {
		name string
		body []byte
		want int64
	}{
		{"a constant", i32c(0), entry + 1},
		{"shape is free", seq([]byte{0x02, 0x40, 0x02, 0x40, 0x0b, 0x0b}, i32c(0)), entry + 1},
		{"the branch that is taken", seq(i32c(1), []byte{0x04, 0x7f}, i32c(0), []byte{0x05}, i32c(0), i32c(0), i32c(0), []byte{0x6a, 0x6a, 0x0b}), entry + 3},
		{"the other one", seq(i32c(0), []byte{0x04, 0x7f}, i32c(0), []byte{0x05}, i32c(0), i32c(0), i32c(0), []byte{0x6a, 0x6a, 0x0b}), entry + 7},
		{"what is jumped over", seq([]byte{0x02, 0x40}, i32c(1), []byte{0x0d, 0}, bytes.Repeat([]byte{0x01}, 50), []byte{0x0b}, i32c(0)), entry + 3},
		{"what is not", seq([]byte{0x02, 0x40}, i32c(0), []byte{0x0d, 0}, bytes.Repeat([]byte{0x01}, 50), []byte{0x0b}, i32c(0)), entry + 53},
		{"what nothing reaches", seq(i32c(0), []byte{0x0f}, bytes.Repeat([]byte{0x01}, 50)), entry + 2},
		{"a loop of ten turns", seq(repeat(10, nil), i32c(0)), entry + 2 + 10*5 + 1},
		{"a call", seq(call(0), drop, i32c(0)), entry + 3 + entry + 1},
		{"a fill of 800 bytes", seq(i32c(0), i32c(1), i32c(800), []byte{0xfc, 11, 0}, i32c(0)), entry + 4 + fillPrice + 100},
		{"a copy of 80 bytes", seq(i32c(0), i32c(1), i32c(80), []byte{0xfc, 10, 0, 0}, i32c(0)), entry + 4 + bulkPrice + 10},
		{"two pages", seq(i32c(2), growMemory, drop, i32c(0)), entry + 3 + growPrice + 2*pagePrice},
		{"more pages than there can be", seq(i32c(-1), growMemory, drop, i32c(0)), entry + 3 + growPrice},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := asm{helpers: [][]byte{i32c(0)}, locals: 1, functions: map[string][]byte{abi.EntryDecide: tt.body}}
			answer, err := decideOnce(t, Config{}, a)
			if err != nil || answer.Fuel != tt.want {
				t.Errorf("Decide() spends %d, %v, want %d", answer.Fuel, err, tt.want)
			}
		})
	}
}

// TestFuelOfHostCalls: each costs its own price on top.
func TestFuelOfHostCalls(t *testing.T) {
	t.Parallel()
	answer, err := decideOnce(t, Config{}, rule(seq(call(0), drop, call(0), drop, i32c(0)), "now_ms"))
	if want := int64(entryPrice + 5 + 2*importPrice); err != nil || answer.Fuel != want {
		t.Errorf("Decide() spends %d, %v, want %d", answer.Fuel, err, want)
	}
}

// TestFuelIsDeterministic: the same call on another fresh instance costs the same.
func TestFuelIsDeterministic(t *testing.T) {
	t.Parallel()
	module := goGuest(t, abi.KindRule)
	var first int64
	for i := range 3 {
		g := ruleGuestOf(t, offer(t, cached(), module), "", "test")
		var answer engine.RuleAnswer
		if err := g.Decide(t.Context(), ruleCall(t, `{"request":{"text":"hello"}}`, ""), &answer); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = answer.Fuel
		}
		if answer.Fuel != first || first == 0 {
			t.Errorf("instance %d spends %d, the first %d", i, answer.Fuel, first)
		}
	}
}

// TestFuelEnds: no guest runs past its budget by more than the block in which it ended,
// and what it was granted is all accounted for.
func TestFuelEnds(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte{0x01}, 1000)
	for name, body := range map[string][]byte{
		"short turns": forever,
		"long turns":  seq([]byte{0x03, 0x40}, long, []byte{0x0c, 0x00, 0x0b}),
		"recursion":   seq(call(0), drop),
		"fills":       seq([]byte{0x03, 0x40}, i32c(0), i32c(0), i32c(65536), []byte{0xfc, 11, 0, 0x0c, 0, 0x0b}),
	} {
		for _, fuel := range []int{1_000, abi.FuelSlice, abi.FuelSlice + 1, abi.MaxRuleFuel} {
			a := rule(seq(body, i32c(0)))
			a.fuel = fuel
			l := offer(t, Config{}, a.build(t))
			p, err := l.lookup("", "test", abi.KindRule)
			if err != nil {
				t.Fatal(err)
			}
			in, err := p.instantiate()
			if err != nil {
				t.Fatal(err)
			}
			in.reset(frameInput(), entryDecide)
			_, err = in.call(entryDecide)
			const block = 65536/8 + fillPrice + 1010
			if over := in.tank.spent - int64(fuel); err == nil || !strings.Contains(err.Error(), errFuel.Error()) || over <= 0 || over > block {
				t.Errorf("%s with %d: %v, %d past the budget, want out of fuel within %d", name, fuel, err, over, block)
			}
			in.close()
		}
	}
}

// program makes a random function body of locals 0 to 3 that ends: every loop counts
// down a local of its own.
type program struct {
	choose *rand.Rand
	depth  int
	labels int
}

func (p *program) statements() (b []byte) {
	for range 1 + p.choose.IntN(4) {
		b = append(b, p.statement()...)
	}
	return b
}

func (p *program) value() []byte {
	switch p.choose.IntN(5) {
	case 0:
		return seq([]byte{0x20, byte(p.choose.IntN(3))}, p.smallConst(), []byte{0x6a + byte(p.choose.IntN(3))})
	case 1:
		return seq([]byte{0x20, byte(p.choose.IntN(3)), 0x41, 0xff, 1, 0x71}, []byte{0x28, 2, 0}) // load at local & 255
	case 2:
		return []byte{0x3f, 0} // memory.size
	case 3:
		return []byte{0x20, byte(p.choose.IntN(3))}
	}
	return p.smallConst()
}

func (p *program) smallConst() []byte { return i32c(int32(p.choose.IntN(200) - 100)) }

func (p *program) statement() []byte {
	if p.depth > 5 {
		return []byte{0x01}
	}
	p.depth++
	defer func() { p.depth-- }()
	nested := func(open ...byte) []byte {
		p.labels++
		defer func() { p.labels-- }()
		return seq(open, p.statements(), []byte{0x0b})
	}
	switch p.choose.IntN(9) {
	case 0:
		return seq(p.value(), []byte{0x21, byte(p.choose.IntN(3))})
	case 1:
		return seq([]byte{0x41, byte(p.choose.IntN(60))}, p.value(), []byte{0x36, 2, 0})
	case 2:
		return nested(0x02, 0x40)
	case 3:
		return seq(p.value(), nested(0x04, 0x40))
	case 4:
		p.labels++
		defer func() { p.labels-- }()
		return seq(p.value(), []byte{0x04, 0x40}, p.statements(), []byte{0x05}, p.statements(), []byte{0x0b})
	case 5: // a loop of a few turns; inner ones share the counter, which only ends them sooner
		turns := i32c(int32(1 + p.choose.IntN(4)))
		p.labels++
		defer func() { p.labels-- }()
		return seq(turns, []byte{0x21, 3, 0x03, 0x40}, p.statements(),
			[]byte{0x20, 3}, i32c(1), []byte{0x6b, 0x22, 3}, i32c(0), []byte{0x4a, 0x0d, 0, 0x0b})
	case 6: // out of a block of its own, past the statements behind
		p.labels++
		defer func() { p.labels-- }()
		return seq([]byte{0x02, 0x40}, p.value(), []byte{0x0d, 0}, p.statements(), []byte{0x0b})
	case 7:
		p.labels += 2
		defer func() { p.labels -= 2 }()
		return seq([]byte{0x02, 0x40, 0x02, 0x40}, p.value(), i32c(3), []byte{0x71, 0x0e, 2, 0, 1, 0, 0x0b}, p.statements(), []byte{0x0b})
	}
	return seq(i32c(int32(p.choose.IntN(64))), p.value(), i32c(int32(p.choose.IntN(32))), []byte{0xfc, 11, 0})
}

// runModule runs pm_decide_v1 of a module in that runtime and returns what it answered and
// what stands in its memory.
func runModule(t *testing.T, r wazero.Runtime, module []byte) (uint64, []byte) {
	t.Helper()
	ctx := context.Background()
	m, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatalf("instantiate: %v", err)
	}
	defer m.Close(ctx)
	if g, ok := m.ExportedGlobal(fuelGlobal).(api.MutableGlobal); ok {
		g.Set(api.EncodeI32(1 << 30))
	}
	out, err := m.ExportedFunction(abi.EntryDecide).Call(ctx)
	if err != nil {
		t.Fatalf("call: %v", err)
	}
	memory, _ := m.Memory().Read(0, 512)
	return out[0], slices.Clone(memory)
}

// FuzzFuel: a metered program does in the compiler what the original does in the
// interpreter, whatever its shape.
func FuzzFuel(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(binary.LittleEndian.AppendUint64(nil, seed))
	}
	ctx := context.Background()
	interpreter := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	compiler := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	f.Cleanup(func() { _, _ = interpreter.Close(ctx), compiler.Close(ctx) })
	f.Fuzz(func(t *testing.T, data []byte) {
		var seed [16]byte
		copy(seed[:], data)
		p := &program{choose: rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])))}
		a := asm{locals: 4, functions: map[string][]byte{abi.EntryDecide: seq(p.statements(), []byte{0x20, 0})}}
		module := a.module()
		s, err := readStructure(module)
		if err != nil {
			t.Fatalf("readStructure(% x) = %v", module, err)
		}
		metered, err := meter(s)
		if err != nil {
			t.Fatalf("meter(% x) = %v", module, err)
		}
		wantResult, wantMemory := runModule(t, interpreter, module)
		result, memory := runModule(t, compiler, metered)
		if result != wantResult || !bytes.Equal(memory, wantMemory) {
			t.Errorf("metered % x = %d, want %d; memory differs: %v", module, result, wantResult, !bytes.Equal(memory, wantMemory))
		}
	})
}
