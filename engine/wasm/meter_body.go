package wasm

import "github.com/pointsman/pointsman/sdk/abi"

// control is a construct of a function that has not ended.
type control struct {
	op     byte
	dead   bool // nothing reaches it
	joined bool // something branches to its end
	live   bool // of an if with an else: the end of its first part is reached
	either bool // it has an else

	// What may have been spent without a look at the fuel: where an if's parts begin, and the most
	// of all ways that lead to its end, but for the last part's.
	begin, end int
}

// body appends one function, rewritten, to out: locals, then each basic block behind its price. A
// block ends where code may go on elsewhere or come from elsewhere; a call ends none, as
// what follows is reached whenever the call returns. It also ends where it costs a slice, so
// that no price is more than a number holds. What nothing reaches is free.
//
// Every block takes its price, but only some look whether fuel is left: those that begin a function
// or a loop, that follow a call of a function, and whichever may follow more than maxUnchecked units
// without a look. A call may have spent as much itself behind its last look: without one after it,
// a deep recursion would return over a million functions with none.
func (m *metered) body(c *cursor) {
	whole, start := c.b, c.at
	var frame frameShape
	for range c.u32() { // groups of locals; the structure stage has bounded them
		frame.locals += int(c.u32())
		c.byte()
	}
	m.out = append(m.out, whole[:c.at-start]...)
	head := len(m.out)
	m.run, m.price = head, entryPrice
	m.unchecked, m.must, m.called = 0, true, false
	m.control = append(m.control[:0], control{op: opBlock})
	shape, dead := functionShape{}, false
	constant := -1 // what the instruction before puts on the stack, where it is a short length

	for len(m.control) > 0 {
		from, at := c.b, c.at
		in := c.next(m.known)
		if c.err != nil {
			return
		}
		text := from[:c.at-at]
		if in.length != 0 && (in.length != lengthBytes || constant < 0) {
			m.out = appendU32(append(m.out, opCall), m.lengthOf(in))
		}
		m.out = append(m.out, text...)
		if !dead {
			m.price += m.priceOf(in)
			if in.length == lengthBytes && constant > 0 {
				m.price += constant >> bulkShift
			}
			frame.add(m.module, in)
			m.called = m.called || in.op == opCall && in.label >= m.imports || in.op == opCallIndirect
		}
		constant = shortConstant(in, text)
		switch in.op {
		case opBlock, opLoop, opIf:
			if len(m.control) > maxNesting {
				c.fail("blocks are nested more than %d deep", maxNesting)
				return
			}
			if !shape.add(c, in.op) {
				return
			}
			m.control = append(m.control, control{op: in.op, dead: dead})
			if in.op != opBlock {
				m.next()
				m.control[len(m.control)-1].begin = m.unchecked
				m.must = m.must || in.op == opLoop
			}
		case opElse:
			if len(m.control) == 1 || m.control[len(m.control)-1].op != opIf {
				c.fail("else without an if")
				return
			}
			top := &m.control[len(m.control)-1]
			top.either, top.live = true, !dead
			m.next()
			if !dead {
				top.end = max(top.end, m.unchecked)
			}
			dead, m.unchecked = top.dead, top.begin
		case opEnd:
			dead = m.endControl(dead)
		case opBr, opBrIf:
			if in.op == opBrIf && !shape.add(c, in.op) {
				return
			}
			m.next()
			m.branch(c, in.label, dead)
			dead = dead || in.op == opBr
		case opBrTable:
			if !shape.add(c, in.op) {
				return
			}
			m.next()
			m.branches(c, from[1:c.at-at], dead)
			dead = true
		case opReturn, opUnreachable:
			m.next()
			dead = true
		default:
			if m.price >= abi.FuelSlice {
				if !shape.add(c, opBlock) {
					return
				}
				m.next()
			}
		}
	}
	c.end()
	m.weight.add(c, shape)
	m.next()
	if extra := frame.bytes(shape.blocks)/framePerUnit - entryPrice; extra > 0 {
		m.charged(head, extra, false) // before the first block, which looks
	}
}

// maxUnchecked is how much may be spent on any way from one look at the fuel to the next. A look is
// as much code as a block has, and most functions cost less than this as a whole.
const maxUnchecked = 2_000

// maxConstant is the longest length, in bytes or elements, that is paid with its block. Compilers clear
// and copy structures by operations of a constant length, a few for each call of a function.
const maxConstant = 4 << 10

// shortConstant is the number that an instruction puts on the stack where that may be such a
// length, -1 otherwise. text is the instruction.
func shortConstant(in instruction, text []byte) int {
	if in.op != opI32Const || len(text) > 3 {
		return -1
	}
	// A signed LEB128 number of at most two bytes: https://webassembly.github.io/spec/core/binary/values.html#integers
	v, last := 0, text[len(text)-1]
	for i, b := range text[1:] {
		v |= int(b&0x7f) << (7 * i)
	}
	if last&0x40 != 0 || v > maxConstant {
		return -1
	}
	return v
}

// next ends the basic block at hand.
func (m *metered) next() {
	if m.price > 0 {
		m.unchecked += m.price
		look := m.must || m.unchecked > maxUnchecked
		if look {
			m.unchecked, m.must = 0, false
		}
		m.charged(m.run, m.price, look)
	}
	if m.called {
		m.unchecked, m.called = maxUnchecked, false
	}
	m.run, m.price = len(m.out), 0
}

// endControl ends the innermost construct; dead tells of the code before its end, the
// result of the code after it. A new block begins there only if something else leads to it.
func (m *metered) endControl(dead bool) bool {
	last := len(m.control) - 1
	top := m.control[last]
	m.control = m.control[:last]
	if top.dead {
		return true
	}
	elsewhere := top.op != opLoop && top.joined || top.op == opIf && (!top.either || top.live)
	if elsewhere {
		m.next()
		if dead {
			m.unchecked = 0
		}
		if m.unchecked = max(m.unchecked, top.end); top.op == opIf && !top.either {
			m.unchecked = max(m.unchecked, top.begin)
		}
		return false
	}
	if dead {
		m.next()
	}
	return dead
}

// branch notes a branch to the label's end, taken behind what the last block costs; one to a loop
// leads to its head, where there is a look.
func (m *metered) branch(c *cursor, label uint32, dead bool) {
	if int64(label) >= int64(len(m.control)) {
		c.fail("branch to label %d of %d", label, len(m.control))
		return
	}
	if !dead {
		to := &m.control[len(m.control)-1-int(label)]
		to.joined, to.end = true, max(to.end, m.unchecked)
	}
}

// branches notes those of a br_table, whose operands it is given.
func (m *metered) branches(c *cursor, operands []byte, dead bool) {
	t := &cursor{b: operands}
	n := t.u32()
	if m.weight.targets += int(n) + 1; m.weight.targets > maxTargets {
		c.fail("more than %d branch targets in all", maxTargets)
		return
	}
	for range uint64(n) + 1 {
		if m.branch(c, t.u32(), dead); c.err != nil {
			return
		}
	}
}

// lengthOf is the added function that the operand on top of the stack passes through.
func (m *metered) lengthOf(in instruction) uint32 {
	if in.length == lengthPages {
		return m.grow
	}
	return m.bulk
}

func (m *metered) priceOf(in instruction) int {
	switch in.op {
	case opBlock, opLoop, opElse, opEnd:
		return 0
	case opCall:
		if in.label < m.imports {
			return 1 + importPrice
		}
	case opRefFunc:
		return refFuncPrice
	case opMemoryGrow:
		return growPrice
	case opPrefixMisc:
		switch {
		case in.sub == miscMemoryFill:
			return fillPrice
		case in.sub == miscTableGrow:
			return growTablePrice
		case in.length != 0:
			return bulkPrice
		}
	}
	return 1
}
