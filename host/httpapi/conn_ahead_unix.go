//go:build unix

package httpapi

import (
	"errors"
	"syscall"
)

const canReadNow = true

// readNow reads what there is; later says that there is nothing yet.
func readNow(fd uintptr, p []byte) (n int, later bool, err error) {
	for {
		n, err = syscall.Read(int(fd), p)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return 0, true, nil
		default:
			return n, false, err
		}
	}
}
