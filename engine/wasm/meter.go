package wasm

import (
	"fmt"
	"slices"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Exports by which the host reaches what the meter adds: globals of type i32. The
// structure stage refuses a module that exports one of the names itself.
const (
	fuelGlobal = "pointsman_fuel" // what is left of the slice
	leftGlobal = "pointsman_left" // what may follow it
	stopGlobal = "pointsman_stop" // any value but 0 ends the call at its next tick
)

func isHostGlobal(name string) bool {
	return name == fuelGlobal || name == leftGlobal || name == stopGlobal
}

// Prices, in units of fuel; an instruction without one costs 1, and what only gives code
// its shape (block, loop, else, end) nothing. Weighed so that nothing a guest can
// do takes much longer per unit than plain arithmetic.
const (
	entryPrice     = 64     // of entering a function: what bounds recursion
	framePerUnit   = 64     // bytes of stack that a unit buys; a function that may need more costs more
	importPrice    = 16     // of calling the host, on top
	refFuncPrice   = 200    // goes through the host
	bulkPrice      = 24     // of a bulk operation, on top of its length
	fillPrice      = 64     // of memory.fill, likewise
	growTablePrice = 10_000 // may copy the table
	growPrice      = 2_000  // of memory.grow, on top of its pages
	pagePrice      = 256    // of a page that memory.grow adds
	bulkShift      = 3      // a bulk operation costs a unit for each 8 bytes or elements
)

// meter returns the module rewritten so that every basic block pays for itself: it
// takes its price from the slice of fuel in a global. Below zero, those that look (see body) call an added
// function that begins the next slice, or traps when the call's budget is spent or the
// host has set the stop global. Bulk operations pay by length and memory.grow by page in
// functions of their own. See RATIONALE.md, "How is a call stopped?".
//
// Data segments that no code can name are joined: see joined. Nothing else moves: functions, types and globals are added behind those of the module, and
// the instruction reader refuses indexes that were not there. The one table gets a maximum.
// Errors: an instruction is unknown, names something that is not there, or a cap on what
// makes compiling slow is exceeded; they name the function.
func meter(s *structure) ([]byte, error) {
	m := newMetered(s, len(s.module)+len(s.module)/4)
	if err := m.sections(m.code); err != nil {
		return nil, err
	}
	return m.out, nil
}

func newMetered(s *structure, room int) *metered {
	functions, globals := uint32(len(s.functions)), uint32(s.globals)
	return &metered{
		known: s.known(), module: s, imports: uint32(s.imports),
		fuel: globals, left: globals + 1, stop: globals + 2,
		tick: functions, bulk: functions + 1, grow: functions + 2,
		out: append(make([]byte, 0, room), moduleHeader...),
	}
}

// sections writes every section, with what is added; code writes that of the bodies.
func (m *metered) sections(code func(content []byte, at int) error) error {
	s := m.module
	noop, length := uint32(len(s.types)), uint32(len(s.types))+1

	// add appends elements to a vector.
	add := func(content []byte, extra ...[]byte) []byte {
		c := &cursor{b: content}
		n := c.u32()
		return slices.Concat(appendU32(nil, n+uint32(len(extra))), c.b, slices.Concat(extra...))
	}
	zero := []byte{0x7f, 1, opI32Const, 0, opEnd}
	done := false
	for _, part := range s.sections {
		// Globals come before the exports, which every guest has.
		if part.id == sectionExport && !done {
			m.out = appendSection(m.out, sectionGlobal, add([]byte{0}, zero, zero, zero))
		}
		content := part.content
		switch part.id {
		case sectionType:
			content = add(content, []byte{0x60, 0, 0}, []byte{0x60, 1, 0x7f, 1, 0x7f})
		case sectionFunction:
			content = add(content, appendU32(nil, noop), appendU32(nil, length), appendU32(nil, length))
		case sectionTable:
			content = boundTable(content)
		case sectionGlobal:
			content, done = add(content, zero, zero, zero), true
		case sectionExport:
			content = add(content, exportGlobal(fuelGlobal, m.fuel), exportGlobal(leftGlobal, m.left), exportGlobal(stopGlobal, m.stop))
		case sectionData:
			if s.dataCount < 0 {
				content = joined(content)
			}
		case sectionCode:
			if err := code(content, part.at); err != nil {
				return err
			}
			continue
		}
		m.out = appendSection(m.out, part.id, content)
	}
	return nil
}

func exportGlobal(name string, index uint32) []byte {
	return appendU32(append(appendName(nil, name), 3), index)
}

// metered is a module being rewritten.
type metered struct {
	known            indexes
	module           *structure
	imports          uint32
	fuel, left, stop uint32 // globals
	tick, bulk, grow uint32 // functions
	weight           weight

	// out is the module as far as it is written, and nothing is copied on its way there: what
	// stands before a part and depends on it is put in when the part is whole.
	out     []byte
	run     int // where in it the basic block at hand begins
	price   int
	control []control
	scratch []byte

	unchecked int  // the most that may have been spent before the block at hand without a look
	must      bool // the block at hand looks
	called    bool // it calls a function, which may have spent as much
}

// code rewrites the code section, which begins at that byte of the module.
func (m *metered) code(content []byte, at int) error {
	c := &cursor{b: content, at: at, part: sectionNames[sectionCode]}
	n := c.u32()
	m.out = append(m.out, sectionCode)
	begin := len(m.out)
	m.out = appendU32(m.out, n+3)
	for i := range n {
		size := c.u32()
		sub := &cursor{at: c.at, part: fmt.Sprintf("function %d", m.known.functions-n+i)}
		sub.b = c.take(size)
		if c.err != nil {
			return c.err
		}
		function := len(m.out)
		m.body(sub)
		if sub.err != nil {
			return sub.err
		}
		m.sized(function)
	}
	for _, body := range [][]byte{m.tickBody(), m.bulkBody(), m.growBody()} {
		m.out = append(appendU32(m.out, uint32(len(body))), body...)
	}
	m.sized(begin)
	return nil
}

// sized puts the length of what was written since then before it.
func (m *metered) sized(since int) {
	m.scratch = appendU32(m.scratch[:0], uint32(len(m.out)-since))
	m.out = slices.Insert(m.out, since, m.scratch...)
}

// charged puts a charge there, with a look at what is left or without.
func (m *metered) charged(at, price int, look bool) {
	m.scratch = m.charge(m.scratch[:0], price)
	if look {
		m.scratch = m.check(m.scratch)
	}
	m.out = slices.Insert(m.out, at, m.scratch...)
}

// charge appends what takes price from the slice. It leaves the operands as they are.
func (m *metered) charge(b []byte, price int) []byte {
	b = append(appendU32(append(b, opGlobalGet), m.fuel), opI32Const)
	b = appendS32(b, int32(price))
	return appendU32(append(b, opI32Sub, opGlobalSet), m.fuel)
}

// check appends what ticks when the slice is used up.
func (m *metered) check(b []byte) []byte {
	b = appendU32(append(b, opGlobalGet), m.fuel)
	b = append(b, opI32Const, 0, opI32LessSigned, opIf, noResult, opCall)
	return append(appendU32(b, m.tick), opEnd)
}

// tickBody is a function without parameters, called when the slice is below zero. It
// grows the memory by nothing, which is done by the host: there the collector may run and
// other goroutines have their turn. Then it grants slices until the whole debt is paid.
func (m *metered) tickBody() []byte {
	get := func(b []byte, global uint32) []byte { return appendU32(append(b, opGlobalGet), global) }
	set := func(b []byte, global uint32) []byte { return appendU32(append(b, opGlobalSet), global) }
	b := []byte{1, 1, 0x7f, opI32Const, 0, opMemoryGrow, 0, opDrop} // one local: the grant
	b = append(get(b, m.stop), opIf, noResult, opUnreachable, opEnd)
	b = append(b, opLoop, noResult)
	b = append(get(b, m.left), opI32EqualZero, opIf, noResult, opUnreachable, opEnd)
	b = get(b, m.left)
	b = appendS32(append(b, opI32Const), abi.FuelSlice)
	b = get(b, m.left)
	b = appendS32(append(b, opI32Const), abi.FuelSlice)
	b = append(b, opI32LessUnsigned, opSelect, opLocalSet, 0)
	b = set(append(get(b, m.left), opLocalGet, 0, opI32Sub), m.left)
	b = set(append(get(b, m.fuel), opLocalGet, 0, opI32Add), m.fuel)
	b = append(get(b, m.fuel), opI32Const, 0, opI32LessSigned, opBrIf, 0)
	return append(b, opEnd, opEnd)
}

// unless appends what returns the parameter for free when it is more than any memory
// holds: that is answered with -1 or a trap, and nothing is done.
func (m *metered) unless(b []byte, most int32) []byte {
	b = appendS32(append(b, opLocalGet, 0, opI32Const), most)
	return append(b, opI32GreaterUnsigned, opIf, noResult, opLocalGet, 0, opReturn, opEnd)
}

// bulkBody is a function that returns its parameter, a length, and charges for it.
func (m *metered) bulkBody() []byte {
	b := m.unless([]byte{0}, abi.ProviderMemory)
	b = appendU32(append(b, opGlobalGet), m.fuel)
	b = append(b, opLocalGet, 0, opI32Const, bulkShift, opI32ShiftUnsigned, opI32Sub)
	b = m.check(appendU32(append(b, opGlobalSet), m.fuel))
	return append(b, opLocalGet, 0, opEnd)
}

// growBody does the same for a number of pages.
func (m *metered) growBody() []byte {
	b := m.unless([]byte{0}, abi.ProviderMemory/abi.PageSize)
	b = appendU32(append(b, opGlobalGet), m.fuel)
	b = appendS32(append(b, opLocalGet, 0, opI32Const), pagePrice)
	b = append(b, opI32Multiply, opI32Sub)
	b = m.check(appendU32(append(b, opGlobalSet), m.fuel))
	return append(b, opLocalGet, 0, opEnd)
}

// boundTable gives the table, where there is one, a maximum that no guest can grow beyond.
func boundTable(content []byte) []byte {
	c := &cursor{b: content}
	if c.u32() == 0 {
		return content
	}
	kind := c.byte()
	least, most := limits(c)
	b := appendU32([]byte{1, kind, 1}, least)
	return appendU32(b, min(most, maxTable))
}
