package host

import (
	"slices"
	"testing"
)

func TestTending(t *testing.T) {
	const mib = 1 << 20
	type look struct{ live, held, allocated uint64 }
	busy := []look{{32 * mib, 96 * mib, 100 * mib}}
	quiet := func(n int, held uint64) []look { return slices.Repeat([]look{{32 * mib, held, 100 * mib}}, n) }
	for _, test := range []struct {
		name        string
		looks       []look
		wantPercent int // 0: not set
		wantFreed   int
	}{
		{"little lives: garbage has its usual room", []look{{32 * mib, 40 * mib, 100 * mib}}, 200, 0},
		{"next to nothing lives", []look{{1 * mib, 8 * mib, 100 * mib}}, 400, 0},
		{"much lives: as the runtime does", []look{{512 * mib, 900 * mib, 4000 * mib}}, 0, 0},
		{"busy: nothing is given back", []look{{32 * mib, 96 * mib, 100 * mib}, {32 * mib, 96 * mib, 200 * mib}}, 200, 0},
		{"a pause between requests: nothing is given back", slices.Concat(busy, quiet(quietLooks-1, 96*mib)), 200, 0},
		{"pauses do not add up", slices.Concat(busy, quiet(quietLooks-1, 96*mib), []look{{32 * mib, 96 * mib, 200 * mib}}, []look{{32 * mib, 96 * mib, 200 * mib}}), 200, 0},
		{"nobody asks: it is", slices.Concat(busy, quiet(quietLooks, 96*mib)), 200, 1},
		{"what does not go is not tried again", slices.Concat(busy, quiet(quietLooks, 96*mib), quiet(2, 90*mib), quiet(1, 99*mib)), 200, 2},
		{"what is held lives", slices.Concat([]look{{32 * mib, 36 * mib, 100 * mib}}, quiet(quietLooks, 36*mib)), 200, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			percent, freed := 0, 0
			tended := tending{percent: leastRoom, set: func(n int) int { percent = n; return 0 }, free: func() { freed++ }}
			for _, l := range test.looks {
				tended.look(l.live, l.held, l.allocated)
			}
			if percent != test.wantPercent || freed != test.wantFreed {
				t.Errorf("percent %d, freed %d times, want %d and %d", percent, freed, test.wantPercent, test.wantFreed)
			}
		})
	}
}
