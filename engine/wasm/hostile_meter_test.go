package wasm

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// hiddenCode is a rule that sets the fuel counter, in bytes that a reader which takes the
// number behind 0xfd for a LEB128 number sees as a constant: wazero reads one byte, and what
// follows as instructions.
func hiddenCode() asm {
	hidden := seq([]byte{0x0b}, i32c(1<<29), []byte{0x24, 0, 0x02, 0x40}) // end, global.set 0, block
	hidden = append(hidden, bytes.Repeat([]byte{0x01}, 16-len(hidden))...)
	return rule(seq([]byte{0x02, 0x40}, i32c(1), []byte{0x0d, 0}, // out of the block, into what is hidden
		[]byte{0xfd, 0x0c}, make([]byte, 16), i32c(0), // what wazero's instruction takes
		[]byte{0xfd, 0x8c, 0x00}, hidden, []byte{0x0b}, i32c(0)))
}

// TestReadersAgree: an instruction that this package and wazero could read differently is
// refused, as one would meter what the other does not run.
func TestReadersAgree(t *testing.T) {
	t.Parallel()
	in := func(body []byte) asm { return rule(seq(body, i32c(0))) }
	blockOf := func(typ ...byte) asm { return in(seq([]byte{0x02}, typ, []byte{0x0b})) }
	tests := []struct {
		name  string
		guest asm
		want  string
	}{
		{"code hidden in a vector constant", hiddenCode(), "vector instruction 0x8c is not followed by 0x1"},
		{"vector number with padding", in([]byte{0xfd, 0x8c, 0x81, 0x00}), "vector instruction 0x8c is not followed by 0x1"},
		{"block of a reference to a type", blockOf(0x63, 0x20), "block type 0x63"},
		{"block of a reference", blockOf(0x64, 0x70), "block type 0x64"},
		{"block of an exception", blockOf(0x69), "block type 0x69"},
		{"block of a type that the meter adds", blockOf(0x01), "type 1 of 1"},
		{"block of a value type with padding", blockOf(0xff, 0x7f), "type 16383 of 1"},
		{"block of a type of 35 bits", blockOf(0x80, 0x80, 0x80, 0x80, 0x20), "more than 32 bits"},
		{"select of a reference to a type", in([]byte{0x1c, 1, 0x63, 0x20}), "unknown value type 0x63"},
		{"select of two types", in([]byte{0x1c, 2, 0x7f, 0x7f}), "select of 2 types"},
		{"null of a type", in([]byte{0xd0, 0x00, 0x1a}), "reference type 0x0"},
		{"null of an exception", in([]byte{0xd0, 0x69, 0x1a}), "reference type 0x69"},
		{"second memory grows", in([]byte{0x40, 0x01}), "memory 1"},
		{"second memory's size", in([]byte{0x3f, 0x80}), "memory 128"},
		{"indirect call of a type that the meter adds", in([]byte{0x11, 1, 0}), "type 1 of 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := inspect(tt.guest.build(t))
			if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Inspect() = %v, want %q", err, tt.want)
			}
		})
	}
}

// TestSegmentsReadAlike is the same for what stands outside of functions.
func TestSegmentsReadAlike(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		module []byte
		want   string
	}{
		{"vector constant with padding", sections(6, append(append([]byte{1, 0x7b, 0, 0xfd, 0x8c, 0}, make([]byte, 16)...), 0x0b)), "not constant"},
		{"null of a type", sections(6, []byte{1, 0x70, 0, 0xd0, 0x00, 0x0b}), "reference type 0x0"},
		{"elements of a reference to a type", sections(9, []byte{1, 5, 0x63, 0x20, 0}), "element kind 0x63"},
		{"elements of a kind", sections(9, []byte{1, 1, 1, 0}), "element kind 0x1"},
	} {
		if _, err := readStructure(tt.module); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: readStructure(% x) = %v, want %q", tt.name, tt.module, err, tt.want)
		}
	}
}

// TestLongRuns: however much straight-line code asks for, its price is a number that is taken
// from the fuel and never added to it.
func TestLongRuns(t *testing.T) {
	t.Parallel()
	grow := seq([]byte{0xd0, 0x70}, i32c(0), []byte{0xfc, 15, 0}, drop)
	const priced = growTablePrice + bulkPrice
	table := []byte{1, 0x70, 0, 0}

	a := rule(seq(bytes.Repeat(grow, 100), i32c(0)))
	a.table, a.fuel = table, abi.MaxRuleFuel
	answer, err := decideOnce(t, Config{RuleLimit: patience}, a)
	if err != nil || answer.Fuel < 100*growTablePrice || answer.Fuel > 101*priced {
		t.Errorf("a hundred table.grow spend %d, %v, want 100 × %d", answer.Fuel, err, growTablePrice)
	}

	// More than 2^31 units in one run would be a negative price.
	bomb := rule(seq(bytes.Repeat(grow, (1<<31)/growTablePrice+1), i32c(0)))
	bomb.table = table
	s, err := readStructure(bomb.module())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := meter(s); err == nil || !strings.Contains(err.Error(), "more than 2000 blocks and branches") {
		t.Errorf("meter(2^31 units in one run) = %v, want it refused", err)
	}
}

// TestCompileBombs is U3, U4, U5 and U9: what makes compiling slow is refused before it is
// compiled, in whatever construct it hides.
func TestCompileBombs(t *testing.T) {
	t.Parallel()
	times := func(n int, b ...byte) []byte { return bytes.Repeat(b, n) }
	inBlock := func(body []byte) []byte { return seq([]byte{0x02, 0x40}, body, []byte{0x0b}, i32c(0)) }
	everywhere := func(body []byte, n int) asm {
		a := rule(i32c(0))
		for range n {
			a.helpers = append(a.helpers, body)
		}
		return a
	}
	tableOf := func(n int) []byte { return seq(i32c(0), appendU32([]byte{0x0e}, uint32(n)), make([]byte, n+1)) }
	manyLocals := rule(seq(times(maxBlocks+1, 0x02, 0x40, 0x0b), i32c(0)))
	manyLocals.locals = maxLocals
	tests := []struct {
		name  string
		guest asm
		want  string
	}{
		{"U3 ifs by locals", manyLocals, "more than 2000 blocks and branches"},
		{"U3 33 KB of ifs", rule(seq(times(6_600, 0x20, 0, 0x04, 0x40, 0x0b), i32c(0))), "more than 2000 blocks and branches"},
		{"U4 nested blocks", rule(seq(times(maxNesting+1, 0x02, 0x40), times(maxNesting+1, 0x0b), i32c(0))), "blocks"},
		{"U4 nested ifs in many functions", everywhere(seq(times(1_999, 0x20, 0, 0x04, 0x40), times(1_999, 0x0b), i32c(0)), 20), "too many blocks each"},
		{"U5 65 KB of a branch table", everywhere(inBlock(tableOf(65<<10)), 8), "branch targets in all"},
		{"U9 branches and no blocks", rule(inBlock(times(50_000, 0x20, 0, 0x0d, 0))), "more than 2000 blocks and branches"},
		{"U9 branches in many functions", everywhere(inBlock(times(1_500, 0x20, 0, 0x0d, 0)), 100), "too many blocks each"},
		{"U9 branch tables of nothing", everywhere(bytes.Repeat(inBlock(tableOf(0)), 2_000), 2), "more than 2000 blocks and branches"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if len(tt.guest.helpers) > 0 {
				tt.guest.name = "many"
				for i, b := range tt.guest.helpers {
					tt.guest.helpers[i] = slices.Concat(b) // of functions () -> i32 without locals
				}
				for i := range tt.guest.helpers {
					tt.guest.helpers[i] = bytes.ReplaceAll(tt.guest.helpers[i], []byte{0x20, 0}, i32c(1))
				}
			}
			_, err := inspect(tt.guest.build(t))
			if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Inspect() = %v, want %q", err, tt.want)
			}
		})
	}
}

// TestElementsInAll: every instance has a copy of the elements, which no memory limit counts.
func TestElementsInAll(t *testing.T) {
	t.Parallel()
	segments := func(n, each int) []byte {
		b := appendU32(nil, uint32(n))
		for range n {
			b = append(appendU32(append(b, 1, 0), uint32(each)), make([]byte, each)...)
		}
		return sections(1, oneType, 3, []byte{1, 0}, 9, b, 10, []byte{1, 4, 0, 0x41, 0, 0x0b})
	}
	if _, err := readStructure(segments(2, maxTable/2)); err != nil {
		t.Errorf("elements to the cap: %v", err)
	}
	if _, err := readStructure(segments(3, maxTable/2)); err == nil || !strings.Contains(err.Error(), "elements in all") {
		t.Errorf("elements beyond it: %v, want it refused", err)
	}
}

// TestLongNames is U14: names that are too long do not reach traces, however often the guest traps.
func TestLongNames(t *testing.T) {
	t.Parallel()
	base := rule(unreachable).build(t)
	with := func(size int) []byte {
		names := append([]byte{1}, appendName([]byte{0}, strings.Repeat("n", size))...)
		return appendSection(slices.Clone(base), sectionCustom, append(appendName(nil, "name"), appendSection(nil, 1, names)...))
	}
	for size, want := range map[int]bool{100: true, 64 << 10: false} {
		g := ruleGuestOf(t, offer(t, Config{RuleLimit: patience}, with(size)), "", "test")
		var answer engine.RuleAnswer
		err := g.Decide(t.Context(), &engine.RuleCall{}, &answer)
		text := err.Error()
		if strings.Contains(text, "nnnn") != want || len(text) > 2*maxTrace {
			t.Errorf("a name of %d bytes: error of %d bytes, names it: %v", size, len(text), !want)
		}
	}
}
