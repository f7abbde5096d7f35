package wasm

// Opcodes that the meter looks at; the rest is only stepped over.
// https://webassembly.github.io/spec/core/binary/instructions.html
const (
	opUnreachable        = 0x00
	opNop                = 0x01
	opBlock              = 0x02
	opLoop               = 0x03
	opIf                 = 0x04
	opElse               = 0x05
	opEnd                = 0x0b
	opBr                 = 0x0c
	opBrIf               = 0x0d
	opBrTable            = 0x0e
	opReturn             = 0x0f
	opCall               = 0x10
	opCallIndirect       = 0x11
	opDrop               = 0x1a
	opSelect             = 0x1b
	opSelectTyped        = 0x1c
	opLocalGet           = 0x20
	opLocalSet           = 0x21
	opLocalTee           = 0x22
	opGlobalGet          = 0x23
	opGlobalSet          = 0x24
	opTableGet           = 0x25
	opTableSet           = 0x26
	opFirstLoad          = 0x28
	opFirstStore         = 0x36
	opLastStore          = 0x3e
	opMemorySize         = 0x3f
	opMemoryGrow         = 0x40
	opI32Const           = 0x41
	opI64Const           = 0x42
	opF32Const           = 0x43
	opF64Const           = 0x44
	opFirstNumeric       = 0x45
	opI32EqualZero       = 0x45
	opI32LessSigned      = 0x48
	opI32LessUnsigned    = 0x49
	opI32GreaterUnsigned = 0x4b
	opI32Add             = 0x6a
	opI32Sub             = 0x6b
	opI32Multiply        = 0x6c
	opI32ShiftUnsigned   = 0x76
	opLastNumeric        = 0xc4
	opRefNull            = 0xd0
	opRefIsNull          = 0xd1
	opRefFunc            = 0xd2
	opPrefixMisc         = 0xfc
	opPrefixVector       = 0xfd

	noResult = 0x40 // type of a block without one
)

// Instructions behind opPrefixMisc.
const (
	miscMemoryFill = 11
	miscTableGrow  = 15
)

// instruction is one instruction as the meter sees it.
type instruction struct {
	op     byte
	sub    uint32 // behind opPrefixMisc
	label  uint32 // of a branch; of a call the function, of an indirect one its type
	length length
}

// length is what an instruction pays by that only the running guest knows: the operand
// on top of its stack.
type length byte

const (
	lengthBytes length = iota + 1 // or elements of a table
	lengthPages
)

// indexes are the counts that an instruction's indexes must be below: those of
// the module as it was uploaded, so that none can name what the meter adds.
type indexes struct{ types, functions, globals uint32 }

// next reads one instruction of the default feature set of 2.0: no threads, no
// tail calls, no exceptions. What wazero could read as something of another length is
// refused: where the two disagree, code would run that is not metered.
func (c *cursor) next(known indexes) instruction {
	in := instruction{op: c.byte()}
	switch op := in.op; {
	case op == opUnreachable, op == opNop, op == opElse, op == opEnd, op == opReturn, op == opDrop, op == opSelect, op == opRefIsNull,
		op >= opFirstNumeric && op <= opLastNumeric:
	case op == opBlock, op == opLoop, op == opIf:
		c.blockType(known)
	case op == opBr, op == opBrIf:
		in.label = c.u32()
	case op == opBrTable:
		for range c.count("branch targets", 1, maxTargets) {
			c.u32()
		}
		c.u32()
	case op == opCall, op == opRefFunc:
		in.label = c.below("function", known.functions)
	case op == opCallIndirect:
		in.label = c.below("type", known.types)
		c.u32()
	case op == opSelectTyped:
		if n := c.byte(); n != 1 && c.err == nil {
			c.fail("select of %d types", n)
		}
		c.valueType()
	case op >= opLocalGet && op <= opLocalTee, op == opTableGet, op == opTableSet:
		c.u32()
	case op == opGlobalGet, op == opGlobalSet:
		c.below("global", known.globals)
	case op >= opFirstLoad && op <= opLastStore:
		c.memoryArgument()
	case op == opMemoryGrow:
		c.noMemory()
		in.length = lengthPages
	case op == opMemorySize:
		c.noMemory()
	case op == opRefNull:
		c.referenceType()
	case op == opI32Const:
		c.skipLEB(5)
	case op == opI64Const:
		c.skipLEB(10)
	case op == opF32Const:
		c.take(4)
	case op == opF64Const:
		c.take(8)
	case op == opPrefixMisc:
		in.sub, in.length = c.misc()
	case op == opPrefixVector:
		c.vector()
	default:
		c.fail("instruction %#x is not known", op)
	}
	return in
}

func (c *cursor) below(what string, count uint32) uint32 {
	i := c.u32()
	if c.err == nil && i >= count {
		c.fail("%s %d of %d", what, i, count)
	}
	return i
}

// blockType reads what a block takes and leaves: a value type or nothing in one byte, or
// the number of a type.
func (c *cursor) blockType(known indexes) {
	if len(c.b) > 0 && c.b[0]&0xc0 == 0x40 { // a negative number of one byte
		if t := c.byte(); t != noResult && letterOf(t) == 0 {
			c.fail("block type %#x", t)
		}
		return
	}
	first := c.at
	if i := c.below("type", known.types); c.err == nil && c.at-first > len(appendS32(nil, int32(i))) {
		c.fail("block type of %d bytes", c.at-first)
	}
}

func (c *cursor) valueType() byte {
	b := c.byte()
	letter := letterOf(b)
	if c.err == nil && letter == 0 {
		c.fail("unknown value type %#x", b)
	}
	return letter
}

func (c *cursor) referenceType() {
	if t := c.byte(); c.err == nil && letterOf(t) != 'r' {
		c.fail("reference type %#x", t)
	}
}

// noMemory reads the number of a memory, of which there is one.
func (c *cursor) noMemory() {
	if i := c.byte(); i != 0 && c.err == nil {
		c.fail("memory %d", i)
	}
}

// memoryArgument reads an alignment and an offset.
func (c *cursor) memoryArgument() {
	c.u32()
	c.u32()
}

// misc reads the rest of an instruction with prefix 0xfc, and whether it works on a length.
func (c *cursor) misc() (sub uint32, by length) {
	switch sub = c.u32(); sub {
	case 0, 1, 2, 3, 4, 5, 6, 7: // saturating conversions
	case 8, 10, 12, 14: // memory.init and copy, table.init and copy
		c.u32()
		c.u32()
		by = lengthBytes
	case miscMemoryFill, miscTableGrow, 17: // 17: table.fill
		c.u32()
		by = lengthBytes
	case 9, 13, 16: // data.drop, elem.drop, table.size
		c.u32()
	default:
		c.fail("instruction 0xfc %d is not known", sub)
	}
	return sub, by
}

// vector reads the rest of an instruction with prefix 0xfd. Its number is a LEB128 number
// by the specification, for wazero one byte and, from 128 on, an instruction 0x01 (nop)
// behind it; only what is both passes.
func (c *cursor) vector() {
	sub := c.byte()
	if sub >= 0x80 {
		if high := c.byte(); high != 1 && c.err == nil {
			c.fail("vector instruction %#x is not followed by 0x1", sub)
		}
	}
	switch {
	case sub <= 11, sub == 92, sub == 93: // loads and stores
		c.memoryArgument()
	case sub == 12, sub == 13: // v128.const, i8x16.shuffle
		c.take(16)
	case sub >= 21 && sub <= 34: // lanes
		c.byte()
	case sub >= 84 && sub <= 91: // loads and stores of lanes
		c.memoryArgument()
		c.byte()
	}
}
