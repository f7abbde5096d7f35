package wasm

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"sync"

	"github.com/pointsman/pointsman/sdk/abi"
)

// sources are what the metered form of a module depends on, beside the module: code that was made by
// other ones is not found again. See RATIONALE.md, "What does wazero get of a module that is compiled?".
//
//go:embed cursor.go data.go hollow.go instruction.go meter.go meter_body.go segment.go structure.go weight.go
var sources embed.FS

// rewriting is the hash of the sources and of the boundary's figures that they use.
var rewriting = sync.OnceValue(func() (sum [32]byte) {
	h := sha256.New()
	files, err := sources.ReadDir(".")
	for _, f := range files {
		var text []byte
		if text, err = sources.ReadFile(f.Name()); err != nil {
			break
		}
		h.Write(text)
	}
	if err != nil {
		panic(err) // the compiler put them there
	}
	for _, n := range []uint64{abi.FuelSlice, abi.ProviderMemory, abi.PageSize} {
		h.Write(binary.LittleEndian.AppendUint64(nil, n))
	}
	h.Sum(sum[:0])
	return sum
})

// codeKey names the native code of a module: what is compiled of it, and how it is rewritten. Modules that
// differ in their manifests alone share it.
func codeKey(s *structure) (key [32]byte) {
	h := sha256.New()
	sum := rewriting()
	h.Write(sum[:])
	for _, part := range s.sections {
		h.Write(appendU32([]byte{part.id}, uint32(len(part.content))))
		h.Write(part.content)
	}
	h.Sum(key[:0])
	return key
}

// hollow returns the metered module with bodies that only trap: what wazero has to know of a module whose
// native code is at hand. The key stands in it, as wazero takes modules of the same bytes for the same.
func hollow(s *structure, key [32]byte) []byte {
	m := newMetered(s, len(s.module)/2)
	_ = m.sections(func([]byte, int) error {
		n := uint32(s.bodies + 3)
		content := appendU32(make([]byte, 0, 5+4*n), n)
		for range n {
			content = append(content, 3, 0, opUnreachable, opEnd)
		}
		m.out = appendSection(m.out, sectionCode, content)
		return nil
	})
	return appendSection(m.out, sectionCustom, append(appendName(nil, "pointsman.key"), key[:]...))
}
