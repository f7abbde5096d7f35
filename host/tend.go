package host

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How memory is tended. See RATIONALE.md, "When is memory collected, and given back?".
const (
	tendEvery   = 2 * time.Second
	usualRoom   = 64 << 20 // bytes of garbage between two collections, where so much is free
	leastRoom   = 100      // percent of what lives: what the runtime does by itself
	mostRoom    = 400
	quietAllocs = 2 << 20 // bytes allocated between two looks by a process that nobody asks
	quietLooks  = 5       // in a row, until it counts as one that will not be asked again at once
	worthFree   = 4 << 20 // bytes; less is not given back

	worthUnmapping = 1 << 20 // bytes of one mapping
)

// tending is what the last look found.
type tending struct {
	allocated uint64
	quiet     int // looks in a row

	freed bool   // at the last look
	kept  uint64 // bytes that were held after the last time

	unmapped   bool   // at the last look
	keptMapped uint64 // bytes of files that were in memory after the last time

	percent int
	set     func(percent int) int // nil: GOGC was set by whoever runs the process
	free    func()
	unmap   func() // lets go of pages that only hold what stands in a file
}

// sighting is what is seen at a look, bytes.
type sighting struct {
	live      uint64
	held      uint64 // of the system, for the heap
	mapped    uint64 // of files, in memory
	allocated uint64 // ever
}

// TendMemory keeps the process's memory as its work needs it until ctx ends: collections come
// seldom while there is much to do, unless GOGC says how often, and what is free goes back to
// the system while there is nothing. Settings of the whole process: it is for a program's main,
// not for a library, and once.
func (h *Host) TendMemory(ctx context.Context) {
	t := tending{free: debug.FreeOSMemory, unmap: unmap, percent: leastRoom, quiet: quietLooks - 1} // a start is no load: give back what it took
	if os.Getenv("GOGC") == "" {
		t.set = debug.SetGCPercent
	}
	if n := groupLimit(); n > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(n / 10 * 9) // code and stacks of the kernel's count there as well
	}
	h.keep(ctx, "memory", func(ctx context.Context) {
		beat := time.NewTicker(tendEvery)
		defer beat.Stop()
		samples := []metrics.Sample{
			{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"},
			{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-beat.C:
			}
			metrics.Read(samples)
			t.look(sighting{
				live: samples[0].Value.Uint64(), held: samples[2].Value.Uint64() + samples[3].Value.Uint64(),
				mapped: mapped(), allocated: samples[1].Value.Uint64(),
			})
		}
	})
}

// look acts on what is seen.
func (t *tending) look(s sighting) {
	if t.quiet++; s.allocated-t.allocated >= quietAllocs {
		t.quiet = 0
	}
	t.allocated = s.allocated
	if t.set != nil {
		percent := min(max(int(usualRoom*100/max(s.live, 1)), leastRoom), mostRoom)
		if percent*10 > t.percent*11 || percent*11 < t.percent*10 {
			t.set(percent)
			t.percent = percent
		}
	}
	// What did not go when it was tried does not go the next time: it lies between what lives, or is
	// in use even now.
	if t.freed {
		t.kept = s.held
	}
	t.kept = min(t.kept, s.held)
	if t.freed = t.quiet >= quietLooks && s.held > max(s.live, t.kept)+worthFree; t.freed {
		t.free()
	}
	switch {
	case t.quiet == 0:
		t.keptMapped = 0 // what is used under load need not be in use in quiet
	case t.unmapped:
		t.keptMapped = s.mapped
	}
	if t.unmapped = t.quiet >= quietLooks && s.mapped > t.keptMapped+worthFree; t.unmapped {
		t.unmap()
	}
}
