package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Locals of a generated function: integers 0 to 2, a counter for each depth of loops, then
// three of 64 bits, three of single and three of double precision.
const (
	firstCounter = 3
	counters     = 7
	first64      = firstCounter + counters
	firstSingle  = first64 + 3
	firstDouble  = firstSingle + 3
)

var programLocals = []byte{4, firstCounter + counters, 0x7f, 3, 0x7e, 3, 0x7d, 3, 0x7c}

// program makes random functions that end: every loop counts down a local of its own, and a
// function calls only such as have a greater number.
type program struct {
	choose    *rand.Rand
	functions int // in all, of type () -> i32; each is in the table
	number    int // of the one being made
	depth     int
	loops     int
}

// module is a program of a few functions, the first of which is exported, with a global of
// each type, a table of all functions, memory and a passive segment.
func (p *program) module() []byte {
	p.functions = 1 + p.choose.IntN(4)
	n := uint32(p.functions)
	vector := func(n uint32, content []byte) []byte { return append(appendU32(nil, n), content...) }
	var elements, bodies []byte
	for i := range n {
		elements = appendU32(elements, i)
		p.number = int(i)
		body := seq(programLocals, p.statements(), []byte{0x20, byte(p.choose.IntN(3)), 0x0b})
		bodies = append(appendU32(bodies, uint32(len(body))), body...)
	}
	m := slices.Clone(moduleHeader)
	m = appendSection(m, sectionType, []byte{3, 0x60, 0, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 0, 0})
	m = appendSection(m, sectionFunction, vector(n, make([]byte, n)))
	m = appendSection(m, sectionTable, vector(1, append([]byte{0x70, 0}, byte(n))))
	m = appendSection(m, sectionMemory, []byte{1, 1, 1, 3})
	m = appendSection(m, sectionGlobal, seq([]byte{4, 0x7f, 1}, i32c(7), []byte{0x0b, 0x7e, 1}, i64c(-3), []byte{0x0b, 0x7d, 1, 0x43, 0, 0, 0x80, 0x3f, 0x0b, 0x7c, 1, 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0xbf, 0x0b}))
	m = appendSection(m, sectionExport, append(appendName(append(appendName([]byte{2}, abi.Memory), 2, 0), abi.EntryDecide), 0, 0))
	m = appendSection(m, sectionElement, seq([]byte{1, 0}, i32c(0), []byte{0x0b}, vector(n, elements)))
	m = appendSection(m, sectionDataCount, []byte{1})
	m = appendSection(m, sectionCode, vector(n, bodies))
	return appendSection(m, sectionData, append([]byte{1, 1, 40}, bytes.Repeat([]byte("data "), 8)...))
}

func (p *program) statements() (b []byte) {
	for range 1 + p.choose.IntN(4) {
		b = append(b, p.statement()...)
	}
	return b
}

func (p *program) one(of ...[]byte) []byte { return of[p.choose.IntN(len(of))] }

// local names one of three locals from that number on.
func (p *program) local(first int) byte { return byte(first + p.choose.IntN(3)) }

// value leaves an i32.
func (p *program) value() []byte {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > 8 {
		return p.smallConst()
	}
	switch p.choose.IntN(13) {
	case 0:
		return seq([]byte{0x20, p.local(0)}, p.value(), []byte{0x6a + byte(p.choose.IntN(3))})
	case 1:
		return seq([]byte{0x20, p.local(0), 0x41, 0xff, 1, 0x71}, []byte{0x28, 2, 0}) // load at local & 255
	case 2:
		return []byte{0x3f, 0} // memory.size
	case 3:
		return []byte{0x20, p.local(0)}
	case 4:
		return seq(p.long(), p.long(), []byte{0x51 + byte(p.choose.IntN(10))}) // comparisons
	case 5:
		return seq(p.single(), p.single(), []byte{0x5b + byte(p.choose.IntN(6))})
	case 6:
		return seq(p.double(), p.double(), []byte{0x61 + byte(p.choose.IntN(6))})
	case 7:
		return p.one(seq(p.long(), []byte{0xa7}), seq(p.double(), []byte{0xfc, 2}), seq(p.single(), []byte{0xfc, 1}), []byte{0x23, 0}, []byte{0xfc, 16, 0})
	case 8:
		if next := p.number + 1; next < p.functions {
			return call(uint32(next + p.choose.IntN(p.functions-next)))
		}
	case 9:
		if next := p.number + 1; next < p.functions {
			return seq(i32c(int32(next+p.choose.IntN(p.functions-next))), []byte{0x11, 0, 0})
		}
	case 10: // a block with a parameter and a result
		return seq(p.value(), []byte{0x02, 1}, p.value(), []byte{0x6a, 0x0b})
	case 11:
		return seq(p.value(), p.value(), p.value(), []byte{0x1b})
	}
	return p.smallConst()
}

func (p *program) smallConst() []byte { return i32c(int32(p.choose.IntN(200) - 100)) }

// long leaves an i64.
func (p *program) long() []byte {
	p.depth++
	defer func() { p.depth-- }()
	switch n := p.choose.IntN(5); {
	case p.depth > 8 || n == 0:
		return i64c(p.choose.Int64() >> p.choose.IntN(64))
	case n == 1:
		return seq(p.long(), p.long(), []byte{p.one([]byte{0x7c}, []byte{0x7d}, []byte{0x7e}, []byte{0x83}, []byte{0x85}, []byte{0x86}, []byte{0x89})[0]})
	case n == 2:
		return seq(p.value(), []byte{0xac})
	case n == 3:
		return []byte{0x23, 1}
	}
	return []byte{0x20, p.local(first64)}
}

// single leaves an f32 and double an f64, by operations whose NaNs are not seen.
func (p *program) single() []byte {
	if p.depth > 8 || p.choose.IntN(3) == 0 {
		return p.one([]byte{0x43, 0, 0, 0x20, 0x40}, []byte{0x20, p.local(firstSingle)}, []byte{0x23, 2})
	}
	p.depth++
	defer func() { p.depth-- }()
	return p.one(seq(p.single(), p.single(), []byte{0x92 + byte(p.choose.IntN(3))}), seq(p.value(), []byte{0xb2}), seq(p.double(), []byte{0xb6}))
}

func (p *program) double() []byte {
	if p.depth > 8 || p.choose.IntN(3) == 0 {
		return p.one([]byte{0x44, 0, 0, 0, 0, 0, 0, 4, 0xc0}, []byte{0x20, p.local(firstDouble)}, []byte{0x23, 3})
	}
	p.depth++
	defer func() { p.depth-- }()
	return p.one(seq(p.double(), p.double(), []byte{0xa0 + byte(p.choose.IntN(3))}), seq(p.long(), []byte{0xb9}), seq(p.single(), []byte{0xbb}))
}

func (p *program) statement() []byte {
	if p.depth > 5 {
		return []byte{0x01}
	}
	p.depth++
	defer func() { p.depth-- }()
	nested := func(open ...byte) []byte { return seq(open, p.statements(), []byte{0x0b}) }
	switch p.choose.IntN(16) {
	case 0:
		return seq(p.value(), []byte{0x21, p.local(0)})
	case 1:
		return seq([]byte{0x41, byte(p.choose.IntN(60))}, p.value(), []byte{0x36, 2, 0})
	case 2:
		return nested(0x02, 0x40)
	case 3:
		return seq(p.value(), nested(0x04, 0x40))
	case 4:
		return seq(p.value(), []byte{0x04, 0x40}, p.statements(), []byte{0x05}, p.statements(), []byte{0x0b})
	case 5, 6: // a loop of a few turns, with a counter of its own
		if p.loops == counters {
			return []byte{0x01}
		}
		counter := byte(firstCounter + p.loops)
		p.loops++
		defer func() { p.loops-- }()
		again := seq([]byte{0x20, counter}, i32c(1), []byte{0x6b, 0x22, counter}, i32c(0), []byte{0x4a, 0x0d})
		if p.choose.IntN(2) == 0 {
			return seq(i32c(int32(1+p.choose.IntN(3))), []byte{0x21, counter, 0x03, 0x40}, p.statements(), again, []byte{0, 0x0b})
		}
		// Its head is reached from within a block, which something leaves before.
		return seq(i32c(int32(1+p.choose.IntN(3))), []byte{0x21, counter, 0x03, 0x40, 0x02, 0x40}, p.value(), []byte{0x0d, 0}, p.statements(), []byte{0x0b}, again, []byte{0, 0x0b})
	case 7: // out of a block of its own, past the statements behind
		return seq([]byte{0x02, 0x40}, p.value(), []byte{0x0d, 0}, p.statements(), []byte{0x0b})
	case 8:
		return seq([]byte{0x02, 0x40, 0x02, 0x40}, p.value(), i32c(3), []byte{0x71, 0x0e, 2, 0, 1, 0, 0x0b}, p.statements(), []byte{0x0b})
	case 9: // code that nothing reaches
		return seq([]byte{0x02, 0x40, 0x0c, 0}, p.statements(), []byte{0x0b})
	case 10:
		return seq(p.long(), []byte{0x21, p.local(first64)}, p.single(), []byte{0x21, p.local(firstSingle)}, p.double(), []byte{0x21, p.local(firstDouble)})
	case 11:
		return p.one(seq(p.value(), []byte{0x24, 0}), seq(p.long(), []byte{0x24, 1}), seq(p.single(), []byte{0x24, 2}), seq(p.double(), []byte{0x24, 3}))
	case 12: // copies within the first 512 bytes
		return seq(i32c(int32(p.choose.IntN(64))), i32c(int32(p.choose.IntN(256))), i32c(int32(p.choose.IntN(128))), []byte{0xfc, 10, 0, 0})
	case 13: // of the segment
		at := p.choose.IntN(20)
		return seq(i32c(int32(p.choose.IntN(256))), i32c(int32(at)), i32c(int32(p.choose.IntN(20))), []byte{0xfc, 8, 0, 0})
	case 14: // sometimes; to its maximum
		return seq(p.value(), []byte{0x04, 0x40}, i32c(1), growMemory, []byte{0x24, 0, 0x0b})
	}
	return seq(i32c(int32(p.choose.IntN(64))), p.value(), i32c(int32(p.choose.IntN(32))), []byte{0xfc, 11, 0})
}

// outcome is what a run of pm_decide_v1 left.
type outcome struct {
	result uint64
	trap   bool
	memory []byte
	spent  int64 // of fuel; 0 where it is not metered
}

func (o outcome) same(other outcome) bool {
	return o.result == other.result && o.trap == other.trap && bytes.Equal(o.memory, other.memory)
}

func runModule(t *testing.T, r wazero.Runtime, module []byte) (o outcome) {
	t.Helper()
	ctx := context.Background()
	m, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatalf("instantiate: %v", err)
	}
	defer m.Close(ctx)
	const given = 1 << 30
	fuel, metered := m.ExportedGlobal(fuelGlobal).(api.MutableGlobal)
	if metered {
		fuel.Set(api.EncodeI32(given))
	}
	out, err := m.ExportedFunction(abi.EntryDecide).Call(ctx)
	if o.trap = err != nil; !o.trap {
		o.result = out[0]
	}
	if metered {
		o.spent = given - int64(api.DecodeI32(fuel.Get()))
	}
	memory, _ := m.Memory().Read(0, 512)
	o.memory = slices.Clone(memory)
	return o
}

// FuzzFuel: a metered program does what the original does, in the compiler and in the
// interpreter, whatever its shape, and spends the same in both.
func FuzzFuel(f *testing.F) {
	for seed := range uint64(300) {
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
		module := p.module()
		s, err := readStructure(module)
		if err != nil {
			t.Fatalf("readStructure(% x) = %v", module, err)
		}
		metered, err := meter(s)
		if err != nil {
			t.Fatalf("meter(% x) = %v", module, err)
		}
		want, native := runModule(t, interpreter, module), runModule(t, compiler, module)
		slow, got := runModule(t, interpreter, metered), runModule(t, compiler, metered)
		if !got.same(native) {
			t.Errorf("metered and compiled % x = %v, want %v", module, got, native)
		}
		if !slow.same(want) {
			t.Errorf("metered and interpreted % x = %v, want %v", module, slow, want)
		}
		// In rare cases wazero's two engines disagree about the original: then about fuel too.
		if native.same(want) && got.spent != slow.spent || got.spent < entryPrice {
			t.Errorf("% x spends %d compiled, %d interpreted", module, got.spent, slow.spent)
		}
	})
}
