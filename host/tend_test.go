package host

import (
	"slices"
	"testing"
)

func TestTending(t *testing.T) {
	const mib = 1 << 20
	look := func(live, held, allocated uint64) sighting {
		return sighting{live: live * mib, held: held * mib, allocated: allocated * mib}
	}
	busy := []sighting{look(32, 96, 100)}
	quiet := func(n int, held uint64) []sighting { return slices.Repeat([]sighting{look(32, held, 100)}, n) }
	for _, test := range []struct {
		name        string
		looks       []sighting
		wantPercent int // 0: not set
		wantFreed   int
	}{
		{"little lives: garbage has its usual room", []sighting{look(32, 40, 100)}, 200, 0},
		{"next to nothing lives", []sighting{look(1, 8, 100)}, 400, 0},
		{"much lives: as the runtime does", []sighting{look(512, 900, 4000)}, 0, 0},
		{"busy: nothing is given back", []sighting{look(32, 96, 100), look(32, 96, 200)}, 200, 0},
		{"a pause between requests: nothing is given back", slices.Concat(busy, quiet(quietLooks-1, 96)), 200, 0},
		{"pauses do not add up", slices.Concat(busy, quiet(quietLooks-1, 96), []sighting{look(32, 96, 200)}, []sighting{look(32, 96, 200)}), 200, 0},
		{"nobody asks: it is", slices.Concat(busy, quiet(quietLooks, 96)), 200, 1},
		{"what does not go is not tried again", slices.Concat(busy, quiet(quietLooks, 96), quiet(2, 90), quiet(1, 99)), 200, 2},
		{"what is held lives", slices.Concat([]sighting{look(32, 36, 100)}, quiet(quietLooks, 36)), 200, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			percent, freed := 0, 0
			tended := tending{percent: leastRoom, set: func(n int) int { percent = n; return 0 }, free: func() { freed++ }, unmap: func() {}}
			for _, l := range test.looks {
				tended.look(l)
			}
			if percent != test.wantPercent || freed != test.wantFreed {
				t.Errorf("percent %d, freed %d times, want %d and %d", percent, freed, test.wantPercent, test.wantFreed)
			}
		})
	}
}

// TestTendingMapped: pages of files go when nobody asks, and are not let go of again and again when the quiet process
// uses them.
func TestTendingMapped(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	unmapped, allocated := 0, uint64(100*mib)
	tended := tending{free: func() {}, unmap: func() { unmapped++ }}
	for i, step := range []struct {
		looks  int
		more   uint64 // is allocated before each
		mapped uint64
		want   int // so often since the start
	}{
		{1, 0, 50, 0},
		{4, 0, 50, 0},
		{1, 0, 50, 1},       // quiet for long enough
		{5, 0, 9, 1},        // what is left is in use
		{5, 0, 12, 1},       // not worth it
		{1, 0, 14, 2},       // it is
		{2, 8 * mib, 60, 2}, // busy
		{4, 0, 60, 2},       // not for long enough
		{1, 0, 60, 3},       // quiet
		{10, 0, 60, 3},      // nothing went
	} {
		for range step.looks {
			allocated += step.more
			tended.look(sighting{mapped: step.mapped * mib, allocated: allocated})
		}
		if unmapped != step.want {
			t.Errorf("step %d: let go %d times, want %d", i, unmapped, step.want)
		}
	}
}
