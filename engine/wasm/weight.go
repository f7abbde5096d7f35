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
