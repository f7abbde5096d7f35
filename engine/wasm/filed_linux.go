package wasm

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// remap puts a copy of what stands there, which is a mapping of its own, into a file without a name in dir, and maps
// that in its place. On an error nothing has changed.
func remap(dir string, code []byte) error {
	f, err := os.CreateTemp(dir, ".mapped-")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := os.Remove(f.Name()); err != nil {
		return err
	}
	if _, err := f.Write(code); err != nil {
		return err
	}
	// Once elsewhere: a file system that lets nobody execute is found out while there is something to lose.
	const rights = unix.PROT_READ | unix.PROT_EXEC
	trial, err := unix.Mmap(int(f.Fd()), 0, len(code), rights, unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("map native code: %w", err)
	}
	if err := unix.Munmap(trial); err != nil {
		return fmt.Errorf("map native code: %w", err)
	}
	_, err = unix.MmapPtr(int(f.Fd()), 0, unsafe.Pointer(&code[0]), uintptr(len(code)), rights, unix.MAP_PRIVATE|unix.MAP_FIXED)
	if err != nil {
		return fmt.Errorf("map native code: %w", err)
	}
	return nil
}
