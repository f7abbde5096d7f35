package wasm

// Caps on what makes compiling slow. Its time grows with the square of a function's
// size in blocks, about a second for one of 2,000. A standard-Go guest of 3 MiB nests 550
// deep, has at most 799 blocks in a function and 71,734 branch targets in all.
const (
	maxNesting = 2_000
	maxBlocks  = 2_000 // of one function
	maxLoops   = 256   // of one function
	maxTargets = 256 << 10
	maxWeight  = 16 << 20
)

// weight is what compiling a module will cost, as far as it can be told beforehand.
type weight struct {
	sum     int // of each function, the square of its blocks
	targets int
}

// functionShape counts what a function consists of.
type functionShape struct{ blocks, loops int }

// add counts a construct; false when there are too many.
func (f *functionShape) add(c *cursor, op byte) bool {
	f.blocks++
	if op == opLoop {
		f.loops++
	}
	switch {
	case f.blocks > maxBlocks:
		c.fail("more than %d blocks", maxBlocks)
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
