package wasm

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// validatorMemory is what validating a module may take, beside the module.
const validatorMemory = 16 << 20

// large returns legal modules as large as an upload may be, each the worst of its kind for
// whoever reads it, and one that is real.
func large(t testing.TB) map[string][]byte {
	t.Helper()
	const size = abi.ProviderModule
	vector := func(n int, element []byte) []byte {
		return append(appendU32(nil, uint32(n)), bytes.Repeat(element, n)...)
	}
	sized := func(b []byte) []byte { return append(appendU32(nil, uint32(len(b))), b...) }
	// code is a module of n functions with that body, or as many as there is room for.
	code := func(n int, body []byte) []byte {
		one := sized(body)
		n = min(n, (size-100_000)/len(one))
		return sections(1, oneType, 3, vector(n, []byte{0}), 5, []byte{1, 0, 1}, 10, vector(n, one))
	}
	wide := append([]byte{1, 0x60}, sized(bytes.Repeat([]byte{0x7f}, maxValues))...)
	wide = append(wide[1:], sized(bytes.Repeat([]byte{0x7f}, maxValues))...)
	locals := vector(maxLocals, []byte{1, 0x7f}) // in groups of one
	real := goGuest(t, abi.KindProvider)
	padded := make([]byte, 0, size)
	padded = append(padded, real...)
	return map[string][]byte{
		"a Go guest":          real,
		"a Go guest of 4 MiB": appendSection(padded, sectionCustom, append(appendName(nil, "debug"), make([]byte, max(0, 4<<20-len(real)-16))...)),
		"types":               sections(1, vector(maxTypes, wide)),
		"functions":           code(maxFunctions, append([]byte{0, 0x41, 0}, opEnd)),
		"locals":              code(maxFunctions, append(locals[:len(locals):len(locals)], 0x41, 0, opEnd)),
		"blocks":              code(maxFunctions, seq([]byte{0}, bytes.Repeat([]byte{opBlock, noResult, opEnd}, 34), []byte{0x41, 0, opEnd})),
		"one long function":   code(1, seq([]byte{0}, bytes.Repeat([]byte{0x01}, size-200_000), []byte{0x41, 0, opEnd})),
		"nested blocks":       code(6, seq([]byte{0}, bytes.Repeat([]byte{opBlock, noResult}, maxNesting-1), bytes.Repeat([]byte{opEnd}, maxNesting-1), []byte{0x41, 0, opEnd})),
		"data segments":       sections(5, []byte{1, 0, 1}, 11, vector(maxData, []byte{1, 1, 0})),
		"bulk operations":     code(1, seq([]byte{0}, bytes.Repeat([]byte{0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0}, (size-200_000)/9), []byte{0x41, 0, opEnd})),
		"globals":             sections(6, vector(maxGlobals, []byte{0x7f, 1, 0x41, 0, 0x0b})),
		"elements":            sections(1, oneType, 3, []byte{1, 0}, 4, []byte{1, 0x70, 0, 1}, 9, append([]byte{1, 0, 0x41, 0, 0x0b}, vector(maxTable, []byte{0})...), 10, []byte{1, 4, 0, 0x41, 0, 0x0b}),
	}
}

// allocated is how many bytes f allocates, no less than what it holds at any one time; f is
// tried again when that is more than enough, as what else runs in the process allocates too.
func allocated(enough uint64, f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if least = min(least, after.TotalAlloc-before.TotalAlloc); least <= enough {
			break
		}
	}
	return least
}

// Neither reading a module's structure nor reading and metering its instructions takes more
// than that, the metered module included, however large a legal module is.
func TestValidatorMemory(t *testing.T) {
	for name, module := range large(t) {
		t.Run(name, func(t *testing.T) {
			var s *structure
			var err error
			if got := allocated(validatorMemory/8, func() { s, err = readStructure(module) }); err != nil || got > validatorMemory/8 {
				t.Fatalf("readStructure(%d bytes) allocates %d bytes (%v), want at most %d", len(module), got, err, validatorMemory/8)
			}
			if got := allocated(validatorMemory, func() { _, err = meter(s) }); err != nil || got > validatorMemory {
				t.Errorf("meter(%d bytes) allocates %d bytes (%v), want at most %d", len(module), got, err, validatorMemory)
			}
		})
	}
}

// BenchmarkValidate is what validating costs for each MiB: reading the structure alone, and
// with the instructions and the meter, all that is done before anything else sees the module.
func BenchmarkValidate(b *testing.B) {
	for name, module := range large(b) {
		if len(module) < 1<<20 {
			continue
		}
		mib := float64(len(module)) / (1 << 20)
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			least := time.Hour
			for b.Loop() {
				start := time.Now()
				s, err := readStructure(module)
				if err == nil {
					_, err = meter(s)
				}
				if err != nil {
					b.Fatal(err)
				}
				least = min(least, time.Since(start))
			}
			b.ReportMetric(float64(least)/float64(time.Millisecond)/mib, "ms/MiB")
		})
	}
}
