package wasm

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// asm is a small guest written by hand, in instructions: what compilers do not make.
type asm struct {
	name      string // default "test"
	version   string // default "1.0.0"
	kind      string // default rule
	imports   []string
	wasi      []string
	env       []string
	functions map[string][]byte // body of each export, without its end
	locals    int               // i32 locals of each function
	pages     uint32            // of memory at the start; default 1
	table     []byte            // content of the table section
	global    bool              // one i32 global
	helpers   [][]byte          // bodies of functions () -> i32 that are not exported, numbered after the imports
	data      string            // at address 0
	schema    string            // config_schema
	fuel      int               // limits.fuel
}

// Instructions. https://webassembly.github.io/spec/core/binary/instructions.html
func i32c(v int32) []byte { return append([]byte{0x41}, sleb(int64(v))...) }
func i64c(v int64) []byte { return append([]byte{0x42}, sleb(v)...) }

// call calls the function of that index, imports first, in the order given.
func call(i uint32) []byte { return appendU32([]byte{0x10}, i) }

var (
	unreachable = []byte{0x00}
	drop        = []byte{0x1a}
	forever     = []byte{0x03, 0x40, 0x0c, 0x00, 0x0b} // loop br 0 end
	growMemory  = []byte{0x40, 0x00}
	loadI32     = []byte{0x28, 0x02, 0x00}
	storeI32    = []byte{0x36, 0x02, 0x00}
)

func seq(parts ...[]byte) []byte { return slices.Concat(parts...) }

// repeat runs body n times; it uses local 0.
func repeat(n int32, body []byte) []byte {
	return seq(i32c(n), []byte{0x21, 0, 0x03, 0x40}, body,
		[]byte{0x20, 0}, i32c(1), []byte{0x6b, 0x22, 0, 0x0d, 0, 0x0b})
}

func sleb(v int64) []byte {
	var b []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// module encodes the guest, without a manifest.
func (a asm) module() []byte {
	var types []signature
	typeOf := func(s signature) uint32 {
		if i := slices.Index(types, s); i >= 0 {
			return uint32(i)
		}
		types = append(types, s)
		return uint32(len(types) - 1)
	}
	var imports []byte
	add := func(module string, names []string) {
		for _, name := range names {
			imports = append(appendName(appendName(imports, module), name), 0)
			imports = appendU32(imports, typeOf(offered[importName{module, name}]))
		}
	}
	add(abi.Module, a.imports)
	add(wasiModule, a.wasi)
	add("env", a.env)
	imported := uint32(len(a.imports) + len(a.wasi) + len(a.env))

	functions, exports, bodies := []byte{}, appendName(nil, abi.Memory), []byte{}
	exports = append(exports, 2, 0)
	n := uint32(0)
	for _, b := range a.helpers {
		functions = appendU32(functions, typeOf(entrySignature))
		body := append(append([]byte{0}, b...), 0x0b)
		bodies = append(appendU32(bodies, uint32(len(body))), body...)
		n++
	}
	for _, name := range sortedKeys(a.functions) {
		typ := entrySignature
		if name == abi.Initialize {
			typ = signature{}
		}
		functions = appendU32(functions, typeOf(typ))
		exports = appendU32(append(appendName(exports, name), 0), imported+n)
		body := []byte{0}
		if a.locals > 0 {
			body = append(appendU32([]byte{1}, uint32(a.locals)), 0x7f)
		}
		body = append(append(body, a.functions[name]...), 0x0b)
		bodies = append(appendU32(bodies, uint32(len(body))), body...)
		n++
	}
	var typeSection []byte
	for _, s := range types {
		typeSection = append(typeSection, 0x60)
		typeSection = appendValues(appendValues(typeSection, s.params), s.results)
	}
	pages := a.pages
	if pages == 0 {
		pages = 1
	}
	vector := func(n uint32, content []byte) []byte { return append(appendU32(nil, n), content...) }

	m := slices.Clone(moduleHeader)
	m = appendSection(m, sectionType, vector(uint32(len(types)), typeSection))
	if imported > 0 {
		m = appendSection(m, sectionImport, vector(imported, imports))
	}
	m = appendSection(m, sectionFunction, vector(n, functions))
	if a.table != nil {
		m = appendSection(m, sectionTable, a.table)
	}
	m = appendSection(m, sectionMemory, appendU32([]byte{1, 0}, pages))
	if a.global {
		m = appendSection(m, sectionGlobal, []byte{1, 0x7f, 1, 0x41, 0, 0x0b})
	}
	m = appendSection(m, sectionExport, vector(uint32(len(a.functions))+1, exports))
	m = appendSection(m, sectionCode, vector(n, bodies))
	if a.data != "" {
		segment := append(append([]byte{1, 0}, i32c(0)...), 0x0b)
		m = appendSection(m, sectionData, append(appendU32(segment, uint32(len(a.data))), a.data...))
	}
	return m
}

func appendValues(b []byte, letters string) []byte {
	b = appendU32(b, uint32(len(letters)))
	for _, l := range []byte(letters) {
		b = append(b, map[byte]byte{'i': 0x7f, 'I': 0x7e, 'f': 0x7d, 'F': 0x7c}[l])
	}
	return b
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (a asm) manifest() string {
	set := func(s *string, to string) {
		if *s == "" {
			*s = to
		}
	}
	set(&a.name, "test")
	set(&a.version, "1.0.0")
	set(&a.kind, abi.KindRule)
	schema := ""
	if a.schema != "" {
		schema = `,"config_schema":` + a.schema
	}
	if a.fuel != 0 {
		schema += fmt.Sprintf(`,"limits":{"fuel":%d}`, a.fuel)
	}
	return `{"name":"` + a.name + `","version":"` + a.version + `","kind":"` + a.kind + `","abi":1` + schema + `}`
}

// build encodes the guest with its manifest.
func (a asm) build(t testing.TB) []byte {
	t.Helper()
	module, err := EmbedManifest(a.module(), []byte(a.manifest()))
	if err != nil {
		t.Fatalf("EmbedManifest(%s) = %v", a.manifest(), err)
	}
	return module
}

// rule is a guest that decides by that body.
func rule(body []byte, imports ...string) asm {
	return asm{imports: imports, locals: 1, functions: map[string][]byte{abi.EntryDecide: body}}
}

// adapter is a guest whose entry point has that body; the others answer 0.
func adapter(e string, body []byte, imports ...string) asm {
	a := asm{kind: abi.KindProvider, imports: imports, locals: 1, functions: map[string][]byte{}}
	for _, name := range abi.RequiredEntries(abi.KindProvider) {
		a.functions[name] = i32c(0)
	}
	a.functions[e] = body
	return a
}
