package spool

import (
	"errors"
	"os"
	"syscall"
)

// medium is where a segment's records go. write may be called by many at once; close not
// while a write or a sync is under way.
type medium interface {
	// write appends one record, which is with the operating system when it returns: the end
	// of the process does not lose it. n is how many bytes of it are in the file.
	// Errors: errNoRoom, after which the file takes no more; what the file system says, and
	// then a part of the record may be there.
	write(record []byte) (n int, err error)
	// sync brings what was written to the disk.
	sync() error
	// close ends the use of the file, which is then as long as what was written. It does not sync.
	close() error
}

// errNoRoom is why a file of a fixed size takes no more.
var errNoRoom = errors.New("the file is full")

// plain appends with one system call a record, which is atomic on a file opened for appending.
type plain struct{ file *os.File }

func openPlain(path string) (medium, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return plain{f}, nil
}

func (p plain) write(record []byte) (int, error) { return p.file.Write(record) }
func (p plain) sync() error                      { return p.file.Sync() }
func (p plain) close() error                     { return p.file.Close() }

// refusing stands for a file that could not be made: nothing is written, and err says why.
type refusing struct{ err error }

func (r refusing) write([]byte) (int, error) { return 0, r.err }
func (r refusing) sync() error               { return nil }
func (r refusing) close() error              { return nil }

// isFull reports whether err says that there is no space, as opposed to anything worse.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
