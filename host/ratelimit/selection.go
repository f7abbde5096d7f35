package ratelimit

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/pointsman/pointsman/engine"
)

// selection is the buckets that count the requests of one caller to one target, so that its
// next request need not look for each. It holds while its table is in force and none of its
// buckets is forgotten. Immutable.
type selection struct {
	table  *table
	part   engine.LimitPart
	values [valueCount]string // as subject.values; copies
	picks  []pick             // in the order in which they are locked
}

type pick struct {
	spec   *spec
	bucket *bucket
}

// selections are those of callers that come often. They may be lost at any time.
type selections struct {
	slots []slot // in pairs: one caller's is in either of two
}

type slot struct {
	selection atomic.Pointer[selection]
	missed    atomic.Uint64 // the caller that was last looked for in vain
}

// selectionSlots bounds what is kept at a few MiB.
const selectionSlots = 1 << 14

// spotOf is a hash of what tells callers and targets apart; the rest follows from it nearly
// always: a key is one user's of one account.
func spotOf(seed maphash.Seed, q *engine.LimitRequest) uint64 {
	h := maphash.String(seed, q.KeyID) + uint64(q.Part)
	if q.KeyID == "" {
		h = mix(h, maphash.String(seed, q.UserID))
		h = mix(h, maphash.String(seed, q.AccountID))
	}
	if q.Part != engine.LimitOfCaller && q.ModelID != "" {
		h = mix(h, maphash.String(seed, q.ModelID))
	}
	return h
}

func (s *selections) pair(spot uint64) []slot {
	at := spot & (selectionSlots - 1) &^ 1
	return s.slots[at : at+2]
}

// find returns the selection of a request, nil when there is none.
func (s *selections) find(spot uint64, t *table, q *engine.LimitRequest) *selection {
	pair := s.pair(spot)
	for i := range pair {
		if found := pair[i].selection.Load(); found != nil && found.table == t && found.is(q) {
			return found
		}
	}
	return nil
}

// is reports whether it is the request's.
func (s *selection) is(q *engine.LimitRequest) bool {
	v := &s.values
	if s.part != q.Part || v[atKey] != q.KeyID || v[atUser] != q.UserID || v[atTeam] != q.TeamID || v[atAccount] != q.AccountID {
		return false
	}
	return s.part == engine.LimitOfCaller || v[atProvider] == q.ProviderID && v[atModel] == q.ModelID &&
		v[atProviderOwner] == q.ProviderOwner && v[atModelOwner] == q.ModelOwner
}

// keep keeps what was chosen for a caller that was looked for in vain before: one that comes
// only once is not worth the memory, and does not drive others out.
func (s *selections) keep(spot uint64, t *table, part engine.LimitPart, subject *subject, takes []take) {
	pair := s.pair(spot)
	into := &pair[0]
	if found := into.selection.Load(); found != nil && found.table == t {
		into = &pair[1]
	}
	// The bit keeps a spot of 0 from being known before it came.
	if seen := spot | 1; into.missed.Load() != seen {
		into.missed.Store(seen)
		return
	}
	if into == &pair[1] {
		// The former second is the next first, so that of three none is driven out each time.
		if former := into.selection.Load(); former != nil {
			pair[0].selection.Store(former)
		}
	}
	kept := &selection{table: t, part: part, values: cloneAll(subject.values), picks: make([]pick, len(takes))}
	for i := range takes {
		kept.picks[i] = pick{takes[i].spec, takes[i].bucket}
	}
	into.selection.Store(kept)
}

// cloneAll copies strings into one piece of memory.
func cloneAll(values [valueCount]string) (copies [valueCount]string) {
	all := strings.Join(values[:], "")
	for i, v := range values {
		copies[i], all = all[:len(v)], all[len(v):]
	}
	return copies
}

// sweep lets go of what no longer holds, and of the buckets that it keeps from being freed.
func (s *selections) sweep(t *table) {
	for i := range s.slots {
		found := s.slots[i].selection.Load()
		if found != nil && (found.table != t || slices.ContainsFunc(found.picks, pick.gone)) {
			s.slots[i].selection.CompareAndSwap(found, nil)
		}
	}
}

func (p pick) gone() bool {
	p.bucket.mu.Lock()
	defer p.bucket.mu.Unlock()
	return p.bucket.gone
}
