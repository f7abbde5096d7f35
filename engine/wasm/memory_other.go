//go:build !unix

package wasm

// reserve takes memory from the Go heap. The system gives pages when they are
// first touched, so that much is bounded by use; the collector counts all of it.
func reserve(size uint64) ([]byte, error) { return make([]byte, size), nil }

func commit([]byte, int) error { return nil }

func release([]byte) {}
