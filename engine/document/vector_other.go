//go:build !amd64 || purego

package document

// vectors is as if the processor had no such instructions: see vector_amd64.go.
var vectors = false

func scanBlocks(*byte, int, *beginFilter, *blockMasks) { panic("document: no vectors") }
func scanPairs(*byte, int, *needle) int                { panic("document: no vectors") }
func scanSpecial(*byte, int) int                       { panic("document: no vectors") }
