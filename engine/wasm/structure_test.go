package wasm

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// sections encodes a module of these sections, each an id and its content.
func sections(parts ...any) []byte {
	m := slices.Clone(moduleHeader)
	for i := 0; i < len(parts); i += 2 {
		m = appendSection(m, byte(parts[i].(int)), parts[i+1].([]byte))
	}
	return m
}

// huge is 2^32-1 as a LEB128 number.
var huge = []byte{0xff, 0xff, 0xff, 0xff, 0x0f}

var oneType = []byte{1, 0x60, 0, 1, 0x7f}

// hostile are modules that must be refused; what they must be refused with.
func hostile() map[string]struct {
	module []byte
	want   string
} {
	imported := func(module, name string, rest ...byte) []byte {
		return append(append([]byte{1}, appendName(appendName(nil, module), name)...), rest...)
	}
	type refused = struct {
		module []byte
		want   string
	}
	return map[string]refused{
		"empty":             {nil, "no module"},
		"text":              {[]byte("hello"), "not a WebAssembly module"},
		"component":         {[]byte{0, 'a', 's', 'm', 13, 0, 1, 0}, "not a WebAssembly module"},
		"unknown section":   {sections(13, []byte{}), "unknown section 13"},
		"section too long":  {append(slices.Clone(moduleHeader), 1, 100), "wants 100 bytes where 0 are left"},
		"size of 5 bytes":   {append(slices.Clone(moduleHeader), append([]byte{1}, huge...)...), "wants 4294967295 bytes"},
		"size of 6 bytes":   {append(slices.Clone(moduleHeader), 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0), "more than 32 bits"},
		"section twice":     {sections(1, oneType, 1, oneType), "repeated or out of order"},
		"section backwards": {sections(3, []byte{0}, 1, oneType), "repeated or out of order"},
		"section not full":  {sections(1, append(slices.Clone(oneType), 0)), "type section, at byte 15: 1 bytes too many"},

		"types 4G":     {sections(1, huge), "type section, at byte 15: 4294967295 types claimed"},
		"imports 4G":   {sections(2, huge), "import section"}, // 15 bytes: kills wazero 1.12
		"functions 4G": {sections(3, huge), "function section"},
		"tables 4G":    {sections(4, huge), "table section"},
		"memories 4G":  {sections(5, huge), "memory section"},
		"globals 4G":   {sections(6, huge), "global section"},
		"exports 4G":   {sections(7, huge), "export section"},
		"elements 4G":  {sections(9, huge), "element section"},
		"bodies 4G":    {sections(10, huge), "code section"},
		"data 4G":      {sections(11, huge), "data section"},
		"counted 4G":   {sections(12, huge), "data count section"},

		"params 4G":      {sections(1, append([]byte{1, 0x60}, huge...)), "values claimed"},
		"33 params":      {sections(1, append(append([]byte{1, 0x60, 33}, bytes.Repeat([]byte{0x7f}, 33)...), 0)), "33 values (at most 32)"},
		"garbage type":   {sections(1, []byte{1, 0x60, 1, 0x11, 0}), "unknown value type 0x11"},
		"struct type":    {sections(1, []byte{1, 0x5f, 0, 0}), "type form 0x5f"},
		"element 4G":     {sections(9, append([]byte{1, 1, 0}, huge...)), "elements claimed"},
		"active element": {sections(9, append([]byte{1, 0, 0x41, 0, 0x0b}, huge...)), "elements claimed"},
		"locals 4G":      {sections(1, oneType, 3, []byte{1, 0}, 10, append([]byte{1, 8, 1}, append(huge, 0x7f, 0x0b)...)), "4294967295 locals (at most 1000)"},
		"locals in groups": {sections(1, oneType, 3, []byte{1, 0}, 10,
			[]byte{1, 9, 3, 0xe7, 7, 0x7f, 1, 0x7f, 1, 0x7f, 0x0b}), "1001 locals"},
		"body without an end": {sections(1, oneType, 3, []byte{1, 0}, 10, []byte{1, 1, 0, 0}), "code section"},
		"body too long":       {sections(1, oneType, 3, []byte{1, 0}, 10, []byte{1, 100, 0, 0x0b}), "wants 100 bytes"},
		"more bodies":         {sections(1, oneType, 10, []byte{1, 2, 0, 0x0b}), "1 bodies for 0 functions"},
		"no bodies":           {sections(1, oneType, 3, []byte{1, 0}), "0 bodies for 1 functions"},
		"function of no type": {sections(1, oneType, 3, []byte{1, 1}), "type 1 of 1"},
		"start":               {sections(1, oneType, 8, []byte{0}), "start function is not allowed"},
		"two memories":        {sections(5, []byte{2, 0, 1, 0, 1}), "2 memories (at most 1)"},
		"shared memory":       {sections(5, []byte{1, 3, 1, 1}), "limits of kind 0x3"},
		"64-bit memory":       {sections(5, []byte{1, 4, 1}), "limits of kind 0x4"},
		"memory backwards":    {sections(5, []byte{1, 1, 2, 1}), "at most 1 and at least 2"},
		"two tables":          {sections(4, []byte{2, 0x70, 0, 1, 0x70, 0, 1}), "2 tables (at most 1)"},
		"table of 128 M":      {sections(4, []byte{1, 0x70, 0, 0x80, 0x80, 0x80, 0x40}), "134217728 elements (at most 65536)"},
		"computed global":     {sections(6, []byte{1, 0x7f, 0, 0x10, 0, 0x0b}), "instruction 0x10 that is not constant"},
		"endless constant":    {sections(6, []byte{1, 0x7f, 0, 0x41, 0x80}), "ends too early"},
		"data of 4G":          {sections(11, append([]byte{1, 1}, huge...)), "wants 4294967295 bytes"},
		"data not counted":    {sections(12, []byte{2}, 11, []byte{1, 1, 0}), "1 segments where 2 were announced"},
		"exported twice":      {sections(5, []byte{1, 0, 1}, 7, []byte{2, 1, 'a', 2, 0, 1, 'a', 2, 0}), `exports "a" twice`},
		"name not UTF-8":      {sections(7, []byte{1, 1, 0xff, 0, 0}), "not UTF-8"},
		"name of 4G":          {sections(7, append([]byte{1}, huge...)), "name of 4294967295 bytes"},

		"imported memory":        {sections(2, imported("env", "memory", 2, 0, 1)), "its own memory"},
		"unknown import":         {sections(1, oneType, 2, imported(abi.Module, "shell", 0, 0)), `"shell" of "pointsman_v1", which this host does not offer`},
		"unknown import of wasi": {sections(1, oneType, 2, imported(wasiModule, "sock_open", 0, 0)), `"sock_open" of "wasi_snapshot_preview1"`},
		"import of another type": {sections(1, oneType, 2, imported(abi.Module, "doc", 0, 0)), `"doc" of "pointsman_v1" as () -> (i32); it is (i32) -> (i32)`},
		"import of no type":      {sections(2, imported(abi.Module, "doc", 0, 0)), "type 0 of 0"},
	}
}

// TestHostileModules is U1 and its kin: no module of a few bytes may cost more than
// its bytes.
func TestHostileModules(t *testing.T) {
	for name, tt := range hostile() {
		t.Run(name, func(t *testing.T) {
			var got error
			took := allocated(1<<20, func() { _, got = inspect(tt.module) })
			if engine.CodeOf(got) != engine.CodeInvalid || !strings.Contains(got.Error(), tt.want) {
				t.Errorf("Inspect(% x) = %v, want %q", tt.module, got, tt.want)
			}
			if took > 1<<20 {
				t.Errorf("Inspect(% x) allocates %d bytes", tt.module, took)
			}
		})
	}
}

// TestInspectExports: what a module must export is checked by exact type.
func TestInspectExports(t *testing.T) {
	t.Parallel()
	good := rule(i32c(0))
	tests := []struct {
		name   string
		module func() []byte
		want   string
	}{
		{"no manifest", good.module, `no pointsman.manifest section`},
		{"no entry", func() []byte { return asm{functions: map[string][]byte{abi.EntryConfigure: i32c(0)}}.build(t) }, `no function "pm_decide_v1", which a rule must have`},
		{"a rule as provider", func() []byte { a := good; a.kind = abi.KindProvider; return a.build(t) }, `no function "pm_request_v1"`},
		{"too much memory", func() []byte { a := good; a.pages = abi.RuleMemory/abi.PageSize + 1; return a.build(t) }, "memory section: 33619968 bytes"},
		{"entry of another type", func() []byte {
			return replace(t, good.build(t), []byte(abi.EntryDecide), []byte("pm_request_x"))
		}, `no function "pm_decide_v1"`},
		{"no memory", func() []byte { return replace(t, good.build(t), []byte(abi.Memory), []byte("memori")) }, `no memory named "memory"`},
		{"memory is a function", func() []byte {
			return replace(t, good.build(t), append([]byte(abi.Memory), 2), append([]byte(abi.Memory), 0))
		}, `no memory named "memory"`},
		{"entry is a memory", func() []byte {
			return replace(t, good.build(t), append([]byte(abi.EntryDecide), 0), append([]byte(abi.EntryDecide), 2))
		}, `no function "pm_decide_v1"`},
		{"initialize with a result", func() []byte {
			a := good
			a.functions = map[string][]byte{abi.EntryDecide: i32c(0), "_initialisE": i32c(0)}
			return replace(t, a.build(t), []byte("_initialisE"), []byte(abi.Initialize))
		}, `"_initialize" is () -> (i32); it must be () -> ()`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := inspect(tt.module())
			if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Inspect() = %v, want %q", err, tt.want)
			}
		})
	}
	if m, err := inspect(good.build(t)); err != nil || m.Name != "test" {
		t.Errorf("Inspect(good) = %+v, %v", m, err)
	}
}

func replace(t *testing.T, module, old, new []byte) []byte {
	t.Helper()
	if len(old) != len(new) || bytes.Count(module, old) != 1 {
		t.Fatalf("%q occurs %d times", old, bytes.Count(module, old))
	}
	return bytes.Replace(module, old, new, 1)
}

// TestLean: the compiler sees no custom section but function names that are well formed.
func TestLean(t *testing.T) {
	t.Parallel()
	custom := func(name string, content []byte) []byte { return append(appendName(nil, name), content...) }
	names := append([]byte{1}, appendName([]byte{0}, "decide")...)
	bomb := append([]byte{1, 5}, huge...)
	base := rule(i32c(0)).build(t)
	tests := []struct {
		name    string
		section []byte
		keeps   bool
	}{
		{"900 KB of something", custom("x", make([]byte, 900_000)), false},
		{"debug information", custom(".debug_info", []byte("x")), false},
		{"function names", custom("name", appendSection(nil, 1, names)), true},
		{"function names behind others", custom("name", appendSection(appendSection(nil, 0, []byte{1, 'm'}), 1, names)), true},
		{"names that claim too many", custom("name", bomb), false},
		{"local names only", custom("name", appendSection(nil, 2, huge)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := readStructure(appendSection(slices.Clone(base), sectionCustom, tt.section))
			if err != nil {
				t.Fatalf("readStructure() = %v", err)
			}
			plain, err := readStructure(base)
			if err != nil {
				t.Fatalf("readStructure(base) = %v", err)
			}
			lean := encode(s)
			if got := len(lean) > len(encode(plain)); got != tt.keeps {
				t.Errorf("the section is kept: %v, want %v", got, tt.keeps)
			}
			if bytes.Contains(lean, []byte(abi.ManifestSection)) {
				t.Error("the manifest is kept")
			}
		})
	}
}

func FuzzStructure(f *testing.F) {
	for _, tt := range hostile() {
		f.Add(tt.module)
	}
	f.Add(rule(seq(forever, i32c(0)), "doc", "log").build(f))
	f.Add(adapter(abi.EntryEvent, i32c(0), "emit").build(f))
	f.Fuzz(func(t *testing.T, module []byte) {
		s, err := readStructure(module)
		if err != nil {
			return
		}
		lean := encode(s)
		if len(lean) > len(module) {
			t.Errorf("%d bytes of sections from %d", len(lean), len(module))
		}
		again, err := readStructure(lean)
		if err != nil {
			t.Fatalf("readStructure(sections) = %v", err)
		}
		if !bytes.Equal(encode(again), lean) || len(again.functions) != len(s.functions) {
			t.Error("the sections read differently")
		}
	})
}

func encode(s *structure) []byte {
	m := slices.Clone(moduleHeader)
	for _, part := range s.sections {
		m = appendSection(m, part.id, part.content)
	}
	return m
}
