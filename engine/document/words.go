package document

import (
	"cmp"
	"slices"
	"strings"
)

// Words finds which of many phrases a text mentions, all of them in one pass. It is
// immutable and safe for concurrent use; the zero Words and a nil one hold no phrases.
//
// It is an Aho-Corasick automaton over folded characters (a run of white space is one),
// of which only whole words count. See RATIONALE.md, "How does one pass find all phrases?".
type Words struct {
	letters *letters
	count   int // phrases

	// States; state 0 is the root, where no phrase has begun.
	edgeStart []uint32 // of each state in edges; one more at the end
	edges     []edge   // sorted by char within a state
	fail      []uint32 // longest proper suffix that is a state and begins after a non-word character
	outStart  []uint32 // of each state in outs; one more at the end
	outs      []uint32 // phrases that end there
	outLink   []uint32 // nearest state along fail with outs; 0: none

	begin     beginFilter
	prefix    prefixFilter
	wordFirst bool // every phrase begins with a word character
}

type edge struct {
	char rune
	to   uint32
}

// space stands for a run of white space in a phrase.
const space = rune(' ')

// NewWords builds the automaton; bit i of Scan's result is phrases[i]. Phrases may
// repeat and may be empty (an empty one is never mentioned). Memory is proportional to their length.
func NewWords(phrases []string) *Words {
	w := &Words{letters: loadLetters(), count: len(phrases), wordFirst: true}
	t := &trie{children: map[uint64]uint32{}, parent: []uint32{0}, char: []rune{0}, word: []bool{false}}
	ends := make([]uint32, len(phrases))
	for i, p := range phrases {
		ends[i] = t.add(w.letters, strings.TrimSpace(p))
	}
	w.link(t)
	w.output(t, ends)
	w.addPrefixes()
	w.addBegins()
	return w
}

// trie is the automaton while it is being built.
type trie struct {
	children map[uint64]uint32 // state<<32 | char
	parent   []uint32
	char     []rune // by which the state is reached
	word     []bool // char is a word character
}

func (t *trie) child(state uint32, c rune) uint32 { return t.children[uint64(state)<<32|uint64(c)] }

func (t *trie) add(l *letters, phrase string) uint32 {
	state := uint32(0)
	for i := 0; i < len(phrase); {
		c, class, size := l.next(phrase, i)
		i += size
		if class == spaceRune {
			c = space
			i = l.skipSpace(phrase, i)
		}
		next := t.child(state, c)
		if next == 0 {
			next = uint32(len(t.parent))
			t.children[uint64(state)<<32|uint64(c)] = next
			t.parent = append(t.parent, state)
			t.char = append(t.char, c)
			t.word = append(t.word, class == wordRune)
		}
		state = next
	}
	return state
}

// link lays out the edges and computes the failure links, shorter states first.
func (w *Words) link(t *trie) {
	states := len(t.parent)
	order := make([]uint32, 0, states) // states by parent, then char
	for s := 1; s < states; s++ {
		order = append(order, uint32(s))
	}
	slices.SortFunc(order, func(a, b uint32) int {
		if c := cmp.Compare(t.parent[a], t.parent[b]); c != 0 {
			return c
		}
		return cmp.Compare(t.char[a], t.char[b])
	})
	w.edgeStart = make([]uint32, states+1)
	w.edges = make([]edge, 0, len(order))
	for _, s := range order {
		w.edges = append(w.edges, edge{t.char[s], s})
		w.edgeStart[t.parent[s]+1]++
	}
	for s := range states {
		w.edgeStart[s+1] += w.edgeStart[s]
	}

	w.fail = make([]uint32, states)
	queue := make([]uint32, 0, states)
	queue = append(queue, 0)
	for i := 0; i < len(queue); i++ {
		for _, e := range w.edgesOf(queue[i]) {
			queue = append(queue, e.to)
			w.fail[e.to] = w.suffix(t, e.to)
		}
	}
	w.outLink = make([]uint32, states)
}

// suffix returns the failure link of s, whose shorter states have theirs.
func (w *Words) suffix(t *trie, s uint32) uint32 {
	p, c := t.parent[s], t.char[s]
	if p == 0 {
		return 0
	}
	for f := w.fail[p]; f != 0; f = w.fail[f] {
		if next := w.child(f, c); next != 0 {
			return next
		}
	}
	if t.word[p] {
		return 0 // c follows a word character: nothing begins with it here
	}
	return w.child(0, c)
}

// output lays out the phrases by the state in which they end.
func (w *Words) output(t *trie, ends []uint32) {
	states := len(t.parent)
	w.outStart = make([]uint32, states+1)
	for _, s := range ends {
		if s != 0 {
			w.outStart[s+1]++
		}
	}
	for s := range states {
		w.outStart[s+1] += w.outStart[s]
	}
	w.outs = make([]uint32, w.outStart[states])
	next := slices.Clone(w.outStart)
	for i, s := range ends {
		if s != 0 {
			w.outs[next[s]] = uint32(i)
			next[s]++
		}
	}
	// Breadth first again: a state's link needs that of its suffix.
	queue := []uint32{0}
	for i := 0; i < len(queue); i++ {
		for _, e := range w.edgesOf(queue[i]) {
			queue = append(queue, e.to)
			if f := w.fail[e.to]; w.ends(f) {
				w.outLink[e.to] = f
			} else {
				w.outLink[e.to] = w.outLink[f]
			}
		}
	}
}

func (w *Words) edgesOf(s uint32) []edge { return w.edges[w.edgeStart[s]:w.edgeStart[s+1]] }

// ends reports whether a phrase ends in s itself.
func (w *Words) ends(s uint32) bool { return w.outStart[s] < w.outStart[s+1] }

// child returns the state that c leads to from s, or 0.
func (w *Words) child(s uint32, c rune) uint32 {
	edges := w.edgesOf(s)
	for len(edges) > 8 {
		half := len(edges) / 2
		if edges[half].char <= c {
			edges = edges[half:]
		} else {
			edges = edges[:half]
		}
	}
	for _, e := range edges {
		if e.char == c {
			return e.to
		}
	}
	return 0
}
