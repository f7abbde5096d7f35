package wasm

// relayGuest is the import module of a relay.
const relayGuest = "guest"

// relayModule encodes a module that imports the named functions of the guest and
// exports each under its own name; all are () -> i32, initialize is () -> (). Calls go
// through it so that a call can be stopped from outside at no cost per call.
// See RATIONALE.md, "How is an overdue call stopped?".
//
// Every relay declares both types, in this order, because wazero numbers types per
// runtime in the order of their first appearance, and a guest and its relay live in two.
func relayModule(entries []string, initialize string) []byte {
	type function struct {
		name string
		typ  byte
	}
	var functions []function
	for _, name := range entries {
		functions = append(functions, function{name, 0})
	}
	if initialize != "" {
		functions = append(functions, function{initialize, 1})
	}
	n := uint32(len(functions))

	imports, types := appendU32(nil, n), appendU32(nil, n)
	exports, bodies := appendU32(nil, n), appendU32(nil, n)
	for i, f := range functions {
		imports = appendName(appendName(imports, relayGuest), f.name)
		imports = append(imports, 0, f.typ)
		types = append(types, f.typ)
		exports = append(appendName(exports, f.name), 0)
		exports = appendU32(exports, n+uint32(i))
		body := append(appendU32([]byte{0, 0x10}, uint32(i)), 0x0b) // no locals; call i; end
		bodies = append(appendU32(bodies, uint32(len(body))), body...)
	}

	m := append([]byte(nil), moduleHeader...)
	m = appendSection(m, sectionType, []byte{2, 0x60, 0, 1, 0x7f, 0x60, 0, 0})
	m = appendSection(m, sectionImport, imports)
	m = appendSection(m, sectionFunction, types)
	m = appendSection(m, sectionExport, exports)
	return appendSection(m, sectionCode, bodies)
}

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendName(b []byte, s string) []byte {
	return append(appendU32(b, uint32(len(s))), s...)
}

func appendSection(m []byte, id byte, content []byte) []byte {
	return append(appendU32(append(m, id), uint32(len(content))), content...)
}
