package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/sys"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// hostCall is a call that the guest of callers makes: the function's number in that order,
// and its arguments. Where doc is not 0, the first argument is that document instead, and
// where member is not 0 too, its member with the number of the first argument.
type hostCall struct {
	function, doc, member uint32
	args                  [4]uint64
}

// put writes the call to where the guest reads it.
func (c hostCall) put(memory []byte) {
	for i, word := range []uint32{c.function, c.doc, c.member} {
		binary.LittleEndian.PutUint32(memory[4*i:], word)
	}
	for i, arg := range c.args {
		binary.LittleEndian.PutUint64(memory[12+8*i:], arg)
	}
}

// bufferOf says where a function's buffer stands among its arguments: that of its address, before that
// of its size. The others write nothing to a guest's memory.
var bufferOf = map[string]int{"key": 2, "text": 1, "raw": 1, "state_load": 0, "event_name": 0, "http_field": 2}

// callers is a guest that makes the call that stands in its memory, to any function that is
// offered: those of the boundary first.
func callers(kind, entry string) (guest asm, functions []hostFunction) {
	guest = asm{kind: kind, locals: 1, functions: map[string][]byte{}}
	for _, name := range abi.RequiredEntries(kind) {
		guest.functions[name] = i32c(0)
	}
	for _, module := range []struct {
		name string
		to   *[]string
	}{{abi.Module, &guest.imports}, {wasiModule, &guest.wasi}, {"env", &guest.env}} {
		for _, f := range hostModules[module.name] {
			*module.to = append(*module.to, f.name)
			functions = append(functions, f)
		}
	}
	index := func(name string) []byte {
		for i, f := range functions {
			if f.name == name {
				return call(uint32(i))
			}
		}
		panic(name)
	}
	load := func(at byte) []byte { return []byte{0x41, 0, 0x28, 2, at} }
	first := []byte{0x20, 0}
	set := []byte{0x21, 0}
	when := []byte{0x04, 0x40}
	end := []byte{0x0b}
	body := seq(
		load(12), set,
		load(4), when, load(4), index("doc"), set, load(8), when, first, load(12), index("at"), set, end, end,
	)
	for i, f := range functions {
		body = seq(body, load(0), i32c(int32(i)), []byte{0x46}, when)
		for j, letter := range f.params {
			switch {
			case j == 0 && letter == 'i':
				body = seq(body, first)
			case letter == 'i':
				body = seq(body, load(12+8*byte(min(j, 3))))
			default:
				body = seq(body, []byte{0x41, 0, 0x29, 3, 12 + 8*byte(min(j, 3))})
			}
		}
		body = seq(body, call(uint32(i)))
		if f.result != "" {
			body = seq(body, drop)
		}
		body = seq(body, end)
	}
	guest.functions[entry] = seq(body, i32c(0))
	return guest, functions
}

// refused are the faults that a host function may find in what a guest passes.
var refused = []error{
	errBounds, errAbort, errFuel,
	document.ErrCalls, document.ErrWork, document.ErrOutput, document.ErrHandles, document.ErrParse, document.ErrState, document.ErrTargets,
	document.ErrTags, document.ErrLossy, document.ErrText, document.ErrMethod, document.ErrPath, document.ErrHeader, document.ErrClass,
}

// readCalls takes calls out of a fuzzer's bytes. Half of the arguments are addresses and sizes within
// the guest's memory or about its end, so that not all calls end at once.
func readCalls(data []byte, functions int) (calls []hostCall) {
	const width = 3 + 4*5
	for ; len(data) >= width && len(calls) < 32; data = data[width:] {
		c := hostCall{function: uint32(data[0]) % uint32(functions), doc: uint32(data[1]) % 8, member: uint32(data[2]) % 2}
		for i := range c.args {
			at := data[3+5*i:]
			v := uint64(binary.LittleEndian.Uint32(at[1:]))
			switch at[0] % 8 {
			case 0:
				v |= 0xDEADBEEF << 32 // the upper half of an i32 is nobody's; an i64 has one
			case 1, 2:
				v %= abi.PageSize
			case 3:
				v = abi.PageSize - v%16
			case 4, 5:
				v %= 64
			case 6:
				v = -(v % 64)
			}
			c.args[i] = v
		}
		calls = append(calls, c)
	}
	return calls
}

// FuzzHostCall passes any numbers to every function that a guest may import. Each is answered or
// ends the guest with a fault of the boundary; none is a fault of ours, and nothing is
// written but within the buffer that was named.
func FuzzHostCall(f *testing.F) {
	type host struct {
		p         *plugin
		entry     entry
		functions []hostFunction
	}
	hosts := map[string]*host{}
	l := open(f, cached())
	var s shelf
	for kind, e := range map[string]entry{abi.KindRule: entryDecide, abi.KindProvider: entryEvent} {
		guest, functions := callers(kind, entryNames[e])
		guest.name = kind
		s.add(f, "", guest.build(f))
		hosts[kind] = &host{entry: e, functions: functions}
	}
	s.sync(f, l)
	for kind, h := range hosts {
		p, err := l.lookup("", kind, kind)
		if err != nil {
			f.Fatalf("lookup(%s) = %v", kind, err)
		}
		h.p = p
	}
	for i := range len(hosts[abi.KindRule].functions) {
		for _, arg := range []string{"\x02\x30\x00\x00\x00", "\x07\xff\xff\xff\xff", "\x03\x01\x00\x00\x00"} {
			one := string(rune(i)) + "\x02\x01" + strings.Repeat(arg, 4)
			f.Add(true, []byte(strings.Repeat(one, 2)))
			f.Add(false, []byte(one))
		}
	}
	doc := jsonNode(f, `{"text":"ein \"zwei\" \u00e4🚀","n":[1,2.5,-1e300,9007199254740993],"o":{"a":null,"b":"{\"c\":[true]}"},"long":"`+strings.Repeat("x", 5000)+`"}`)

	f.Fuzz(func(t *testing.T, rule bool, data []byte) {
		kind := map[bool]string{true: abi.KindRule, false: abi.KindProvider}[rule]
		h := hosts[kind]
		in, err := h.p.instantiate(h.p.own)
		if err != nil {
			t.Fatalf("instantiate() = %v", err)
		}
		defer in.close()
		for i := range in.memory.view {
			in.memory.view[i] = "ab/\n c\xff\x00"[i%8]
		}
		var state document.State
		for i, c := range readCalls(data, len(h.functions)) {
			in.reset(document.FrameInput{
				Request: doc, Context: doc, Config: doc, Response: doc, Call: doc, State: &state, Random: document.NewRandom("r", 1, "p"),
				EventName: "content_block_delta", Status: 200, Field: func(string) string { return "value" },
			}, h.entry)
			name := h.functions[c.function].name
			if at, ok := bufferOf[name]; ok && at == 0 {
				c.doc = 0 // its first argument is the buffer
			}
			c.put(in.memory.view)
			before := bytes.Clone(in.memory.view)
			_, err := in.call(h.entry)
			if err != nil && !expected(err) {
				t.Fatalf("call %d, %s%x: %v, which is no fault of a guest's", i, name, c.args, err)
			}
			if c.function < uint32(len(abi.Functions())) {
				if from, to := strayed(before, in.memory.view, c, name); from < to {
					t.Fatalf("call %d, %s%x: writes to %d–%d, outside its buffer", i, name, c.args, from, to)
				}
			}
			if len(in.memory.view) != abi.PageSize {
				t.Fatalf("call %d, %s: memory is %d bytes, want %d", i, name, len(in.memory.view), abi.PageSize)
			}
			if err != nil {
				return // the instance is gone
			}
		}
	})
}

// expected reports whether a guest may end so: not by a fault of Go's runtime, which would be ours.
func expected(err error) bool {
	var fault runtime.Error
	if errors.As(err, &fault) {
		return false
	}
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		return true
	}
	for _, known := range refused {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// strayed returns the bytes that differ outside the call's buffer: none, when from is to.
func strayed(before, after []byte, c hostCall, name string) (from, to int) {
	start, size := 0, 0
	if i, ok := bufferOf[name]; ok {
		start, size = int(uint32(c.args[i])), int(uint32(c.args[i+1]))
	}
	if start+size > len(before) {
		start, size = 0, 0 // then nothing may be written at all
	}
	for i := range before {
		if before[i] != after[i] && (i < start || i >= start+size) {
			if from == to {
				from = i
			}
			to = i + 1
		}
	}
	return from, to
}

// The fuzz target sees what it is for: a write outside the buffer, and a fault of Go's.
func TestHostCallIsSeen(t *testing.T) {
	t.Parallel()
	before := make([]byte, 64)
	after := bytes.Clone(before)
	after[7], after[8], after[12] = 1, 1, 1
	for _, tt := range []struct {
		name     string
		ptr, cap uint64
		want     [2]int
	}{
		{"text", 7, 6, [2]int{0, 0}},
		{"text", 8, 5, [2]int{7, 8}},
		{"text", 7, 5, [2]int{12, 13}},
		{"text", 7, 1 << 31, [2]int{7, 13}},
		{"equal", 7, 6, [2]int{7, 13}},
	} {
		c := hostCall{args: [4]uint64{0, tt.ptr, tt.cap}}
		if from, to := strayed(before, after, c, tt.name); [2]int{from, to} != tt.want {
			t.Errorf("strayed(%s, %d, %d) = %d, %d, want %v", tt.name, tt.ptr, tt.cap, from, to, tt.want)
		}
	}
	if err := fmt.Errorf("x: %w", outside()); expected(err) {
		t.Errorf("expected(%v) = true, want false", err)
	}
}

// outside is the fault of an index outside its slice.
func outside() (err error) {
	defer func() { err = recover().(runtime.Error) }()
	var none []byte
	return fmt.Errorf("no fault at %d", none[len(none)])
}
