package upstream

import (
	"net"
	"strconv"
	"testing"
	"time"
)

// A tenant with many providers, each with as many unused connections as one may have,
// leaves room for the others' in a full pool.
func TestPoolHasRoomForEverybody(t *testing.T) {
	t.Parallel()
	const each = 4
	p := newPool(time.Hour, each)
	defer p.close()
	put := func(account, provider string) *conn {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = theirs.Close() })
		c := newConn(newLine(ours), nil)
		p.put(poolKey{account: account, provider: provider}, c)
		return c
	}
	var theirs []*conn
	for i := range 8 * each {
		theirs = append(theirs, put("acme", strconv.Itoa(i/each)))
	}
	for i := range 2 * each {
		c := put("", "openai")
		if kept := !c.dead.Load(); kept != (i < each) {
			t.Errorf("connection %d of the operator's is kept: %v, want the first %d", i, kept, each)
		}
	}
	if p.count.Load() != 8*each {
		t.Errorf("%d connections are kept, want %d", p.count.Load(), 8*each)
	}
	closed := 0
	for _, c := range theirs {
		if c.dead.Load() {
			closed++
		}
	}
	if closed != each {
		t.Errorf("%d of the tenant's connections were closed, want %d", closed, each)
	}
}
