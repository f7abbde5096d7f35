// Package trie is an immutable map: a changed one shares with the one before all but the way to
// what changed. It is for snapshots of many rows of which a write changes one.
//
// It is not for what is filled once and never changed: Go's own maps are quicker.
package trie

import (
	"hash/maphash"
	"iter"
	"slices"
)

const (
	branchBits = 4
	branches   = 1 << branchBits
	maxLeaf    = 8  // entries, while hashes can still tell them apart
	maxShift   = 64 // bits of a hash
)

var seed = maphash.MakeSeed()

// Map is an immutable map. The zero value is empty. Safe for concurrent use.
type Map[K comparable, V any] struct {
	root *node[K, V]
	size int
}

// node is a branch when it has children, and a leaf otherwise. It never changes.
type node[K comparable, V any] struct {
	children *[branches]*node[K, V]
	entries  []entry[K, V]
}

type entry[K comparable, V any] struct {
	hash  uint64
	key   K
	value V
}

// Len returns how many keys there are.
func (m Map[K, V]) Len() int { return m.size }

// Get returns the value of a key.
func (m Map[K, V]) Get(key K) (value V, ok bool) {
	if m.root == nil {
		return value, false
	}
	hash := maphash.Comparable(seed, key)
	n := m.root
	for h := hash; n != nil && n.children != nil; h >>= branchBits {
		n = n.children[h%branches]
	}
	if n == nil {
		return value, false
	}
	for i := range n.entries {
		if e := &n.entries[i]; e.hash == hash && e.key == key {
			return e.value, true
		}
	}
	return value, false
}

// With returns the map with that value of the key.
func (m Map[K, V]) With(key K, value V) Map[K, V] {
	root, added := m.root.with(entry[K, V]{maphash.Comparable(seed, key), key, value}, 0)
	m.root = root
	if added {
		m.size++
	}
	return m
}

func (n *node[K, V]) with(e entry[K, V], shift int) (next *node[K, V], added bool) {
	if n == nil {
		return &node[K, V]{entries: []entry[K, V]{e}}, true
	}
	if n.children != nil {
		next = &node[K, V]{children: new(*n.children)}
		i := e.hash >> shift % branches
		next.children[i], added = n.children[i].with(e, shift+branchBits)
		return next, added
	}
	for i := range n.entries {
		if o := &n.entries[i]; o.hash == e.hash && o.key == e.key {
			next = &node[K, V]{entries: slices.Clone(n.entries)}
			next.entries[i] = e
			return next, false
		}
	}
	if len(n.entries) < maxLeaf || shift >= maxShift {
		return &node[K, V]{entries: append(slices.Clip(n.entries), e)}, true
	}
	next = &node[K, V]{children: new([branches]*node[K, V])}
	for _, o := range append(slices.Clip(n.entries), e) {
		i := o.hash >> shift % branches
		next.children[i], _ = next.children[i].with(o, shift+branchBits)
	}
	return next, true
}

// Without returns the map without the key.
func (m Map[K, V]) Without(key K) Map[K, V] {
	root, removed := m.root.without(maphash.Comparable(seed, key), key, 0)
	if removed {
		m.root = root
		m.size--
	}
	return m
}

// without leaves branches as they are when they empty: they fill again.
func (n *node[K, V]) without(hash uint64, key K, shift int) (next *node[K, V], removed bool) {
	if n == nil {
		return nil, false
	}
	if n.children != nil {
		i := hash >> shift % branches
		child, removed := n.children[i].without(hash, key, shift+branchBits)
		if !removed {
			return n, false
		}
		next = &node[K, V]{children: new(*n.children)}
		next.children[i] = child
		return next, true
	}
	for i := range n.entries {
		if o := &n.entries[i]; o.hash == hash && o.key == key {
			if len(n.entries) == 1 {
				return nil, true
			}
			return &node[K, V]{entries: slices.Concat(n.entries[:i], n.entries[i+1:])}, true
		}
	}
	return n, false
}

// All goes through the entries, in no order.
func (m Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.all(yield) }
}

func (n *node[K, V]) all(yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if n.children != nil {
		for _, c := range n.children {
			if !c.all(yield) {
				return false
			}
		}
		return true
	}
	for i := range n.entries {
		if !yield(n.entries[i].key, n.entries[i].value) {
			return false
		}
	}
	return true
}
