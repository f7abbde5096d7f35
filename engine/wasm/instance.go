package wasm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// entry numbers the entry points.
type entry int

const (
	entryConfigure entry = iota
	entryDecide
	entryRequest
	entryResponse
	entryEvent
	entryError
	entryProbe
	entryInitialize
	entryCount
)

var entryNames = [entryCount]string{
	abi.EntryConfigure, abi.EntryDecide, abi.EntryRequest, abi.EntryResponse,
	abi.EntryEvent, abi.EntryError, abi.EntryProbe, abi.Initialize,
}

// Faults that the host finds in a guest, in words for its author.
var (
	errOverdue = errors.New("exceeded its time limit")
	errBounds  = errors.New("passed a pointer outside its memory")
)

// instance is one live copy of a guest: its memory, its globals and the host's
// side of the call it is in. One goroutine uses it at a time, the one that borrowed it;
// only state and limit are shared, with the watchdog.
//
// It is the context of every call into wazero, which hands it to the host
// functions as it came: that is how they find it without a lookup or an allocation.
type instance struct {
	context.Context // Background: a call ends by its limit, not with the request

	plugin *plugin
	pool   *pool // that it belongs to
	memory *memory
	guest  api.Module
	halt   api.MutableGlobal // anything but 0 ends the call at its next tick
	tank   tank
	calls  [entryCount]api.Function // nil: not exported
	stack  [1]uint64
	frame  document.Frame
	random document.Random // of calls that bring none of their own

	line      []byte        // standard output since the last newline
	counted   bool          // among the live ones of its version
	dry       bool          // its call counts towards nothing
	served    bool          // a call ended well before the one that it is in
	worn      bool          // and this one of a rule's ran out of fuel
	ran       time.Duration // of the last call, while unmetered
	unmetered bool          // nobody was told of that call yet
	deep      bool          // the last call left a large stack
	weight    int64         // bytes of memory as counted last
	nowMS     int64
	slept     int64 // nanoseconds that the guest asked to wait, and did not

	state atomic.Uint64 // the number of its call, and flags
	limit atomic.Int64  // nanoseconds that the call may take
}

// instantiate makes an instance and runs its start-up export.
// Errors: memory is exhausted, or the guest broke while it started.
func (p *plugin) instantiate(of *pool) (in *instance, err error) {
	in = &instance{Context: context.Background(), plugin: p, pool: of}
	in.limit.Store(int64(p.lib.cfg.startLimit))
	defer func() {
		// wazero panics where the allocator gives it less than the guest's minimum.
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil {
			in.close()
			in, err = nil, fmt.Errorf("at its start: %w", err)
		}
	}()

	// No start functions: _initialize runs as a call of its own, which can be stopped.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	var short error
	allocator := experimental.MemoryAllocatorFunc(func(_, max uint64) experimental.LinearMemory {
		if in.memory, short = newMemory(max); short != nil {
			panic(short)
		}
		return in.memory
	})
	in.guest, err = p.kind.runtime.InstantiateModule(
		experimental.WithMemoryAllocator(in.Context, allocator), p.code.guest, config)
	if err != nil {
		return in, err
	}
	in.halt = in.guest.ExportedGlobal(stopGlobal).(api.MutableGlobal)
	in.tank.slice = in.guest.ExportedGlobal(fuelGlobal).(api.MutableGlobal)
	in.tank.left = in.guest.ExportedGlobal(leftGlobal).(api.MutableGlobal)
	for e, name := range entryNames {
		if p.code.entries[e] {
			in.calls[e] = in.guest.ExportedFunction(name)
		}
	}
	p.lib.watchdog.add(in)
	if p.slot != nil {
		p.slot.telemetry.live.Add(1)
		in.counted = true
		in.weigh()
	}

	if in.calls[entryInitialize] != nil {
		in.random.Seed("", 0, p.version.Name)
		in.reset(document.FrameInput{Random: &in.random}, entryInitialize)
		if _, err = in.call(entryInitialize); err != nil {
			return in, err
		}
	}
	in.limit.Store(int64(p.kind.limit))
	return in, nil
}

// reset prepares the frame for a call of that entry point.
func (in *instance) reset(input document.FrameInput, e entry) {
	input.Kind, input.Entry = in.plugin.kind.name, entryNames[e]
	in.nowMS, in.slept, in.dry = input.NowMS, 0, false
	in.tank.fill(in.plugin.budget(&input, e))
	in.frame.Reset(input)
}

// call runs an entry point that the guest exports and returns what it returned.
// Any error leaves the instance unusable.
func (in *instance) call(e entry) (int32, error) {
	busy := in.state.Load() + callUnit | busyFlag
	in.state.Store(busy)
	in.plugin.lib.watchdog.begun()

	in.stack[0] = 0
	err := in.calls[e].CallWithStack(in, in.stack[:])
	in.tank.read()
	in.deep = in.tank.spent > deepFuel && stackOf(in.calls[e]) > maxStack
	in.endLine()

	if !in.state.CompareAndSwap(busy, busy&^flags) {
		return 0, errOverdue // and what it answered in its last moment is not heard
	}
	if err == nil {
		err = in.frame.Err()
	}
	// A guest may get beyond its budget by what it spends between two looks.
	if in.tank.dry() {
		err = fmt.Errorf("%w (%d units)", errFuel, in.tank.budget)
	}
	if err != nil {
		return 0, err
	}
	return int32(uint32(in.stack[0])), nil
}

// stop tells the call that has this state to end; the guest notices at its next
// tick or host call. The watchdog calls it while the guest runs, and never after close.
func (in *instance) stop(state uint64) {
	if in.state.CompareAndSwap(state, state|stoppedFlag) {
		in.halt.Set(1)
	}
}

// stopped reports whether the call at hand was told to end.
func (in *instance) stopped() bool { return in.state.Load()&stoppedFlag != 0 }

// view returns the guest's bytes at [ptr, ptr+size), valid until the guest runs on.
// A range that is not within its memory is a trap.
func (in *instance) view(ptr, size uint64) []byte {
	ptr, size = uint64(uint32(ptr)), uint64(uint32(size)) // the upper halves carry garbage
	if size == 0 {
		return nil
	}
	m := in.memory.view
	if ptr+size > uint64(len(m)) {
		panic(errBounds)
	}
	return m[ptr : ptr+size : ptr+size]
}

// fit reports whether the instance may be used again: its memory has not grown so
// far that the next call would soon run out, nor its stack.
func (in *instance) fit() bool {
	if in.deep {
		return false
	}
	size, limit := uint64(len(in.memory.view)), in.plugin.kind.memory
	return size <= limit/4*3 || size <= in.plugin.code.initial
}

// idle drops what the last call gave the instance to read.
func (in *instance) idle() { in.frame.Reset(document.FrameInput{}) }

// weigh brings the version's sum of memory up to date.
func (in *instance) weigh() {
	if size := int64(len(in.memory.view)); in.counted && size != in.weight {
		in.plugin.slot.telemetry.memory.Add(size - in.weight)
		in.pool.memory.Add(size - in.weight)
		in.plugin.lib.press(in.pool.account, size-in.weight)
		in.weight = size
	}
}

// close frees the instance. No call may be in progress.
func (in *instance) close() {
	in.plugin.lib.watchdog.remove(in)
	if in.counted {
		in.plugin.slot.telemetry.live.Add(-1)
		in.plugin.slot.telemetry.memory.Add(-in.weight)
		in.pool.memory.Add(-in.weight)
		in.plugin.lib.press(in.pool.account, -in.weight)
		in.counted = false
	}
	if in.guest != nil {
		_ = in.guest.Close(context.Background())
	}
	if in.memory != nil {
		in.memory.Free()
	}
}

// cause says in a few words, safe to show, why a guest stopped.
func cause(err error) string {
	var exit *sys.ExitError
	switch {
	case errors.Is(err, errOverdue), errors.Is(err, errBounds), errors.Is(err, errFuel):
		// words of ours
	case errors.As(err, &exit):
		return fmt.Sprintf("exited with code %d", exit.ExitCode())
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	first = strings.TrimSuffix(first, " (recovered by wazero)")
	return truncate(strings.Replace(first, "wasm error: ", "", 1), maxCause)
}

// Bounds of what is kept of a guest's failure: its stack trace holds names that it chose.
const (
	maxCause = 200
	maxTrace = 2 << 10
)

func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// startLimit is how long _initialize may take: a standard-Go guest needs 3–9 ms.
const startLimit = 2 * time.Second
