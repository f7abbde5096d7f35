package wasm

import (
	"bytes"
	"strings"
	"testing"

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
		{"a fill of the longest that is known", seq(i32c(0), i32c(1), i32c(maxConstant), []byte{0xfc, 11, 0}, i32c(0)), entry + 4 + fillPrice + maxConstant/8},
		{"a longer one", seq(i32c(0), i32c(1), i32c(maxConstant+8), []byte{0xfc, 11, 0}, i32c(0)), entry + 4 + fillPrice + maxConstant/8 + 1},
		{"a fill of what was counted", seq(i32c(0), i32c(1), i32c(700), i32c(100), []byte{0x6a, 0xfc, 11, 0}, i32c(0)), entry + 6 + fillPrice + 100},
		{"a fill of what nothing reaches", seq(i32c(0), []byte{0x0f}, i32c(0), i32c(1), i32c(800), []byte{0xfc, 11, 0}), entry + 2},
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
			in, err := p.instantiate(p.own)
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

// TestFuelEndsOnTheWayBack: what functions do after the calls that they made does not add up
// without a look.
func TestFuelEndsOnTheWayBack(t *testing.T) {
	t.Parallel()
	load := seq(i32c(0), []byte{0x28, 2, 0})
	// A hundred levels, counted in memory, and on the way back as much as goes without a look.
	body := seq(load, i32c(100), []byte{0x49, 0x04, 0x40}, i32c(0), load, i32c(1), []byte{0x6a, 0x36, 2, 0}, call(0), drop, []byte{0x0b},
		bytes.Repeat([]byte{0x01}, 1_950), i32c(0))
	a := rule(body)
	a.fuel = 20_000
	p, err := offer(t, Config{}, a.build(t)).lookup("", "test", abi.KindRule)
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.instantiate(p.own)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	in.reset(frameInput(), entryDecide)
	_, err = in.call(entryDecide)
	const most = 2*maxUnchecked + 1_000
	if over := in.tank.spent - int64(a.fuel); err == nil || !strings.Contains(err.Error(), errFuel.Error()) || over <= 0 || over > most {
		t.Errorf("a hundred levels: %v, %d past the budget, want out of fuel within %d", err, over, most)
	}
}

// TestLooks: not every block looks at the fuel, but on no way through a function is much spent
// without a look, whatever the way leads around.
func TestLooks(t *testing.T) {
	t.Parallel()
	nops := func(n int) []byte { return bytes.Repeat([]byte{0x01}, n) }
	times := func(n int, b ...[]byte) []byte { return bytes.Repeat(seq(b...), n) }
	for name, body := range map[string][]byte{
		"straight on":   times(100, []byte{0x02, 0x40}, i32c(0), []byte{0x0d, 0}, nops(400), []byte{0x0b}, nops(400)),
		"jumps":         times(100, []byte{0x02, 0x40}, i32c(1), []byte{0x0d, 0}, nops(1990), []byte{0x0b}, nops(400)),
		"an if":         times(100, i32c(1), []byte{0x04, 0x40}, nops(900), []byte{0x0b}, nops(9)),
		"no if":         times(100, i32c(0), []byte{0x04, 0x40}, nops(1990), []byte{0x0b}, nops(900)),
		"the else":      times(100, i32c(0), []byte{0x04, 0x40}, nops(1990), []byte{0x05}, nops(900), []byte{0x0b}, nops(9)),
		"before it":     times(100, i32c(1), []byte{0x04, 0x40}, nops(900), []byte{0x05}, nops(1990), []byte{0x0b}, nops(9)),
		"out of many":   times(100, []byte{0x02, 0x40, 0x02, 0x40, 0x02, 0x40}, nops(500), []byte{0x0c, 2, 0x0b}, nops(1990), []byte{0x0b}, nops(1990), []byte{0x0b}, nops(9)),
		"by a table":    times(100, []byte{0x02, 0x40, 0x02, 0x40}, nops(500), i32c(1), []byte{0x0e, 1, 0, 1, 0x0b}, nops(1990), []byte{0x0b}, nops(9)),
		"loops of once": times(100, []byte{0x03, 0x40, 0x03, 0x40, 0x0b}, nops(500), []byte{0x0b}, nops(500)),
		"deep":          seq(bytes.Repeat([]byte{0x02, 0x40}, 100), times(100, nops(600), i32c(0), []byte{0x0d, 0, 0x0b})),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := rule(seq(body, i32c(0)))
			a.fuel = 1_000
			l := offer(t, Config{}, a.build(t))
			p, err := l.lookup("", "test", abi.KindRule)
			if err != nil {
				t.Fatal(err)
			}
			in, err := p.instantiate(p.own)
			if err != nil {
				t.Fatal(err)
			}
			defer in.close()
			in.reset(frameInput(), entryDecide)
			_, err = in.call(entryDecide)
			over := in.tank.spent - int64(a.fuel)
			if err == nil || !strings.Contains(err.Error(), errFuel.Error()) || over <= 0 || over > maxUnchecked+2_000 {
				t.Errorf("%v, %d past the budget, want out of fuel within %d", err, over, maxUnchecked+2_000)
			}
		})
	}
}

// TestShortConstant: what is taken for a length is what the instruction says.
func TestShortConstant(t *testing.T) {
	t.Parallel()
	for v := int32(-9000); v <= 9000; v++ {
		text := i32c(v)
		want := -1
		if v >= 0 && v <= maxConstant {
			want = int(v)
		}
		if got := shortConstant(instruction{op: opI32Const}, text); got != want {
			t.Fatalf("shortConstant(i32.const %d) = %d, want %d", v, got, want)
		}
	}
	for _, text := range [][]byte{{opI32Const, 0x80, 0x80, 0x00}, i32c(1 << 30), i32c(-1 << 31)} { // padded, or long
		if got := shortConstant(instruction{op: opI32Const}, text); got != -1 {
			t.Errorf("shortConstant(% x) = %d, want -1", text, got)
		}
	}
	if got := shortConstant(instruction{op: opI64Const}, i64c(8)); got != -1 {
		t.Errorf("shortConstant(i64.const 8) = %d, want -1", got)
	}
}

// TestFuelIsToTheUnit: a call that ends before it looks has spent what it has spent.
func TestFuelIsToTheUnit(t *testing.T) {
	t.Parallel()
	body := seq([]byte{0x02, 0x40}, i32c(0), []byte{0x0d, 0}, bytes.Repeat([]byte{0x01}, 1000), []byte{0x0b}, i32c(0))
	for fuel, want := range map[int]bool{entryPrice + 1003: true, entryPrice + 1002: false} {
		a := rule(body)
		a.fuel = fuel
		if _, err := decideOnce(t, Config{}, a); (err == nil) != want {
			t.Errorf("a call of %d units with %d = %v, want it to end well: %v", entryPrice+1003, fuel, err, want)
		}
	}
}
