package wasm

import (
	"strings"

	"github.com/tetratelabs/wazero/api"
)

// signature is a function type in the letters of sdk/abi: i = i32, I = i64,
// f = f32, F = f64, and here also v = v128, r = a reference.
type signature struct{ params, results string }

var entrySignature = signature{results: "i"}

// letterOf maps a value type's byte to its letter; 0 for what v1 does not know.
func letterOf(b byte) byte {
	switch b {
	case 0x7f:
		return 'i'
	case 0x7e:
		return 'I'
	case 0x7d:
		return 'f'
	case 0x7c:
		return 'F'
	case 0x7b:
		return 'v'
	case 0x70, 0x6f: // funcref, externref
		return 'r'
	}
	return 0
}

// String returns the type as the text format writes it.
func (s signature) String() string {
	var b strings.Builder
	write := func(letters string) {
		b.WriteByte('(')
		for i, l := range []byte(letters) {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(letterNames[l])
		}
		b.WriteByte(')')
	}
	write(s.params)
	b.WriteString(" -> ")
	write(s.results)
	return b.String()
}

var letterNames = map[byte]string{'i': "i32", 'I': "i64", 'f': "f32", 'F': "f64", 'v': "v128", 'r': "ref"}

// valueTypes returns the letters as wazero wants them; only i, I and F occur at the boundary.
func valueTypes(letters string) []api.ValueType {
	var types []api.ValueType
	for _, l := range []byte(letters) {
		switch l {
		case 'i':
			types = append(types, api.ValueTypeI32)
		case 'I':
			types = append(types, api.ValueTypeI64)
		case 'F':
			types = append(types, api.ValueTypeF64)
		}
	}
	return types
}
