package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine/wasm"
)

// forever is code that loops without end, as no compiler writes it.
var forever = []byte{0x03, 0x40, 0x0c, 0x00, 0x0b, 0x41, 0x00}

// ruleModule is a rule plugin of one function with that code and data, in WebAssembly's
// binary form. https://webassembly.github.io/spec/core/binary/modules.html
func ruleModule(t *testing.T, name, version string, code []byte, data string) []byte {
	t.Helper()
	size := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
	m := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, content ...[]byte) {
		all := bytes.Join(content, nil)
		m = append(append(append(m, id), size(len(all))...), all...)
	}
	section(1, []byte{1, 0x60, 0, 1, 0x7f})
	section(3, []byte{1, 0})
	section(5, []byte{1, 0, 2})
	section(7, []byte{2, 6}, []byte("memory"), []byte{2, 0, 12}, []byte("pm_decide_v1"), []byte{0, 0})
	section(10, []byte{1}, size(len(code)+2), []byte{0}, code, []byte{0x0b})
	section(11, []byte{1, 0, 0x41, 0, 0x0b}, size(len(data)), []byte(data))
	manifest := fmt.Sprintf(`{"name":%q,"version":%q,"kind":"rule","abi":1}`, name, version)
	module, err := wasm.EmbedManifest(m, []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// compilerMode makes this test binary the compiler.
const compilerMode = "POINTSMAN_TEST_COMPILER"

// slowCompiler is the gateway's own compiler, except that a module whose data begins with
// BOMB takes it all the processor time that it has: a second.
func slowCompiler(t *testing.T) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processor time is bounded on Linux only")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "compiler")
	text := `cat > "$1/module"
if grep -q BOMB "$1/module"; then ulimit -t 1; while :; do :; done; fi
exec 3< "$1/module"; rm "$1/module"
exec env ` + compilerMode + `=1 ` + self + ` "$1" <&3
`
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"/bin/sh", script}
}

// A tenant does its worst: bombs for the compiler, one and many at once, and a rule that
// never ends. Another tenant's requests are served all the while, and so are its own.
func TestHostileTenant(t *testing.T) {
	compiler := slowCompiler(t)
	g := startGateway(t, func(_ *Config, o *Options) { o.Compiler = compiler })
	mallory, acme := g.tenant("mallory"), g.tenant("acme")

	// beside runs what mallory does, and acme's requests until it is done.
	beside := func(name string, hostile func()) {
		t.Helper()
		done := make(chan struct{})
		go func() { defer close(done); hostile() }()
		for served := 0; ; served++ {
			select {
			case <-done:
				if served == 0 {
					t.Errorf("%s: no request of acme's was served meanwhile", name)
				}
				return
			default:
			}
			if a := acme.chat("auto", "hello"); a.Status != http.StatusOK {
				t.Errorf("%s: acme's request %d = %d %s, want 200", name, served, a.Status, a.Body)
			}
		}
	}

	wide := bytes.Repeat([]byte{0x02, 0x40, 0x0b}, 5_000)
	if a := mallory.upload(ruleModule(t, "wide", "1.0.0", append(wide, 0x41, 0), ""), ""); a.Status != 400 || !strings.Contains(string(a.Body), "blocks and branches") {
		t.Errorf("a module of 5,000 blocks = %d %s, want 400 with what is too much", a.Status, a.Body)
	}
	beside("a bomb", func() {
		a := mallory.upload(ruleModule(t, "bomb", "1.0.0", []byte{0x41, 0}, "BOMB"), "")
		if a.Status != 422 || !strings.Contains(string(a.Body), "memory or time to compile") {
			t.Errorf("a compile bomb = %d %s, want it killed", a.Status, a.Body)
		}
	})
	beside("a flood of bombs", func() {
		var flood sync.WaitGroup
		var mu sync.Mutex
		got := map[int]int{}
		for i := range 14 {
			flood.Go(func() {
				a := mallory.upload(ruleModule(t, fmt.Sprintf("flood-%d", i), "1.0.0", []byte{0x41, 0}, fmt.Sprintf("BOMB%d", i)), "")
				if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); a.Status == 429 && (err != nil || seconds <= 0) {
					t.Errorf("an upload too many has Retry-After %q", a.Header.Get("Retry-After"))
				}
				mu.Lock()
				got[a.Status]++
				mu.Unlock()
			})
		}
		flood.Wait()
		if got[422]+got[429] != 14 || got[422] == 0 || got[429] == 0 {
			t.Errorf("14 uploads at once are answered %v, want some 422 and the rest 429", got)
		}
	})
	if text := string(mallory.want(200, http.MethodGet, "/api/v1/plugins", nil).Body); strings.Contains(text, "bomb") || strings.Contains(text, "flood") {
		t.Errorf("what was refused is listed: %s", text)
	}

	// In this order: what serves in place of a suspended version is an older one.
	for _, u := range []struct {
		version string
		code    []byte
	}{{"1.0.0", []byte{0x41, 1}}, {"2.0.0", forever}} {
		if a := mallory.upload(ruleModule(t, "spin", u.version, u.code, u.version), ""); a.Status != 201 {
			t.Fatalf("upload of %s = %d %s", u.version, a.Status, a.Body)
		}
	}
	mallory.want(204, http.MethodPost, "/api/v1/plugins/spin/2.0.0/activate", nil)
	mallory.want(201, http.MethodPost, "/api/v1/rules", map[string]any{"id": "spin", "name": "Spin", "priority": 99, "plugin": "spin", "target": "gpt-5"})
	beside("a rule without end", func() {
		var attack sync.WaitGroup
		for range 4 {
			attack.Go(func() {
				for range 5 {
					if a := mallory.chat("auto", "hello"); a.Status != http.StatusOK {
						t.Errorf("mallory's request = %d %s, want its rule skipped", a.Status, a.Body)
					}
				}
			})
		}
		attack.Wait()
	})
	stats := mallory.want(200, http.MethodGet, "/api/v1/plugins/spin/2.0.0/stats", nil)
	if text := string(stats.Body); !strings.Contains(text, `"out_of_fuel"`) || !strings.Contains(text, `"suspended_until"`) ||
		stats.field(t, "instances") != "0" || stats.field(t, "memory_bytes") != "0" {
		t.Errorf("stats of what never ended = %s, want it suspended, and nothing left of it", text)
	}
	if p99, _ := strconv.Atoi(stats.field(t, "fuel_p99")); p99 < 200_000 || p99 > 230_000 {
		t.Errorf("it spent %d at the 99th percentile, want its budget of 200,000", p99)
	}
}
