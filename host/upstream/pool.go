package upstream

import (
	"slices"
	"sync"
	"time"
)

// poolKey is what connections must have in common to be exchanged for each
// other. The account and the provider are in it although the credential travels
// with each request: connections of one tenant's provider serve no other.
type poolKey struct {
	account, provider, address string
	tls, private               bool
}

// pool keeps unused connections. Safe for concurrent use.
type pool struct {
	keep time.Duration
	max  int // per key; all keys together have eight times that

	mu     sync.Mutex
	idle   map[poolKey][]*conn // oldest first
	count  int
	timer  *time.Timer // runs while any is idle
	closed bool
}

func newPool(keep time.Duration, max int) *pool {
	return &pool{keep: keep, max: max, idle: make(map[poolKey][]*conn)}
}

// take returns the youngest unused connection that still lives, or nil.
func (p *pool) take(key poolKey) *conn {
	for {
		c := p.pop(key)
		if c == nil || time.Since(c.parked) < p.keep && alive(c) {
			return c
		}
		c.kill()
	}
}

func (p *pool) pop(key poolKey) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[key]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	p.idle[key] = list[:len(list)-1]
	p.count--
	return c
}

// put keeps the connection, or closes it when there are enough.
func (p *pool) put(key poolKey, c *conn) {
	if !c.park(time.Now()) {
		c.kill()
		return
	}
	if spare := p.push(key, c); spare != nil {
		spare.kill()
	}
}

// push returns the connection that there is no room for: that one, or in a full pool the
// oldest of the provider that has the most, so that no tenant takes the room of others.
func (p *pool) push(key poolKey, c *conn) (spare *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle[key]) >= p.max {
		return c
	}
	if p.count >= 8*p.max {
		if spare = p.shed(len(p.idle[key])); spare == nil {
			return c
		}
	}
	p.idle[key] = append(p.idle[key], c)
	p.count++
	if p.timer == nil {
		p.timer = time.AfterFunc(p.keep, p.prune)
	}
	return spare
}

// shed takes out the oldest connection of the provider that has the most, if that is more
// than so many. p.mu is held.
func (p *pool) shed(than int) *conn {
	var most poolKey
	for key, list := range p.idle {
		if len(list) > max(than, len(p.idle[most])) {
			most = key
		}
	}
	list := p.idle[most]
	if len(list) == 0 {
		return nil
	}
	c := list[0]
	p.idle[most] = slices.Delete(list, 0, 1)
	p.count--
	return c
}

// prune closes what has been unused for too long.
func (p *pool) prune() {
	for _, c := range p.expired(time.Now()) {
		c.kill()
	}
}

func (p *pool) expired(now time.Time) []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	var old []*conn
	for key, list := range p.idle {
		n := 0
		for n < len(list) && now.Sub(list[n].parked) >= p.keep {
			n++
		}
		old = append(old, list[:n]...)
		if n == len(list) {
			delete(p.idle, key)
		} else {
			p.idle[key] = slices.Delete(list, 0, n)
		}
	}
	p.count -= len(old)
	p.timer = nil
	if p.count > 0 && !p.closed {
		// The next look is at most half a period late.
		p.timer = time.AfterFunc(p.keep/2, p.prune)
	}
	return old
}

// close closes every unused connection; later ones are not kept.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	idle := p.idle
	p.idle, p.count = nil, 0
	p.mu.Unlock()
	for _, list := range idle {
		for _, c := range list {
			c.kill()
		}
	}
}
