package wasm

import (
	"fmt"
	"slices"
)

// stopGlobal is the export by which a running guest is told to end: any value but 0.
// The structure stage refuses a module that exports the name itself.
const stopGlobal = "pointsman_stop"

// What the meter counts in: instructions, or a little more than those.
const (
	// slice is how much a guest runs before it comes up to the host, where it can be
	// stopped, or paused for a garbage collection: about a millisecond.
	slice = 1_000_000
	// freeCall is the price of a call; a function that calls nothing, has no loop
	// and is no longer than this is paid for by its callers.
	freeCall = 50
	// bulkShift: a bulk operation costs an instruction for each 16 bytes or elements.
	bulkShift = 4
)

// Caps on instructions. A standard-Go guest of 3 MiB nests 550 deep and has 71,734
// branch targets.
const (
	maxNesting = 2_000
	maxTargets = 65_536
)

// meter returns the module rewritten so that no guest can run for long without
// coming up to the host. Every loop turn and function entry subtracts the number of
// instructions that it may lead to from a counter, and every bulk operation its
// length; below zero the guest calls an added function that begins the next slice, or
// traps if the host has set the stop global. See RATIONALE.md, "How is a call stopped?".
//
// Nothing moves: functions, types and globals are added behind those of the module, and
// the instruction reader refuses indexes that were not there. The one table gets a maximum.
// Errors: an instruction is unknown or names something that is not there.
func meter(s *structure) ([]byte, error) {
	m := &metered{
		known: indexes{functions: uint32(len(s.functions)), globals: uint32(s.globals)},
	}
	m.counter, m.stop = m.known.globals, m.known.globals+1
	m.tick, m.bulk = m.known.functions, m.known.functions+1
	noop, length := uint32(len(s.types)), uint32(len(s.types))+1

	// add appends elements to a vector.
	add := func(content []byte, extra ...[]byte) []byte {
		c := &cursor{b: content}
		n := c.u32()
		return slices.Concat(appendU32(nil, n+uint32(len(extra))), c.b, slices.Concat(extra...))
	}
	globals := [][]byte{
		append(append([]byte{0x7f, 1}, constI32(slice)...), opEnd),
		append(append([]byte{0x7f, 1}, constI32(0)...), opEnd),
	}
	out := slices.Clone(moduleHeader)
	done := false
	for _, part := range s.sections {
		// Globals come before the exports, which every guest has.
		if part.id == sectionExport && !done {
			out = appendSection(out, sectionGlobal, add([]byte{0}, globals...))
		}
		content := part.content
		switch part.id {
		case sectionType:
			content = add(content, []byte{0x60, 0, 0}, []byte{0x60, 1, 0x7f, 1, 0x7f})
		case sectionFunction:
			content = add(content, appendU32(nil, noop), appendU32(nil, length))
		case sectionTable:
			content = boundTable(content)
		case sectionGlobal:
			content, done = add(content, globals...), true
		case sectionExport:
			content = add(content, appendU32(append(appendName(nil, stopGlobal), 3), m.stop))
		case sectionCode:
			var err error
			if content, err = m.code(content, part.at); err != nil {
				return nil, err
			}
		}
		out = appendSection(out, part.id, content)
	}
	return out, nil
}

// metered is a module being rewritten.
type metered struct {
	known         indexes
	counter, stop uint32 // globals
	tick, bulk    uint32 // functions

	// The function at hand: locals and the price of entering it, and what it does.
	head, rest []byte
}

// code rewrites the code section, which begins at that byte of the module.
func (m *metered) code(content []byte, at int) ([]byte, error) {
	c := &cursor{b: content, at: at, part: sectionNames[sectionCode]}
	n := c.u32()
	out := make([]byte, 0, len(content)+len(content)/4)
	out = appendU32(out, n+2)
	for i := range n {
		size := c.u32()
		sub := &cursor{at: c.at, part: fmt.Sprintf("function %d", m.known.functions-n+i)}
		sub.b = c.take(size)
		if c.err != nil {
			return nil, c.err
		}
		m.body(sub)
		if sub.err != nil {
			return nil, sub.err
		}
		out = appendU32(out, uint32(len(m.head)+len(m.rest)))
		out = append(append(out, m.head...), m.rest...)
	}
	for _, body := range [][]byte{m.tickBody(), m.bulkBody()} {
		out = append(appendU32(out, uint32(len(body))), body...)
	}
	return out, nil
}

// block is one that has not ended.
type block struct {
	loop  bool
	price int // where the price of a turn stands in the rewritten body
	count int // of instructions before it
}

// body rewrites one function into head and rest.
func (m *metered) body(c *cursor) {
	whole, start := c.b, c.at
	for range c.u32() { // groups of locals; the structure stage has bounded them
		c.u32()
		c.byte()
	}
	m.head = append(m.head[:0], whole[:c.at-start]...)

	out := m.rest[:0]
	count, leaf := 0, true
	for blocks := []block{{}}; len(blocks) > 0; {
		from, at := c.b, c.at
		in := c.next(m.known)
		if c.err != nil {
			return
		}
		count++
		if in.bulk {
			out = appendU32(append(out, opCall), m.bulk)
		}
		out = append(out, from[:c.at-at]...)
		switch in.op {
		case opBlock, opIf, opLoop:
			if len(blocks) > maxNesting {
				c.fail("blocks are nested more than %d deep", maxNesting)
				return
			}
			b := block{loop: in.op == opLoop, count: count}
			if b.loop {
				leaf = false
				out, b.price = m.charge(out, 0)
			}
			blocks = append(blocks, b)
		case opCall, opCallIndirect:
			leaf = false
			count += freeCall
		case opEnd:
			last := blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
			if last.loop {
				putPrice(out[last.price:], count-last.count)
			}
		}
	}
	c.end()
	m.rest = out
	if !leaf || count > freeCall {
		m.head, _ = m.charge(m.head, count)
	}
}

// charge appends what takes price from the counter and ticks below zero. at is where
// the price stands, for putPrice. It leaves the operands as they are.
func (m *metered) charge(b []byte, price int) (_ []byte, at int) {
	b = append(appendU32(append(b, opGlobalGet), m.counter), opI32Const)
	at = len(b)
	b = append(b, make([]byte, priceSize)...)
	putPrice(b[at:], price)
	b = appendU32(append(b, opI32Sub, opGlobalSet), m.counter)
	return m.check(b), at
}

// check appends what ticks when the counter is below zero.
func (m *metered) check(b []byte) []byte {
	b = appendU32(append(b, opGlobalGet), m.counter)
	b = append(b, opI32Const, 0, opI32LessSigned, opIf, noResult, opCall)
	return append(appendU32(b, m.tick), opEnd)
}

// tickBody is a function without parameters. It grows the memory by nothing, which is
// done by the host: there the collector may run and other goroutines have their turn.
func (m *metered) tickBody() []byte {
	b := []byte{0, opI32Const, 0, opMemoryGrow, 0, opDrop}
	b = appendU32(append(b, opGlobalGet), m.stop)
	b = append(b, opIf, noResult, opUnreachable, opEnd)
	b = append(b, constI32(slice)...)
	b = appendU32(append(b, opGlobalSet), m.counter)
	return append(b, opEnd)
}

// bulkBody is a function that returns its parameter, a length, and charges for it.
func (m *metered) bulkBody() []byte {
	b := appendU32([]byte{0, opGlobalGet}, m.counter)
	b = append(b, opLocalGet, 0, opI32Const, bulkShift, opI32ShiftUnsigned, opI32Sub)
	b = m.check(appendU32(append(b, opGlobalSet), m.counter))
	return append(b, opLocalGet, 0, opEnd)
}

// priceSize is the size of a price: every price has the same, so that it can be
// written when the loop's end is known.
const priceSize = 5

// putPrice writes a number of 31 bits as a signed LEB128 number of priceSize bytes.
func putPrice(b []byte, price int) {
	for i := range priceSize - 1 {
		b[i] = byte(price>>(7*i))&0x7f | 0x80
	}
	b[priceSize-1] = byte(price>>28) & 0x07
}

// constI32 encodes i32.const of a number that is not negative.
func constI32(v int) []byte {
	b := make([]byte, 1+priceSize)
	b[0] = opI32Const
	putPrice(b[1:], v)
	return b
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
