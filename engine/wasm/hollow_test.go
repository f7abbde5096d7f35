package wasm

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// TestHollow: a shell is the metered module but for its code, and the key.
func TestHollow(t *testing.T) {
	t.Parallel()
	sections := func(module []byte) map[byte][]byte {
		all := map[byte][]byte{}
		c := &cursor{b: module[len(moduleHeader):]}
		for len(c.b) > 0 && c.err == nil {
			id := c.byte()
			all[id] = append(all[id], c.take(c.u32())...)
		}
		if c.err != nil {
			t.Fatal(c.err)
		}
		return all
	}
	s, err := readStructure(versioned("1.0.0").build(t))
	if err != nil {
		t.Fatal(err)
	}
	metered, err := meter(s)
	if err != nil {
		t.Fatal(err)
	}
	key := codeKey(s)
	want, got := sections(metered), sections(hollow(s, key))
	if !bytes.Contains(got[sectionCustom], key[:]) {
		t.Errorf("the shell has custom sections % x, want the key in them", got[sectionCustom])
	}
	if n := want[sectionCode][0]; got[sectionCode][0] != n || len(got[sectionCode]) != 1+4*int(n) {
		t.Errorf("the shell has code % x, want %d bodies that trap", got[sectionCode], n)
	}
	for _, shells := range []map[byte][]byte{want, got} {
		delete(shells, sectionCustom)
		delete(shells, sectionCode)
	}
	for id := range want {
		if !bytes.Equal(got[id], want[id]) {
			t.Errorf("the shell has %s % x, want % x", sectionNames[id], got[id], want[id])
		}
	}
}

// TestCodeKey: whatever of a module is compiled has a part in its key, and the manifest has not.
func TestCodeKey(t *testing.T) {
	t.Parallel()
	keyOf := func(a asm) [32]byte {
		s, err := readStructure(a.build(t))
		if err != nil {
			t.Fatal(err)
		}
		return codeKey(s)
	}
	plain := versioned("1.0.0")
	renumbered, coded, filled := plain, plain, plain
	renumbered.version = "2.0.0"
	coded.functions = map[string][]byte{abi.EntryDecide: slices.Concat([]byte{opNop}, plain.functions[abi.EntryDecide])}
	filled.data = "1.0.1"
	if keyOf(renumbered) != keyOf(plain) {
		t.Error("modules with other manifests have other keys")
	}
	if keyOf(coded) == keyOf(plain) || keyOf(filled) == keyOf(plain) {
		t.Error("modules with other code or data have one key")
	}
}

// TestSameShells: modules that differ in code alone are two for wazero, although what it is given of them is
// shells of the same form.
func TestSameShells(t *testing.T) {
	t.Parallel()
	l := open(t, Config{})
	var s shelf
	for _, at := range []int32{0, 5} {
		a := rule(seq(i32c(at), i32c(5), call(0), i32c(abi.Decided)), "target")
		a.version, a.data = map[int32]string{0: "1.0.0", 5: "2.0.0"}[at], "firstsecon"
		s.add(t, "", a.build(t))
	}
	s.sync(t, l)
	for version, want := range map[string]string{"1.0.0": "first", "2.0.0": "secon"} {
		if got := decides(t, ruleGuestOf(t, l, "", "test@"+version)); got != want {
			t.Errorf("version %s decides %q, want %q", version, got, want)
		}
	}
}

// TestCodeOfAnotherProcessor: where wazero looks for another name than what is kept bears, it compiles the shell,
// and nobody may be served by that.
func TestCodeOfAnotherProcessor(t *testing.T) {
	t.Parallel()
	cfg := Config{CacheDir: t.TempDir(), CacheKey: []byte("one key")}
	module := versioned("1.0.0").build(t)
	decide := func(when string) {
		t.Helper()
		if got := decides(t, ruleGuestOf(t, offer(t, cfg, module), "", "test")); got != "1.0.0 1.0.0" {
			t.Errorf("%s: decides %q, want 1.0.0", when, got)
		}
	}
	decide("nothing kept")
	files, err := filepath.Glob(filepath.Join(cfg.CacheDir, "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the cache holds %q, %v, want one file", files, err)
	}
	s, err := readStructure(module)
	if err != nil {
		t.Fatal(err)
	}
	c, key := codeCache{dir: filepath.Dir(files[0]), key: cfg.CacheKey, bytes: 1 << 30}, codeKey(s)
	kept, ok := c.get(key)
	if !ok {
		t.Fatal("nothing is kept under the module's key")
	}
	mine := kept.file
	kept.file = strings.Repeat("a", nameSize)
	if err := c.put(key, kept); err != nil {
		t.Fatal(err)
	}
	decide("kept under another name")
	if again, ok := c.get(key); !ok || again.file != mine {
		t.Errorf("kept under %q (%v) afterwards, want %q", again.file, ok, mine)
	}
	if left, err := os.ReadDir(cfg.CacheDir); err != nil || len(left) != 1 {
		t.Errorf("the folder has %d entries, %v, want one", len(left), err)
	}
}
