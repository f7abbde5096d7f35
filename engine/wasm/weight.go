package wasm

// Caps on what makes compiling slow. Its time grows with the square of a function's
// size in blocks and branches, about a second for one of 2,000 (4,000: 4 s, 8,000: 25 s).
// A standard-Go guest of 3 MiB nests 550 deep, has at most 799 blocks and 194 conditional
// branches in a function, squares of both that add up to 8 million, and 71,734 branch targets.
const (
	maxNesting = 2_000
	maxBlocks  = 2_000 // of one function, with its conditional branches and tables
	maxLoops   = 256   // of one function
	maxTargets = 256 << 10
	maxWeight  = 24 << 20
)

// weight is what compiling a module will cost, as far as it can be told beforehand.
type weight struct {
	sum     int // of each function, the square of its blocks and branches
	targets int
}

// functionShape counts what a function consists of.
type functionShape struct{ blocks, loops int }

// add counts what begins a basic block; false when there are too many.
func (f *functionShape) add(c *cursor, op byte) bool {
	f.blocks++
	if op == opLoop {
		f.loops++
	}
	switch {
	case f.blocks > maxBlocks:
		c.fail("more than %d blocks and branches", maxBlocks)
	case f.loops > maxLoops:
		c.fail("more than %d loops", maxLoops)
	}
	return c.err == nil
}

// add counts a function.
func (w *weight) add(c *cursor, f functionShape) {
	w.sum += f.blocks * f.blocks
	if w.sum > maxWeight && c.err == nil {
		c.fail("the functions so far have too many blocks each (squares add up to %d, at most %d)", w.sum, maxWeight)
	}
}

// frameShape is what decides how much stack a call of a function may take. wazero gives
// every value that outlives a call or a shortage of registers a slot of its own, used or
// not, and doubles the stack up to 400 MB: few levels of a wide function would do.
type frameShape struct{ locals, values int }

// add counts the values that an instruction makes and that cannot be made anew.
func (f *frameShape) add(s *structure, in instruction) {
	switch op := in.op; {
	case op == opCall:
		f.values += len(s.types[s.functions[in.label]].results)
	case op == opCallIndirect:
		f.values += len(s.types[in.label].results)
	case op == opPrefixVector:
		f.values += 2
	case op >= opFirstLoad && op < opFirstStore, op >= opFirstNumeric && op <= opLastNumeric, op == opGlobalGet, op == opTableGet,
		op == opMemorySize, op == opMemoryGrow, op == opSelect, op == opSelectTyped, op == opRefFunc, op == opPrefixMisc:
		f.values++
	}
}

// bytes is how large a frame may be at most: besides the values, where ways through the
// function meet, what the locals may be there; of that a quarter, as compilers set few in each.
func (f *frameShape) bytes(blocks int) int {
	return 8 * (f.locals + f.values + f.locals*blocks/4)
}
