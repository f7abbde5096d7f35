package httpapi

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

// A server that leaves says so to those who choose where requests go, and serves whoever comes
// all the same, each connection for one more request.
func TestLeave(t *testing.T) {
	t.Parallel()
	s, served := own(t, &fake{}, nil)
	kept := s.dial()
	in := bufio.NewReader(kept)
	ask := func(conn net.Conn, in *bufio.Reader) reply {
		t.Helper()
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got := readReplies(t, in, 1)
		if len(got) != 1 {
			t.Fatalf("GET /healthz got %d answers, want 1", len(got))
		}
		return got[0]
	}
	if r := ask(kept, in); r.status != 200 || r.header.Get("Connection") == "close" {
		t.Errorf("GET /healthz = %d with Connection %q, want the connection kept", r.status, r.header.Get("Connection"))
	}
	s.Leave()
	for name, c := range map[string]struct {
		conn net.Conn
		in   *bufio.Reader
	}{"kept": {kept, in}, "new": {}} {
		if c.conn == nil {
			c.conn = s.dial()
			c.in = bufio.NewReader(c.conn)
		}
		if r := ask(c.conn, c.in); r.status != 200 || !strings.EqualFold(r.header.Get("Connection"), "close") {
			t.Errorf("GET /healthz on a %s connection of a server that leaves = %d with Connection %q, want 200 and close", name, r.status, r.header.Get("Connection"))
		}
		if _, err := c.in.ReadByte(); err != io.EOF {
			t.Errorf("a %s connection goes on after its answer: %v, want it closed", name, err)
		}
	}
	if r := s.do("GET", "/readyz", "", ""); r.status != 503 {
		t.Errorf("GET /readyz of a server that leaves = %d, want 503", r.status)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown() = %v, want nil", err)
	}
	<-served
}
