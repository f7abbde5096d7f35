package wasm

import "github.com/pointsman/pointsman/sdk/abi"

// control is a construct of a function that has not ended.
type control struct {
	op     byte
	dead   bool // nothing reaches it
	joined bool // something branches to its end
	live   bool // of an if with an else: the end of its first part is reached
	either bool // it has an else
}

// body appends one function, rewritten, to out: locals, then each basic block behind its price. A
// block ends where code may go on elsewhere or come from elsewhere; a call ends none, as
// what follows is reached whenever the call returns. It also ends where it costs a slice, so
// that no price is more than a number holds. What nothing reaches is free.
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
	m.control = append(m.control[:0], control{op: opBlock})
	shape, dead := functionShape{}, false

	for len(m.control) > 0 {
		from, at := c.b, c.at
		in := c.next(m.known)
		if c.err != nil {
			return
		}
		if in.length != 0 {
			m.out = appendU32(append(m.out, opCall), m.lengthOf(in))
		}
		m.out = append(m.out, from[:c.at-at]...)
		if !dead {
			m.price += m.priceOf(in)
			frame.add(m.module, in)
		}
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
			}
		case opElse:
			if len(m.control) == 1 || m.control[len(m.control)-1].op != opIf {
				c.fail("else without an if")
				return
			}
			top := &m.control[len(m.control)-1]
			top.either, top.live = true, !dead
			dead = top.dead
			m.next()
		case opEnd:
			dead = m.endControl(dead)
		case opBr, opBrIf:
			if in.op == opBrIf && !shape.add(c, in.op) {
				return
			}
			m.branch(c, in.label, dead)
			m.next()
			dead = dead || in.op == opBr
		case opBrTable:
			if !shape.add(c, in.op) {
				return
			}
			m.branches(c, from[1:c.at-at], dead)
			m.next()
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
		m.charged(head, extra)
	}
}

// next ends the basic block at hand.
func (m *metered) next() {
	if m.price > 0 {
		m.charged(m.run, m.price)
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
		return false
	}
	if dead {
		m.next()
	}
	return dead
}

// branch notes a branch to the label's end; one to a loop leads to its head.
func (m *metered) branch(c *cursor, label uint32, dead bool) {
	if int64(label) >= int64(len(m.control)) {
		c.fail("branch to label %d of %d", label, len(m.control))
		return
	}
	if !dead {
		m.control[len(m.control)-1-int(label)].joined = true
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
