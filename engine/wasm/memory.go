package wasm

import (
	"fmt"

	"github.com/tetratelabs/wazero/experimental"
)

// memory is the linear memory of one instance. The address space for all it may
// ever have is reserved at once, so that growing moves and copies nothing.
// Only the goroutine that runs the instance touches it.
type memory struct {
	reserved []byte // nil after Free
	view     []byte // what the guest has: the front of reserved
}

var _ experimental.LinearMemory = (*memory)(nil)

// newMemory reserves limit bytes. Errors: the operating system has no room left.
func newMemory(limit uint64) (*memory, error) {
	reserved, err := reserve(limit)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of guest memory: %w", limit, err)
	}
	return &memory{reserved: reserved}, nil
}

// Reallocate makes size bytes usable, zeroed where they are new. It returns nil,
// which the guest sees as a memory.grow of -1, when that is more than was
// reserved or the system has none left.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.reserved)) {
		return nil
	}
	if size > uint64(len(m.view)) {
		if err := commit(m.reserved, int(size)); err != nil {
			return nil
		}
		m.view = m.reserved[:size:size]
	}
	return m.view
}

// Free gives the memory back. No guest may run in it any more.
func (m *memory) Free() {
	if m.reserved != nil {
		release(m.reserved)
		m.reserved, m.view = nil, nil
	}
}
