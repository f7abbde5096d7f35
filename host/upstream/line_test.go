package upstream

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counting is a connection that counts what is asked of the system.
type counting struct {
	net.Conn
	reads, writes, readDeadlines, writeDeadlines atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.Conn.Read(p)
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func (c *counting) SetReadDeadline(t time.Time) error {
	c.readDeadlines.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c *counting) SetWriteDeadline(t time.Time) error {
	c.writeDeadlines.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

// pipe is a line, and its other end.
func pipe() (*line, *counting, net.Conn) {
	ours, theirs := net.Pipe()
	c := &counting{Conn: ours}
	return newLine(c), c, theirs
}

// Each read may take as long as the idle time, counted from its own beginning, although
// the deadline is seldom moved.
func TestReadsAreBoundedOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, counts, server := pipe()
		defer l.Close()
		began := time.Now()
		l.end, l.idle = began.Add(time.Hour), 10*time.Second
		go func() {
			for range 8 {
				time.Sleep(9 * time.Second)
				_, _ = server.Write([]byte("x"))
			}
		}()
		b := make([]byte, 8)
		for i := range 8 {
			if n, err := l.Read(b); n != 1 || err != nil {
				t.Fatalf("Read %d = %d, %v, want a byte", i, n, err)
			}
		}
		n, err := l.Read(b)
		if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read = %d, %v, want %v", n, err, os.ErrDeadlineExceeded)
		}
		if got, want := time.Since(began), 82*time.Second; got != want {
			t.Errorf("the reads took %s, want %s", got, want)
		}
		if n := counts.readDeadlines.Load(); n > 9 {
			t.Errorf("9 reads of 9 s each set %d deadlines, want one for 10 s", n)
		}
	})
}

// Reads that follow each other closely set no deadline.
func TestDeadlinesAreMovedSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, counts, server := pipe()
		defer l.Close()
		go func() {
			b := make([]byte, 8)
			for {
				n, err := server.Read(b)
				if err != nil {
					return
				}
				time.Sleep(time.Millisecond)
				_, _ = server.Write(b[:n])
			}
		}()
		b := make([]byte, 8)
		for range 1000 {
			l.end, l.idle = time.Now().Add(time.Hour), time.Minute
			if _, err := l.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Read(b); err != nil {
				t.Fatal(err)
			}
		}
		if r, w := counts.readDeadlines.Load(), counts.writeDeadlines.Load(); r != 1 || w != 1 {
			t.Errorf("1,000 exchanges in a second set %d read and %d write deadlines, want 1 and 1", r, w)
		}
	})
}

// An exchange whose bounds are tighter or wider than those of the one before has its own.
func TestBoundsOfTheExchangeBeforeAreForgotten(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before time.Duration
		end    time.Duration
		idle   time.Duration
		want   time.Duration
	}{
		{"tighter", time.Hour, time.Hour, time.Second, time.Second},
		{"wider", time.Second, time.Hour, time.Minute, time.Minute},
		{"ended by the whole", time.Second, 30 * time.Second, time.Minute, 30 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, _, server := pipe()
				defer l.Close()
				l.end, l.idle = time.Now().Add(tt.before), tt.before
				go func() { _, _ = server.Write([]byte("x")) }()
				if _, err := l.Read(make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
				go func() { _, _ = server.Read(make([]byte, 1)) }()
				if _, err := l.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				time.Sleep(tt.before / 2)
				began := time.Now()
				l.end, l.idle = began.Add(tt.end), tt.idle
				if _, err := l.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("Read = %v, want %v", err, os.ErrDeadlineExceeded)
				}
				if got := time.Since(began); got != tt.want {
					t.Errorf("Read took %s, want %s", got, tt.want)
				}
				began = time.Now()
				l.end, l.idle = began.Add(tt.end), tt.idle
				if _, err := l.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("Write = %v, want %v", err, os.ErrDeadlineExceeded)
				}
				if got := time.Since(began); got != tt.want {
					t.Errorf("Write took %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// A long body on a slow line is not a stall; a line on which nothing moves is one, and
// what was taken before is counted.
func TestWritesAreBoundedSliceBySlice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _, server := pipe()
		defer l.Close()
		began := time.Now()
		l.end, l.idle = began.Add(time.Hour), 10*time.Second
		taken := make(chan int, 1)
		go func() {
			total, b := 0, make([]byte, writeSlice)
			for range 3 {
				time.Sleep(9 * time.Second)
				n, _ := io.ReadFull(server, b)
				total += n
			}
			n, _ := server.Read(b[:100])
			taken <- total + n
		}()
		n, err := l.Write(make([]byte, 5*writeSlice))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write = %v, want %v", err, os.ErrDeadlineExceeded)
		}
		if want := <-taken; n != want || l.written != uint64(want) {
			t.Errorf("Write = %d and %d are counted, the other side took %d", n, l.written, want)
		}
		if got, want := time.Since(began), 37*time.Second; got != want {
			t.Errorf("the write took %s, want %s", got, want)
		}
	})
}
