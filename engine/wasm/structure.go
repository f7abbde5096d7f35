package wasm

import (
	"bytes"
	"fmt"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Section ids of the binary format, in the only order in which they may stand.
// https://webassembly.github.io/spec/core/binary/modules.html#sections
const (
	sectionCustom    = 0
	sectionType      = 1
	sectionImport    = 2
	sectionFunction  = 3
	sectionTable     = 4
	sectionMemory    = 5
	sectionGlobal    = 6
	sectionExport    = 7
	sectionStart     = 8
	sectionElement   = 9
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12
)

var sectionNames = [...]string{
	"custom section", "type section", "import section", "function section", "table section",
	"memory section", "global section", "export section", "start section", "element section",
	"code section", "data section", "data count section",
}

// sectionRank is a section's place in the order: the data count comes before the code.
var sectionRank = [...]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10}

var moduleHeader = []byte{0, 'a', 's', 'm', 1, 0, 0, 0}

// Caps on counts. Real standard-Go guests of 3 MiB have 2,120 functions, 36,620 data
// segments, one table of 6,216 and 20 locals a function.
const (
	maxTypes     = 2_000
	maxValues    = 32 // parameters or results of one type
	maxImports   = 256
	maxFunctions = 20_000
	maxTable     = 65_536
	maxGlobals   = 1_000
	maxExports   = 256
	maxElements  = 256
	maxData      = 65_536
	maxLocals    = 1_000 // of one function
	maxName      = 1 << 10
	maxCustom    = 64
)

// structure is what the gate reads of a module before anything else may see it.
type structure struct {
	module    []byte
	types     []signature
	functions []uint32 // type of each function, imported ones first
	imports   int      // of those, imported
	tables    int
	memories  int
	minPages  uint32
	globals   int
	elements  int // of all segments: each instance has them, beside its memory
	exports   map[string]export
	bodies    int
	custom    int
	dataCount int // -1: not declared
	manifest  []byte
	// sections are the module's own, without custom ones, except for function names:
	// debug information is dead weight, and wazero reads names trustingly.
	sections []section
}

type section struct {
	id      byte
	content []byte // a view of the module
	at      int    // where that begins
}

type export struct {
	kind  byte // 0 function, 1 table, 2 memory, 3 global
	index uint32
}

// readStructure checks that a module is framed as it claims to be: every section in
// order and of its stated size, every count within what is left and within the caps,
// every import offered by this host with exactly its type. It reads no instructions:
// that is the meter's work.
// Errors name the section and, for imports, the function; they are safe to show.
func readStructure(module []byte) (*structure, error) {
	if !bytes.HasPrefix(module, moduleHeader) {
		return nil, fmt.Errorf("not a WebAssembly module, version 1 (a component is not one)")
	}
	s := &structure{module: module, exports: map[string]export{}, dataCount: -1}
	c := &cursor{b: module[len(moduleHeader):], at: len(moduleHeader), part: "module"}
	last := 0
	for len(c.b) > 0 && c.err == nil {
		id, size := c.byte(), c.u32()
		if int(id) >= len(sectionNames) {
			c.fail("unknown section %d", id)
			break
		}
		if id != sectionCustom {
			if sectionRank[id] <= last {
				c.fail("%s repeated or out of order", sectionNames[id])
				break
			}
			last = sectionRank[id]
		}
		part := section{id: id, at: c.at}
		part.content = c.take(size)
		if c.err != nil {
			break
		}
		sub := &cursor{b: part.content, at: part.at, part: sectionNames[id]}
		s.read(id, sub)
		sub.end()
		if sub.err != nil {
			return nil, sub.err
		}
		if id != sectionCustom {
			s.sections = append(s.sections, part)
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	if declared := len(s.functions) - s.imports; s.bodies != declared {
		return nil, fmt.Errorf("code section: %d bodies for %d functions", s.bodies, declared)
	}
	return s, nil
}

func (s *structure) read(id byte, c *cursor) {
	switch id {
	case sectionCustom:
		s.customSection(c)
	case sectionType:
		s.typeSection(c)
	case sectionImport:
		s.importSection(c)
	case sectionFunction:
		for range c.count("functions", 1, maxFunctions) {
			s.functions = append(s.functions, s.typeIndex(c))
		}
	case sectionTable:
		s.tables = c.count("tables", 3, 1)
		for range s.tables {
			if letterOf(c.byte()) != 'r' {
				c.fail("table of something that is no reference")
			}
			if least, _ := limits(c); least > maxTable {
				c.fail("table of %d elements (at most %d)", least, maxTable)
			}
		}
	case sectionMemory:
		s.memories = c.count("memories", 2, 1)
		for range s.memories {
			s.minPages, _ = limits(c)
		}
	case sectionGlobal:
		for range c.count("globals", 4, maxGlobals) {
			c.valueType()
			if c.byte() > 1 {
				c.fail("mutability is neither 0 nor 1")
			}
			constant(c, s.known())
			s.globals++
		}
	case sectionExport:
		s.exportSection(c)
	case sectionStart:
		c.fail("a start function is not allowed: export %s instead", abi.Initialize)
	case sectionElement:
		for range c.count("element segments", 2, maxElements) {
			if s.elements += element(c, s.known()); s.elements > maxTable {
				c.fail("more than %d elements in all", maxTable)
			}
		}
	case sectionDataCount:
		s.dataCount = int(c.u32())
		if s.dataCount > maxData {
			c.fail("%d data segments (at most %d)", s.dataCount, maxData)
		}
	case sectionCode:
		s.bodies = c.count("bodies", 3, maxFunctions)
		for range s.bodies {
			body(c)
		}
	case sectionData:
		n := c.count("data segments", 2, maxData)
		if s.dataCount >= 0 && n != s.dataCount && c.err == nil {
			c.fail("%d segments where %d were announced", n, s.dataCount)
		}
		for range n {
			data(c, s.known())
		}
	}
}

func (s *structure) typeSection(c *cursor) {
	values := func() string {
		var letters []byte
		for range c.count("values", 1, maxValues) {
			letters = append(letters, c.valueType())
		}
		return string(letters)
	}
	for range c.count("types", 3, maxTypes) {
		if form := c.byte(); form != 0x60 {
			c.fail("type form %#x; only functions are known", form)
		}
		s.types = append(s.types, signature{params: values(), results: values()})
	}
}

func (s *structure) importSection(c *cursor) {
	for range c.count("imports", 4, maxImports) {
		module, name, kind := c.name(), c.name(), c.byte()
		if c.err != nil {
			return
		}
		if kind != 0 {
			c.fail("imports %q of %q, which is no function; a plugin brings its own memory, tables and globals", name, module)
			return
		}
		typ := s.typeIndex(c)
		want, known := offered[importName{module, name}]
		if !known {
			c.fail("imports function %q of %q, which this host does not offer", name, module)
			return
		}
		if c.err == nil && s.types[typ] != want {
			c.fail("imports function %q of %q as %v; it is %v", name, module, s.types[typ], want)
		}
		s.functions = append(s.functions, typ)
		s.imports++
	}
}

func (s *structure) exportSection(c *cursor) {
	for range c.count("exports", 3, maxExports) {
		name := c.name()
		e := export{kind: c.byte(), index: c.u32()}
		if _, twice := s.exports[name]; twice {
			c.fail("exports %q twice", name)
		}
		if count := [...]int{len(s.functions), s.tables, s.memories, s.globals}; int(e.kind) >= len(count) {
			c.fail("exports %q of unknown kind %d", name, e.kind)
		} else if int64(e.index) >= int64(count[e.kind]) {
			c.fail("exports %q, which is not there", name)
		}
		if isHostGlobal(name) {
			c.fail("exports %q, a name that is the host's", name)
		}
		s.exports[name] = e
	}
}

func (s *structure) customSection(c *cursor) {
	if s.custom++; s.custom > maxCustom {
		c.fail("more than %d custom sections", maxCustom)
		return
	}
	name := c.name()
	content := c.take(uint32(len(c.b)))
	switch {
	case c.err != nil:
	case name == abi.ManifestSection:
		if s.manifest != nil {
			c.fail("%s stands twice", name)
		}
		s.manifest = content
	case name == "name":
		if names := functionNames(content); names != nil {
			s.sections = append(s.sections, section{id: sectionCustom, content: append(appendName(nil, name), names...)})
		}
	}
}

func (s *structure) typeIndex(c *cursor) uint32 {
	i := c.u32()
	if c.err == nil && int64(i) >= int64(len(s.types)) {
		c.fail("type %d of %d", i, len(s.types))
		return 0
	}
	return i
}

// known is what may be named so far.
func (s *structure) known() indexes {
	return indexes{types: uint32(len(s.types)), functions: uint32(len(s.functions)), globals: uint32(s.globals)}
}

// function returns the type of the exported function, and whether there is one.
func (s *structure) function(name string) (signature, bool) {
	e, ok := s.exports[name]
	if !ok || e.kind != 0 {
		return signature{}, false
	}
	return s.types[s.functions[e.index]], true
}
