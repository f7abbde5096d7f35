package httpapi

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
)

// scarce is a listener that fails in turn with each of its errors, and then hands out a
// connection.
type scarce struct {
	net.Listener
	errs []error
}

func (s *scarce) Accept() (net.Conn, error) {
	if len(s.errs) == 0 {
		ours, theirs := net.Pipe()
		_ = theirs.Close()
		return ours, nil
	}
	err := s.errs[0]
	s.errs = s.errs[1:]
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
}

// The server outlives a time in which it cannot accept anybody.
func TestAcceptGoesOnWhenFilesAreScarce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		errs []error
		want error
	}{
		{"none fails", nil, nil},
		{"no file to spare, three times", []error{syscall.EMFILE, syscall.EMFILE, syscall.ENFILE}, nil},
		{"no memory", []error{syscall.ENOBUFS, syscall.ENOMEM}, nil},
		{"the caller was gone first", []error{syscall.ECONNABORTED}, nil},
		{"the listener is broken", []error{syscall.EMFILE, syscall.EINVAL}, syscall.EINVAL},
		{"the listener is closed", []error{net.ErrClosed}, net.ErrClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			from := &scarce{errs: test.errs}
			l := &listener{Listener: from, set: &connections{}, log: zerolog.Nop()}
			c, err := l.Accept()
			if !errors.Is(err, test.want) || (c != nil) != (test.want == nil) {
				t.Errorf("Accept() = %v, %v, want error %v", c, err, test.want)
			}
			if len(from.errs) > 0 {
				t.Errorf("Accept() left %v", from.errs)
			}
		})
	}
}
