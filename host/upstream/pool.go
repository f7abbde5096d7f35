package upstream

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// poolKey is what connections must have in common to be exchanged for each
// other. The account and the provider are in it although the credential travels
// with each request: connections of one tenant's provider serve no other.
type poolKey struct {
	account, provider, address string
	tls, private               bool
}

// pool keeps unused connections, in parts with a lock each, so that no lock is every
// request's. Safe for concurrent use.
type pool struct {
	keep  time.Duration
	max   int // per key; all keys together have eight times that
	count atomic.Int64
	parts [16]poolPart
}

// poolPart has the connections of some keys.
type poolPart struct {
	mu     sync.Mutex
	idle   map[poolKey][]*conn // oldest first
	timer  *time.Timer         // runs while any is idle
	closed bool
}

func newPool(keep time.Duration, max int) *pool {
	p := &pool{keep: keep, max: max}
	for i := range p.parts {
		p.parts[i].idle = make(map[poolKey][]*conn)
	}
	return p
}

var poolSeed = maphash.MakeSeed()

func (p *pool) part(key poolKey) *poolPart {
	h := maphash.String(poolSeed, key.provider) ^ maphash.String(poolSeed, key.account)
	return &p.parts[h%uint64(len(p.parts))]
}

// take returns the youngest unused connection that still lives, or nil.
func (p *pool) take(key poolKey, now time.Time) *conn {
	part := p.part(key)
	for {
		c := part.pop(key)
		if c == nil {
			return nil
		}
		p.count.Add(-1)
		if now.Sub(c.parked) < p.keep && alive(c) {
			return c
		}
		c.kill()
	}
}

func (s *poolPart) pop(key poolKey) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.idle[key]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	s.idle[key] = list[:len(list)-1]
	return c
}

// put keeps the connection, or closes it when there are enough. In a full pool it takes
// the place of the oldest of the provider that has the most, so that no tenant takes the
// room of others.
func (p *pool) put(key poolKey, c *conn) {
	if !c.park(time.Now()) {
		c.kill()
		return
	}
	part := p.part(key)
	if p.count.Add(1) > int64(8*p.max) && !p.makeRoom(part.len(key)) || !p.push(part, key, c) {
		p.count.Add(-1)
		c.kill()
	}
}

// makeRoom closes a connection of another provider, for one that has n of its own.
func (p *pool) makeRoom(n int) bool { return n < p.max && p.shed(n) }

func (s *poolPart) len(key poolKey) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.idle[key])
}

// push reports whether there was room.
func (p *pool) push(s *poolPart, key poolKey, c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.idle[key]
	if s.closed || len(list) >= p.max {
		return false
	}
	s.idle[key] = append(list, c)
	if s.timer == nil {
		s.timer = time.AfterFunc(p.keep, func() { p.prune(s) })
	}
	return true
}

// shed closes the oldest connection of the provider that has the most, if that is more
// than so many.
func (p *pool) shed(than int) bool {
	var from *poolPart
	var most poolKey
	for i := range p.parts {
		if key, n := p.parts[i].most(); n > than {
			from, most, than = &p.parts[i], key, n
		}
	}
	if from == nil {
		return false
	}
	c := from.shift(most)
	if c == nil {
		return false // taken meanwhile
	}
	p.count.Add(-1)
	c.kill()
	return true
}

// most returns the key that has the most connections, and how many.
func (s *poolPart) most() (most poolKey, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, list := range s.idle {
		if len(list) > n {
			most, n = key, len(list)
		}
	}
	return most, n
}

// shift takes out the oldest connection of the key; nil when there is none.
func (s *poolPart) shift(key poolKey) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.idle[key]
	if len(list) == 0 {
		return nil
	}
	c := list[0]
	s.idle[key] = slices.Delete(list, 0, 1)
	return c
}

// prune closes what has been unused for too long.
func (p *pool) prune(s *poolPart) {
	for _, c := range p.expired(s, time.Now()) {
		p.count.Add(-1)
		c.kill()
	}
}

func (p *pool) expired(s *poolPart, now time.Time) []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var old []*conn
	for key, list := range s.idle {
		n := 0
		for n < len(list) && now.Sub(list[n].parked) >= p.keep {
			n++
		}
		old = append(old, list[:n]...)
		if n == len(list) {
			delete(s.idle, key)
		} else {
			s.idle[key] = slices.Delete(list, 0, n)
		}
	}
	s.timer = nil
	if len(s.idle) > 0 && !s.closed {
		// The next look is at most half a period late.
		s.timer = time.AfterFunc(p.keep/2, func() { p.prune(s) })
	}
	return old
}

// close closes every unused connection; later ones are not kept.
func (p *pool) close() {
	for i := range p.parts {
		for _, list := range p.parts[i].end() {
			for _, c := range list {
				p.count.Add(-1)
				c.kill()
			}
		}
	}
}

func (s *poolPart) end() map[poolKey][]*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	idle := s.idle
	s.idle = nil
	return idle
}
