package storetest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Proxy stands between a gateway and its Postgres and plays what goes wrong on the way: a
// server that is slow, silent or gone, and connections that are cut. Faults hold for the
// connections that match them, and can change at any moment. Safe for concurrent use.
//
// A match is a text that the connection's client has sent in its first 4 KiB, such as "listen
// pointsman_revision" or the name in application_name; "" matches all.
type Proxy struct {
	listener       net.Listener
	network, place string // of the server
	group          sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{} // closed, and replaced, when a fault begins or ends
	refusing bool
	frozen   []string
	delay    time.Duration
	silenced []byte // types of the server's messages that do not arrive
	links    map[*link]struct{}
	accepted []time.Time // without cancels
	cancels  int
	asked    int
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	begin          []byte        // what the client sent first; under Proxy.mu
	ended          chan struct{} // closed by end
	once           sync.Once
}

// beginning is how much of what a client sends is looked at.
const beginning = 4 << 10

// NewProxy returns a proxy before the server of a postgres:// URL, and the URL that leads through
// it. The end of the test ends both.
func NewProxy(t testing.TB, database string) (*Proxy, string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{changed: make(chan struct{}), links: map[*link]struct{}{}}
	p.network, p.place = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.group.Go(p.accept)
	t.Cleanup(func() {
		_ = p.listener.Close()
		p.Refuse(true)
		p.Thaw()
		p.group.Wait()
	})
	q := u.Query()
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable") // what passes is looked at
	u.Host, u.RawQuery = p.listener.Addr().String(), q.Encode()
	return p, u.String()
}

// Accepted returns when connections came, in order: also those that were refused, and not those
// that came to cancel a statement.
func (p *Proxy) Accepted() (sessions []time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.accepted)
}

// Cancels returns how many connections came to cancel a statement.
func (p *Proxy) Cancels() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cancels
}

// Asked returns how often clients sent something: at least once for each round trip.
func (p *Proxy) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// Open returns how many connections that match there are now.
func (p *Proxy) Open(match string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.matches(match) {
			n++
		}
	}
	return n
}

// Refuse ends all connections, and each new one at once, until it is called with false.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	p.refusing = refuse
	p.mu.Unlock()
	if refuse {
		p.Cut("")
	}
}

// Cut resets the connections that match: what a killed server's end looks like. New ones work.
func (p *Proxy) Cut(match string) {
	for _, l := range p.matching(match) {
		l.end()
	}
}

// HalfClose sends the end of the stream to the clients that match, and goes on to read what they send.
func (p *Proxy) HalfClose(match string) {
	for _, l := range p.matching(match) {
		_ = l.client.(*net.TCPConn).CloseWrite()
	}
}

// Freeze holds back, both ways, what connections that match send, also new ones: a server that
// was stopped, or a network that drops everything.
func (p *Proxy) Freeze(match string) {
	p.set(func() { p.frozen = append(p.frozen, match) })
}

// Thaw ends every Freeze: what was held back arrives.
func (p *Proxy) Thaw() { p.set(func() { p.frozen = nil }) }

// Delay makes whatever the server sends arrive that much later; 0 ends it.
func (p *Proxy) Delay(d time.Duration) { p.set(func() { p.delay = d }) }

// Silence drops the server's messages of these types (the protocol's letters: "A" is a notification);
// "" ends it.
func (p *Proxy) Silence(types string) { p.set(func() { p.silenced = []byte(types) }) }

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) matching(match string) (list []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.matches(match) {
			list = append(list, l)
		}
	}
	return list
}

func (l *link) matches(match string) bool { return bytes.Contains(l.begin, []byte(match)) }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.group.Go(func() { p.serve(client) })
	}
}

// A connection begins with its length and a code, which tells what is no session.
const (
	headLength    = 8
	cancelRequest = 80877102
)

func (p *Proxy) serve(client net.Conn) {
	l := &link{client: client, ended: make(chan struct{})}
	defer l.end()
	if p.refused() {
		return
	}
	l.begin = make([]byte, headLength, beginning)
	_ = client.SetReadDeadline(time.Now().Add(30 * time.Second)) // one that says nothing ends too
	if _, err := io.ReadFull(client, l.begin); err != nil {
		return
	}
	_ = client.SetReadDeadline(time.Time{})
	server, err := net.Dial(p.network, p.place)
	l.server = server
	if !p.keep(l) || err != nil {
		return
	}
	defer p.forget(l)
	p.group.Go(func() {
		defer l.end()
		p.answer(l)
	})
	p.ask(l)
}

// refused counts a connection that is not let in.
func (p *Proxy) refused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusing {
		p.accepted = append(p.accepted, time.Now())
	}
	return p.refusing
}

// keep counts a connection and remembers it; false: it has no server, or is refused meanwhile.
func (p *Proxy) keep(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if binary.BigEndian.Uint32(l.begin[4:]) == cancelRequest {
		p.cancels++
	} else {
		p.accepted = append(p.accepted, time.Now())
	}
	if l.server == nil || p.refusing {
		return false
	}
	p.links[l] = struct{}{}
	return true
}

func (p *Proxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// end resets both ends.
func (l *link) end() {
	l.once.Do(func() {
		close(l.ended)
		for _, c := range []net.Conn{l.client, l.server} {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			if c != nil {
				_ = c.Close()
			}
		}
	})
}

// ask passes on what the client sends.
func (p *Proxy) ask(l *link) {
	chunk := append([]byte(nil), l.begin...)
	buffer := make([]byte, 32<<10)
	for {
		if !p.hold(l) {
			return
		}
		if _, err := l.server.Write(chunk); err != nil {
			return
		}
		n, err := l.client.Read(buffer)
		if err != nil {
			return
		}
		chunk = buffer[:n]
		p.mu.Lock()
		l.begin = append(l.begin, chunk[:min(n, beginning-len(l.begin))]...)
		p.asked++
		p.mu.Unlock()
	}
}

// answer passes on what the server sends, message by message.
func (p *Proxy) answer(l *link) {
	from := bufio.NewReaderSize(l.server, 32<<10)
	for {
		burst := from.Buffered() == 0
		head, err := from.Peek(5)
		if err != nil {
			return
		}
		// What comes at once is late once.
		if burst && !p.late(l) || !p.hold(l) {
			return
		}
		to := io.Writer(l.client)
		if p.drops(head[0]) {
			to = io.Discard
		}
		if _, err := io.CopyN(to, from, 1+int64(binary.BigEndian.Uint32(head[1:]))); err != nil {
			return
		}
	}
}

// hold waits while the connection is frozen; false: it has ended.
func (p *Proxy) hold(l *link) bool {
	for {
		p.mu.Lock()
		frozen, changed := slices.ContainsFunc(p.frozen, l.matches), p.changed
		p.mu.Unlock()
		if !frozen {
			return true
		}
		select {
		case <-changed:
		case <-l.ended:
			return false
		}
	}
}

// late waits for as long as answers take; false: the connection has ended.
func (p *Proxy) late(l *link) bool {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	if delay == 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.ended:
		return false
	}
}

func (p *Proxy) drops(kind byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.IndexByte(p.silenced, kind) >= 0
}
