//go:build unix

package wasm

import "golang.org/x/sys/unix"

// reserve takes address space without memory behind it: pages that may not be
// touched are not accounted for, until commit.
func reserve(size uint64) ([]byte, error) {
	if size == 0 {
		return []byte{}, nil
	}
	return unix.Mmap(-1, 0, int(size), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

// commit makes the first size bytes readable and writable.
func commit(b []byte, size int) error {
	return unix.Mprotect(b[:size], unix.PROT_READ|unix.PROT_WRITE)
}

func release(b []byte) {
	if len(b) > 0 {
		// It fails only for a slice that Mmap did not return.
		_ = unix.Munmap(b)
	}
}
