package trie

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// Every version of the map goes on holding what it held, whatever becomes of later ones.
func TestMapIsWhatAMapWouldBe(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var m Map[string, int]
	want := map[string]int{}
	type version struct {
		m    Map[string, int]
		want map[string]int
	}
	var kept []version
	for i := range 20_000 {
		key := fmt.Sprint(random.IntN(3_000))
		if random.IntN(3) == 0 {
			m = m.Without(key)
			delete(want, key)
		} else {
			m = m.With(key, i)
			want[key] = i
		}
		if i%1_000 == 0 {
			kept = append(kept, version{m, maps.Clone(want)})
		}
	}
	for i, v := range append(kept, version{m, want}) {
		if got := maps.Collect(v.m.All()); !maps.Equal(got, v.want) || v.m.Len() != len(v.want) {
			t.Errorf("version %d has %d keys and says %d, want the %d of a map", i, len(got), v.m.Len(), len(v.want))
		}
		for key := range 3_000 {
			got, ok := v.m.Get(fmt.Sprint(key))
			if was, there := v.want[fmt.Sprint(key)]; got != was || ok != there {
				t.Fatalf("version %d: Get(%d) = %d, %v, want %d, %v", i, key, got, ok, was, there)
			}
		}
	}
	for key := range want {
		m = m.Without(key)
	}
	if m.Len() != 0 || len(maps.Collect(m.All())) != 0 {
		t.Errorf("%d keys are left, want none", m.Len())
	}
}

// Keys whose hashes are the same to the last bit are in one leaf.
func TestSameHash(t *testing.T) {
	t.Parallel()
	var n *node[int, int]
	for i := range 3 * maxLeaf {
		n, _ = n.with(entry[int, int]{hash: 7, key: i, value: i}, 0)
	}
	for i := range 3 * maxLeaf {
		next, removed := n.without(7, i, 0)
		if !removed {
			t.Fatalf("key %d is not there", i)
		}
		n = next
	}
	if n.all(func(int, int) bool { return false }) != true {
		t.Error("keys are left")
	}
}

// What a change costs does not grow with the map: nodes that are made are those of the way.
func TestChangeCopiesTheWay(t *testing.T) {
	var m Map[int, int]
	for i := range 100_000 {
		m = m.With(i, i)
	}
	if got := testing.AllocsPerRun(100, func() { m.With(5, 6) }); got > 30 {
		t.Errorf("a change of one of 100,000 makes %v things, want at most 30", got)
	}
	if got := testing.AllocsPerRun(100, func() { m.Get(5) }); got != 0 {
		t.Errorf("Get allocates %v times, want 0", got)
	}
}
