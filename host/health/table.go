package health

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// route is what one target consists of: the subjects whose health it shares. It is found
// without a lock, and holds the passes of its attempts.
type route struct {
	service  *Service
	key      engine.HealthTarget
	hash     uint64
	next     atomic.Pointer[route]
	subjects [placeCount]*subject // nil where the target names none

	okAt  atomic.Int64 // the second of the last good answer
	fails atomic.Int32 // in a row
}

// table is all routes. They are read while they are changed: a reader that a change leads
// astray finds nothing, and looks again under the lock.
type table struct {
	slots atomic.Pointer[[]atomic.Pointer[route]] // a power of two of them

	mu       sync.Mutex
	n        int
	subjects int
	accounts map[string]int // subjects of each account, but for the global ones
	sweepAt  time.Time      // not before, for want of room
}

func (s *Service) hash(t *engine.HealthTarget) uint64 {
	h := maphash.String(s.seed, t.ProviderID)
	if t.AccountID != "" {
		h = mix(h, maphash.String(s.seed, t.AccountID))
	}
	if t.UpstreamID != "" {
		h = mix(h+1, maphash.String(s.seed, t.UpstreamID))
	}
	if t.Credential != "" {
		h = mix(h+2, maphash.String(s.seed, t.Credential)+uint64(t.Version))
	}
	return h
}

// mix adds x to a hash. The seed of x is secret, so nobody can aim for one slot.
func mix(h, x uint64) uint64 {
	h = (h ^ x) * 0x9E3779B97F4A7C15
	return h ^ h>>32
}

// find returns the route of a target, nil when there is none.
func (t *table) find(hash uint64, key *engine.HealthTarget) *route {
	slots := *t.slots.Load()
	for r := slots[hash&uint64(len(slots)-1)].Load(); r != nil; r = r.next.Load() {
		if r.hash == hash && r.key == *key {
			return r
		}
	}
	return nil
}

// all yields every route, also ones that are forgotten meanwhile. Under mu it is exact.
func (t *table) all(yield func(*route) bool) {
	slots := *t.slots.Load()
	for i := range slots {
		for r := slots[i].Load(); r != nil; r = r.next.Load() {
			if !yield(r) {
				return
			}
		}
	}
}

// put makes the table hold the route. Under mu.
func (t *table) put(r *route) {
	slots := *t.slots.Load()
	if t.n >= len(slots) {
		grown := make([]atomic.Pointer[route], 2*len(slots))
		for i := range slots {
			for old := slots[i].Load(); old != nil; {
				next := old.next.Load()
				slot := &grown[old.hash&uint64(len(grown)-1)]
				old.next.Store(slot.Load())
				slot.Store(old)
				old = next
			}
		}
		t.slots.Store(&grown)
		slots = grown
	}
	slot := &slots[r.hash&uint64(len(slots)-1)]
	r.next.Store(slot.Load())
	slot.Store(r)
	t.n++
}

// remove makes the table hold it no longer. Under mu.
func (t *table) remove(r *route) {
	slots := *t.slots.Load()
	for at := &slots[r.hash&uint64(len(slots)-1)]; ; {
		switch q := at.Load(); q {
		case nil:
			return
		case r:
			at.Store(r.next.Load())
			t.n--
			return
		default:
			at = &q.next
		}
	}
}

// route returns that of a target. It makes one, for which there may be no room: then it is nil.
func (s *Service) route(t *engine.HealthTarget) *route {
	hash := s.hash(t)
	if r := s.table.find(hash, t); r != nil {
		return r
	}
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	return s.make(t, s.room)
}

// nearest returns the route of a target, or where there is no room for it that of its model, or
// of its provider; nil when these are not known either.
func (s *Service) nearest(t *engine.HealthTarget) *route {
	if r := s.route(t); r != nil {
		return r
	}
	key := *t
	for key.Credential, key.Version = "", 0; ; key.UpstreamID = "" {
		if r := s.table.find(s.hash(&key), &key); r != nil || key.UpstreamID == "" {
			return r
		}
	}
}

// subject returns what has that state; nil when there is no room for it.
func (s *Service) subject(id engine.HealthSubject) *subject {
	if id.Credential != "" {
		id.UpstreamID = ""
	}
	t := engine.HealthTarget(id)
	r := s.route(&t)
	if r == nil {
		return nil
	}
	return r.own()
}

// switched returns what has that state. What an administrator decides has room always.
func (s *Service) switched(id engine.HealthSubject) *subject {
	if of := s.subject(id); of != nil {
		return of
	}
	if id.Credential != "" {
		id.UpstreamID = ""
	}
	t := engine.HealthTarget(id)
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	return s.make(&t, func(string) bool { return true }).own()
}

// known returns what has that state, if anything is known of it.
func (s *Service) known(id engine.HealthSubject) *subject {
	t := engine.HealthTarget(id)
	if r := s.table.find(s.hash(&t), &t); r != nil {
		return r.own()
	}
	return nil
}

// own is the subject that has the route's very name; nil for a model with a credential.
func (r *route) own() *subject {
	switch {
	case r.key.UpstreamID != "" && r.key.Credential != "":
		return nil
	case r.key.Credential != "":
		return r.subjects[atCredential]
	case r.key.UpstreamID != "":
		return r.subjects[atModel]
	}
	return r.subjects[atProvider]
}

// make finds or makes a route and what it stands on; nil where room has none for the account.
// Under table.mu.
func (s *Service) make(t *engine.HealthTarget, room func(account string) bool) *route {
	hash := s.hash(t)
	if r := s.table.find(hash, t); r != nil {
		return r
	}
	if !room(t.AccountID) {
		return nil
	}
	r := &route{service: s, hash: hash, key: engine.HealthTarget{
		AccountID: strings.Clone(t.AccountID), ProviderID: strings.Clone(t.ProviderID),
		UpstreamID: strings.Clone(t.UpstreamID), Credential: strings.Clone(t.Credential), Version: t.Version,
	}}
	key, own := r.key, true
	part := func(place int, upstream, credential string, version int64) bool {
		k := engine.HealthTarget{AccountID: key.AccountID, ProviderID: key.ProviderID, UpstreamID: upstream, Credential: credential, Version: version}
		if k == key {
			r.subjects[place] = s.newSubject(engine.HealthSubject(k))
			return true
		}
		own = own && upstream == "" && credential == ""
		of := s.make(&k, room)
		if of == nil {
			return false
		}
		r.subjects[place] = of.subjects[place]
		return true
	}
	if !part(atProvider, "", "", 0) ||
		key.UpstreamID != "" && !part(atModel, key.UpstreamID, "", 0) ||
		key.Credential != "" && !part(atCredential, "", key.Credential, key.Version) {
		return nil
	}
	if own {
		s.table.subjects++
		if key.AccountID != "" {
			s.table.accounts[key.AccountID]++
		}
	}
	provider, model := r.subjects[atProvider], r.subjects[atModel]
	switch {
	case own && model != nil:
		provider.mu.Lock()
		provider.models = append(provider.models, model)
		provider.mu.Unlock()
	case !own:
		model.mu.Lock()
		model.routes = append(model.routes, r)
		model.mu.Unlock()
	}
	s.table.put(r)
	return r
}

// room reports whether one more of the account may be known. Under table.mu.
func (s *Service) room(account string) bool {
	full := func() bool {
		return s.table.subjects >= s.cfg.MaxSubjects || s.table.n >= routesEach*s.cfg.MaxSubjects ||
			account != "" && s.table.accounts[account] >= s.cfg.MaxPerAccount
	}
	if !full() {
		return true
	}
	now := s.now()
	if now.Before(s.table.sweepAt) {
		return false
	}
	s.table.sweepAt = now.Add(sweepPause)
	s.sweep(now.Add(-idleWhenFull).Unix())
	return !full()
}

const (
	routesEach   = 4           // routes for each subject, at most
	sweepPause   = time.Minute // between two sweeps for want of room
	idleWhenFull = time.Hour   // what was not asked for so long makes room
	idleEver     = 25 * time.Hour
)

// sweep forgets what was not heard of since that second, unless it is switched off. Under
// table.mu.
func (s *Service) sweep(since int64) {
	var drop []*route
	kept := map[*subject]bool{}
	s.table.all(func(r *route) bool {
		if own := r.own(); own != nil && own.kept(since) {
			kept[own], kept[r.subjects[atProvider]] = true, true
		}
		return true
	})
	s.table.all(func(r *route) bool {
		for _, of := range r.subjects {
			if of != nil && !kept[of] {
				drop = append(drop, r)
				break
			}
		}
		return true
	})
	for _, r := range drop {
		s.table.remove(r)
		own := r.own()
		if own == nil {
			model := r.subjects[atModel]
			model.mu.Lock()
			model.routes = slices.DeleteFunc(model.routes, func(q *route) bool { return q == r })
			model.mu.Unlock()
			continue
		}
		if own.kind == engine.HealthOfModel {
			provider := r.subjects[atProvider]
			provider.mu.Lock()
			provider.models = slices.DeleteFunc(provider.models, func(m *subject) bool { return m == own })
			provider.mu.Unlock()
		}
		s.table.subjects--
		if account := r.key.AccountID; account != "" {
			if s.table.accounts[account]--; s.table.accounts[account] <= 0 {
				delete(s.table.accounts, account)
			}
		}
	}
}

func (s *subject) kept(since int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sw != engine.HealthOn || s.seen.Load() > since || s.lastCheck/1e9 > since || s.changed/1e9 > since
}
