package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf16"

	"github.com/tetratelabs/wazero/sys"

	"github.com/pointsman/pointsman/sdk/abi"
)

const wasiModule = "wasi_snapshot_preview1"

// Error numbers of WASI preview 1.
// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md, read 2026-11-22
const (
	wasiOK       = 0
	wasiBadFile  = 8
	wasiFault    = 21
	wasiNoSeek   = 70 // ESPIPE
	wasiNoEffort = 58 // ENOTSUP
)

// maxVectors bounds the buffers of one fd_write and the subscriptions of one poll.
const maxVectors = 1 << 10

// wasiFunctions is what the runtimes of Go, TinyGo, Rust and C need to start, and no
// more: no files, arguments, environment or sockets; the clock stands still at the
// request's time, random numbers come from the request's seed, and what is printed is
// logged. The functions on files are there because Go's time package links them; there is no
// folder to begin a path from, so that none succeeds. A guest that imports another
// function is refused at upload, by name.
func wasiFunctions() []hostFunction {
	none := func(in *instance, s []uint64) { in.putU32(s[0], 0); in.putU32(s[1], 0); s[0] = wasiOK }
	ok := func(_ *instance, s []uint64) { s[0] = wasiOK }
	noFile := func(_ *instance, s []uint64) { s[0] = wasiBadFile }
	return []hostFunction{
		{"args_get", "ii", "i", ok},
		{"args_sizes_get", "ii", "i", none},
		{"environ_get", "ii", "i", ok},
		{"environ_sizes_get", "ii", "i", none},
		{"clock_res_get", "ii", "i", func(in *instance, s []uint64) { in.putU64(s[1], 1e6); s[0] = wasiOK }},
		{"clock_time_get", "iIi", "i", wasiClock},
		{"fd_close", "i", "i", noFile},
		{"fd_fdstat_get", "ii", "i", wasiStat},
		{"fd_fdstat_set_flags", "ii", "i", noFile},
		{"fd_filestat_get", "ii", "i", noFile},
		{"fd_prestat_get", "ii", "i", noFile},
		{"fd_prestat_dir_name", "iii", "i", noFile},
		{"fd_read", "iiii", "i", wasiRead},
		{"fd_seek", "iIii", "i", func(_ *instance, s []uint64) { s[0] = wasiNoSeek }},
		{"fd_write", "iiii", "i", wasiWrite},
		{"path_filestat_get", "iiiii", "i", noFile},
		{"path_open", "iiiiiIIii", "i", noFile},
		{"poll_oneoff", "iiii", "i", wasiPoll},
		{"proc_exit", "i", "", func(_ *instance, s []uint64) { panic(sys.NewExitError(uint32(s[0]))) }},
		{"random_get", "ii", "i", wasiRandom},
		{"sched_yield", "", "i", ok},
	}
}

func (in *instance) putU32(ptr uint64, v uint32) { binary.LittleEndian.PutUint32(in.view(ptr, 4), v) }
func (in *instance) putU64(ptr uint64, v uint64) { binary.LittleEndian.PutUint64(in.view(ptr, 8), v) }

// wasiClock answers every clock with the request's time; the monotonic ones
// have also moved by what the guest asked to wait, so that a sleep ends, and are never
// at zero, which Go's runtime refuses to start with ("nanotime returning zero").
func wasiClock(in *instance, s []uint64) {
	now := in.nowMS * 1e6
	if uint32(s[0]) != 0 {
		now += in.slept + 1
	}
	in.putU64(s[2], uint64(now))
	s[0] = wasiOK
}

// wasiStat describes standard input, output and error as character devices.
func wasiStat(in *instance, s []uint64) {
	if uint32(s[0]) > 2 {
		s[0] = wasiBadFile
		return
	}
	stat := in.view(s[1], 24)
	clear(stat)
	stat[0] = 2 // character device
	s[0] = wasiOK
}

// wasiRead finds standard input at its end.
func wasiRead(in *instance, s []uint64) {
	if uint32(s[0]) != 0 {
		s[0] = wasiBadFile
		return
	}
	in.putU32(s[3], 0)
	s[0] = wasiOK
}

// wasiWrite logs what is written to standard output and error, a line at a time.
func wasiWrite(in *instance, s []uint64) {
	file, count := uint32(s[0]), uint32(s[2])
	if file != 1 && file != 2 {
		s[0] = wasiBadFile
		return
	}
	if count > maxVectors {
		s[0] = wasiFault
		return
	}
	var written uint32
	vectors := in.view(s[1], uint64(count)*8)
	for ; len(vectors) > 0 && in.frame.Err() == nil; vectors = vectors[8:] {
		b := in.view(uint64(binary.LittleEndian.Uint32(vectors)), uint64(binary.LittleEndian.Uint32(vectors[4:])))
		in.frame.Spend(len(b))
		in.print(b)
		written += uint32(len(b))
	}
	in.putU32(s[3], written)
	s[0] = wasiOK
}

// print adds to the line being written and logs those that are complete.
func (in *instance) print(b []byte) {
	for len(b) > 0 && in.frame.Err() == nil {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		in.line = append(in.line, part[:min(len(part), abi.MaxLogLine-len(in.line))]...)
		if whole {
			in.endLine()
		}
		b = rest
	}
}

// endLine logs the line being written, if there is one.
func (in *instance) endLine() {
	if len(in.line) > 0 {
		in.frame.Log(abi.LevelInfo, in.line)
		in.line = in.line[:0]
	}
}

// wasiPoll lets every timer expire at once and finds no file ready: a call has no
// time to wait in. A subscription takes 48 bytes, an event 32.
func wasiPoll(in *instance, s []uint64) {
	const subscription, event = 48, 32
	count := uint32(s[2])
	if count > maxVectors {
		s[0] = wasiFault
		return
	}
	subscriptions := in.view(s[0], uint64(count)*subscription)
	events := in.view(s[1], uint64(count)*event)
	for ; len(subscriptions) > 0; subscriptions, events = subscriptions[subscription:], events[event:] {
		clear(events[:event])
		copy(events, subscriptions[:8]) // user data
		kind := subscriptions[8]
		events[10] = kind
		if kind != 0 {
			binary.LittleEndian.PutUint16(events[8:], wasiNoEffort)
			continue
		}
		wait := int64(min(binary.LittleEndian.Uint64(subscriptions[24:]), math.MaxInt64/2))
		if absolute := subscriptions[40]&1 != 0; absolute {
			in.slept = max(in.slept, wait-in.nowMS*1e6)
		} else {
			in.slept = min(in.slept+wait, math.MaxInt64/2)
		}
	}
	in.putU32(s[3], count)
	s[0] = wasiOK
}

// wasiRandom fills the buffer from the request's sequence.
func wasiRandom(in *instance, s []uint64) {
	b := in.view(s[0], s[1])
	in.frame.Spend(len(b))
	var word [8]byte
	for len(b) > 0 && in.frame.Err() == nil {
		binary.LittleEndian.PutUint64(word[:], uint64(in.frame.Random()))
		b = b[copy(b, word[:]):]
	}
	s[0] = wasiOK
}

// envAbort is what AssemblyScript calls for a failed assertion: message and file
// name as UTF-16 strings with their byte length in the four bytes before them,
// then line and column. It ends the guest.
// https://www.assemblyscript.org/concepts.html#special-imports, read 2026-11-22
func envAbort(in *instance, s []uint64) {
	message := "abort"
	if ptr := uint64(uint32(s[0])); ptr >= 4 {
		size := binary.LittleEndian.Uint32(in.view(ptr-4, 4))
		raw := in.view(ptr, uint64(min(size, abi.MaxLogLine)&^1))
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(raw[2*i:])
		}
		message = "abort: " + string(utf16.Decode(units))
	}
	in.frame.Log(abi.LevelError, []byte(message))
	panic(errAbort)
}

var errAbort = errors.New("aborted itself")
