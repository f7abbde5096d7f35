package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// mapped is a file of a fixed size in memory: a record is copied to its place, without a
// system call. Its pages are the operating system's, which keeps them when the process ends.
type mapped struct {
	file  *os.File
	data  []byte
	named bool         // the file's name is on the disk
	next  atomic.Int64 // where the next record goes; beyond data, once one had no room
	last  atomic.Int64 // where the first that had no room would have begun
}

// openMapped makes a file of size bytes, whose space is promised by the file system: that
// the disk is full is an error here, and not a signal when a record is copied.
// Errors: errors.ErrUnsupported where the file system knows no such promise or no mapping.
func openMapped(path string, size int64) (medium, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	m, err := newMapped(f, size)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return m, nil
}

func newMapped(f *os.File, size int64) (medium, error) {
	var err error = unix.EINTR
	for errors.Is(err, unix.EINTR) {
		err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	}
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENODEV):
		return nil, fmt.Errorf("%w: allocate %s: %w", errors.ErrUnsupported, f.Name(), err)
	case err != nil:
		return nil, fmt.Errorf("allocate %d bytes for %s: %w", size, f.Name(), err)
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("%w: map %s: %w", errors.ErrUnsupported, f.Name(), err)
	}
	return &mapped{file: f, data: data}, nil
}

func (m *mapped) write(record []byte) (n int, err error) {
	end := m.next.Add(int64(len(record)))
	start := end - int64(len(record))
	if end > int64(len(m.data)) {
		if start <= int64(len(m.data)) {
			m.last.Store(start)
		}
		return 0, errNoRoom
	}
	// The promise can be broken: by a disk that dies, a file system that copies on write, or
	// somebody who cuts the file. That is an error of this record, and not the end of the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			n, err = len(record), faulted(fault) // its place is taken
		}
	}()
	return copy(m.data[start:end], record), nil
}

// faulted is the error of an access to memory that failed; of anything else it panics again.
func faulted(reason any) error {
	if err, ok := reason.(interface {
		runtime.Error
		Addr() uintptr
	}); ok {
		return fmt.Errorf("write to a mapped file: %w", err)
	}
	panic(reason)
}

// sync brings the pages that changed to the disk, those of the mapping too.
func (m *mapped) sync() error {
	if err := unix.Fdatasync(int(m.file.Fd())); err != nil || m.named {
		return err
	}
	err := syncFolder(filepath.Dir(m.file.Name()))
	m.named = err == nil
	return err
}

func (m *mapped) close() error {
	used := m.next.Load()
	if used > int64(len(m.data)) {
		used = m.last.Load()
	}
	return errors.Join(unix.Munmap(m.data), m.file.Truncate(used), m.file.Close())
}
