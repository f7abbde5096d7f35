package wasm

import "unicode/utf8"

// The parts of sections that repeat. Each reads over one record; types and what
// instructions mean are checked by whoever compiles.

// limits reads a table's or memory's size; most is what it declares, or the greatest number.
func limits(c *cursor) (least, most uint32) {
	switch flags := c.byte(); flags {
	case 0:
		return c.u32(), ^uint32(0)
	case 1:
		least, most = c.u32(), c.u32()
		if most < least {
			c.fail("at most %d and at least %d", most, least)
		}
		return least, most
	default:
		c.fail("limits of kind %#x; shared and 64-bit ones are not known", flags)
		return 0, 0
	}
}

// constant reads over a constant expression and its end.
// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
func constant(c *cursor, known indexes) {
	for c.err == nil {
		switch op := c.byte(); op {
		case opEnd:
			return
		case opI32Const:
			c.skipLEB(5)
		case opI64Const:
			c.skipLEB(10)
		case opF32Const:
			c.take(4)
		case opF64Const:
			c.take(8)
		case opGlobalGet:
			c.below("global", known.globals)
		case opRefFunc:
			c.below("function", known.functions)
		case opRefNull:
			c.referenceType()
		case opPrefixVector:
			if c.byte() != 12 { // v128.const
				c.fail("instruction that is not constant")
			}
			c.take(16)
		default:
			c.fail("instruction %#x that is not constant", op)
		}
	}
}

// element reads over an element segment, in its eight forms, and returns how many it has.
// https://webassembly.github.io/spec/core/binary/modules.html#element-section
func element(c *cursor, known indexes) (count int) {
	flags := c.u32()
	if flags > 7 {
		c.fail("element segment of kind %d", flags)
		return 0
	}
	active, explicit, expressions := flags&1 == 0, flags&2 != 0, flags&4 != 0
	if active {
		if explicit {
			c.u32() // table
		}
		constant(c, known)
	}
	if flags&3 != 0 {
		if kind := c.byte(); c.err == nil && (kind != 0 || expressions) && (letterOf(kind) != 'r' || !expressions) {
			c.fail("element kind %#x", kind)
		}
	}
	if expressions {
		count = c.count("elements", 2, maxTable)
		for range count {
			constant(c, known)
		}
		return count
	}
	count = c.count("elements", 1, maxTable)
	for range count {
		c.below("function", known.functions)
	}
	return count
}

// body reads over one function: its locals are counted, its instructions are not read.
func body(c *cursor) {
	start := c.at
	sub := &cursor{part: c.part}
	sub.b = c.take(c.u32())
	sub.at = c.at - len(sub.b)
	var locals uint64
	for range sub.count("groups of locals", 2, maxLocals) {
		locals += uint64(sub.u32())
		if t := sub.byte(); letterOf(t) == 0 {
			sub.fail("local of unknown type %#x", t)
		}
	}
	if locals > maxLocals {
		sub.fail("function at byte %d has %d locals (at most %d)", start, locals, maxLocals)
	}
	if sub.err == nil && len(sub.b) == 0 {
		sub.fail("function at byte %d has no end", start)
	}
	if c.err == nil {
		c.err = sub.err
	}
}

// data reads over a data segment, in its three forms.
func data(c *cursor, known indexes) {
	switch kind := c.u32(); kind {
	case 0:
		constant(c, known)
	case 1:
	case 2:
		c.u32() // memory
		constant(c, known)
	default:
		c.fail("data segment of kind %d", kind)
	}
	c.take(c.u32())
}

// functionNames returns the function names of a name section as a section of its
// own, or nil when it has none or is not well formed: names are a convenience,
// wrong ones no reason to refuse a module.
// https://webassembly.github.io/spec/core/appendix/custom.html#name-section
func functionNames(content []byte) []byte {
	const functions = 1
	c := &cursor{b: content, part: "name section"}
	for len(c.b) > 0 && c.err == nil {
		id := c.byte()
		sub := &cursor{part: c.part}
		sub.b = c.take(c.u32())
		if id != functions || c.err != nil {
			continue
		}
		raw := sub.b
		for range sub.count("names", 2, maxFunctions+maxImports) {
			sub.u32()
			if n := sub.u32(); n > maxName || !utf8.Valid(sub.take(n)) {
				return nil // every trace repeats them
			}
		}
		if sub.end(); sub.err != nil {
			return nil
		}
		return appendSection(nil, functions, raw)
	}
	return nil
}
