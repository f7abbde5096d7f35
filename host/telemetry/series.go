package telemetry

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// maxSeries is how many combinations of labels one family may have: far more than anybody looks
// at, and few enough for a scrape.
const maxSeries = 2000

// maxOwnSeries is how many of them the requests of one account may bring.
const maxOwnSeries = maxSeries / 2

// family finds the counters of a combination of labels. One that was seen before is looked up in
// an immutable map: no lock, no allocation. Beyond maxSeries, or maxOwnSeries of one account, a
// combination counts as fold of it, of which there must be few. Safe for concurrent use.
type family[K comparable, V any] struct {
	fold func(K) K
	make func(K) *V

	known atomic.Pointer[combinations[K, V]]
	mu    sync.Mutex // of who replaces known
}

// combinations are those that were seen. They are never changed.
type combinations[K comparable, V any] struct {
	of    map[K]*V
	owned map[string]int // how many each account brought first
}

func newFamily[K comparable, V any](fold func(K) K, make func(K) *V) *family[K, V] {
	f := &family[K, V]{fold: fold, make: make}
	f.known.Store(&combinations[K, V]{of: map[K]*V{}, owned: map[string]int{}})
	return f
}

// of returns the counters of a combination that the account brought, "" for nobody's.
func (f *family[K, V]) of(account string, k K) *V {
	if v, ok := f.known.Load().of[k]; ok {
		return v
	}
	return f.add(account, k)
}

func (f *family[K, V]) add(account string, k K) *V {
	if known := f.known.Load(); len(known.of) >= maxSeries || account != "" && known.owned[account] >= maxOwnSeries {
		k = f.fold(k)
		account = "" // it is everybody's
		if v, ok := known.of[k]; ok {
			return v
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.known.Load()
	if v, ok := known.of[k]; ok {
		return v
	}
	next := &combinations[K, V]{of: maps.Clone(known.of), owned: known.owned}
	if account != "" {
		next.owned = maps.Clone(known.owned)
		next.owned[strings.Clone(account)]++
	}
	v := f.make(k)
	next.of[k] = v
	f.known.Store(next)
	return v
}

// each calls see for every combination.
func (f *family[K, V]) each(see func(k K, v *V)) {
	for k, v := range f.known.Load().of {
		see(k, v)
	}
}

// shortcuts remember what belongs to what was seen, so that nothing is put together anew: the
// first maxSeries of it. Safe for concurrent use; looking takes no lock.
type shortcuts[K comparable, V any] struct {
	known atomic.Pointer[map[K]*V]
	mu    sync.Mutex // of who replaces known
}

func newShortcuts[K comparable, V any]() *shortcuts[K, V] {
	s := &shortcuts[K, V]{}
	s.known.Store(&map[K]*V{})
	return s
}

func (s *shortcuts[K, V]) of(k K) *V { return (*s.known.Load())[k] }

// keep adds one; k must not share memory with anything that goes away.
func (s *shortcuts[K, V]) keep(k K, v *V) *V {
	if len(*s.known.Load()) >= maxSeries {
		return v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(*s.known.Load())
	next[k] = v
	s.known.Store(&next)
	return v
}

// collector makes a prometheus.Collector of two functions.
type collector struct {
	descs   []*prometheus.Desc
	collect func(chan<- prometheus.Metric)
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) { c.collect(ch) }
