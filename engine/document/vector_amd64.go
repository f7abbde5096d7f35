//go:build !purego

package document

import "golang.org/x/sys/cpu"

// vectors tells whether the processor has the instructions of vector_amd64.s. Every function
// there does what Go code here does as well, which other processors and tests run.
var vectors = cpu.X86.HasAVX2 && cpu.X86.HasBMI1

// scanBlocks looks at text in blocks of 64 bytes, until one has a place where a phrase may
// begin or a character that is not ASCII, or fewer than 64 of n bytes are left. m is of the
// last block that it looked at. text has n+2 bytes, n is at least 64.
//
//go:noescape
func scanBlocks(text *byte, n int, f *beginFilter, m *blockMasks)

// scanPairs returns where the first byte of the needle is in the first n bytes of text,
// rounded down to a multiple of 32: that multiple when it is nowhere. text has n bytes and
// the needle's gap more, n is at least 32.
//
//go:noescape
func scanPairs(text *byte, n int, p *needle) int

// scanSpecial returns where the first quote, backslash, control character or character that is
// not ASCII is in n bytes, rounded down to a multiple of 32: that multiple when it is nowhere.
// n is at least 32.
//
//go:noescape
func scanSpecial(text *byte, n int) int
