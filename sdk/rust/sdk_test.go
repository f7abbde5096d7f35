package rust_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/testdata/conformance"
)

const example = "../../examples/plugins/rust-language-budget"

// toolchain finds a cargo whose rustc has the target of guests: the one on the PATH, else the
// system's. "" is the former, and nil means that there is none.
var toolchain = sync.OnceValue(func() *string {
	for _, bin := range []string{"", "/usr/bin/"} {
		if _, err := exec.LookPath(bin + "cargo"); err != nil {
			continue
		}
		lib, err := exec.Command(bin+"rustc", "--print", "target-libdir", "--target", "wasm32-unknown-unknown").Output()
		if err != nil {
			continue
		}
		if _, err := os.Stat(strings.TrimSpace(string(lib))); err == nil {
			return &bin
		}
	}
	return nil
})

// cargo runs a command of cargo in a copy of the SDK and its example, so that nothing is left
// behind in the folder, and returns the folder where it puts what it makes.
func cargo(t *testing.T, dir string, args ...string) (target string) {
	t.Helper()
	bin := toolchain()
	if bin == nil {
		conformance.Missing(t, "a cargo with the target wasm32-unknown-unknown")
	}
	target = filepath.Join(dir, "target")
	env := []string{"CARGO_TARGET_DIR=" + target, "CARGO_NET_OFFLINE=true", "CARGO_TERM_COLOR=never", "CARGO_PROFILE_DEV_DEBUG=0", "CARGO_INCREMENTAL=0", "RUSTFLAGS=-Dwarnings"}
	if *bin != "" {
		env = append(env, "RUSTC="+*bin+"rustc", "RUSTDOC="+*bin+"rustdoc")
	}
	conformance.Command(t, dir, env, *bin+"cargo", args...)
	return target
}

// tree is a copy of the repository's folders that Rust's sources are in.
func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for to, from := range map[string]string{
		"sdk/rust": ".", "sdk/testdata/conformance": "../testdata/conformance", "examples/plugins/rust-language-budget": example,
	} {
		copyFolder(t, filepath.Join(root, to), from)
	}
	return root
}

// copyFolder copies files, and what links name, and leaves out what cargo makes.
func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err == nil {
		err = os.MkdirAll(to, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		source, copied := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if e.IsDir() {
			if e.Name() != "target" {
				copyFolder(t, copied, source)
			}
			continue
		}
		file, err := os.ReadFile(source)
		if err == nil {
			err = os.WriteFile(copied, file, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// module builds a crate as its manifest.json says and returns the guest that it names.
func module(t *testing.T, dir string) []byte {
	t.Helper()
	build := &wasm.Build{}
	file, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err == nil {
		_, build, err = wasm.SourceManifest(file)
	}
	if err != nil || build == nil || build.Command[0] != "cargo" {
		t.Fatalf("manifest.json says %+v, %v, want a build with cargo", build, err)
	}
	cargo(t, dir, build.Command[1:]...)
	guest, err := os.ReadFile(filepath.Join(dir, build.Module))
	if err != nil {
		t.Fatal(err)
	}
	return guest
}

// TestCrate runs the crate's own tests and the examples in its documentation.
func TestCrate(t *testing.T) {
	t.Parallel()
	cargo(t, filepath.Join(tree(t), "sdk/rust"), "test", "--quiet")
}

// TestConformance: the guest in the server's runtime and the test double do the same.
func TestConformance(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tree(t), "sdk/rust/conformance")
	target := cargo(t, dir, "build", "--release", "--target", "wasm32-unknown-unknown")
	guest, err := os.ReadFile(filepath.Join(target, "wasm32-unknown-unknown/release/every.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	conformance.Check(t, guest)
	cargo(t, dir, "test", "--quiet")
}

func TestExample(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tree(t), "examples/plugins/rust-language-budget")
	guest := conformance.Embed(t, module(t, dir), filepath.Join(dir, "manifest.json"))
	conformance.Run(t, guest, conformance.Fixtures(t, filepath.Join(dir, "fixtures.json")))
	cargo(t, dir, "test", "--quiet")
}

// TestTemplate builds and tests a new plugin as the tool writes it: the template, and the SDK
// in the folder "pointsman". It does the same without Rust's standard library.
func TestTemplate(t *testing.T) {
	t.Parallel()
	for _, std := range []bool{true, false} {
		t.Run(fmt.Sprintf("std %v", std), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyFolder(t, dir, "template")
			copyFolder(t, filepath.Join(dir, "pointsman/src"), "src")
			edit := func(name, to, from string, change func(string) string) {
				text, err := os.ReadFile(filepath.Join(from, name))
				if err == nil {
					err = os.WriteFile(filepath.Join(to, name), []byte(change(string(text))), 0o666)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			edit("Cargo.toml", filepath.Join(dir, "pointsman"), ".", func(text string) string { return text })
			edit("src/lib.rs", dir, dir, func(text string) string {
				plugin, _, _ := strings.Cut(text, "#[cfg(test)]")
				if n := strings.Count(strings.TrimSpace(plugin), "\n") + 1; n > 15 {
					t.Errorf("the first plugin has %d lines, want at most 15", n)
				}
				text = strings.ReplaceAll(text, "target(\"", "assert!(text_is_short(), \"too long\");\n    target(\"") +
					"\nfn text_is_short() -> bool { context().pointer(\"/request/text\").read_text(&mut [0; 99]).is_some() }\n"
				if !std {
					return "#![no_std]\n" + text
				}
				return text
			})
			if !std {
				edit("Cargo.toml", dir, dir, func(text string) string {
					return strings.ReplaceAll(text, `path = "pointsman"`, `path = "pointsman", default-features = false`)
				})
			}
			guest := conformance.Embed(t, module(t, dir), filepath.Join(dir, "manifest.json"))
			if most := 64 << 10; len(guest) > most {
				t.Errorf("the first plugin has %d bytes, want at most %d", len(guest), most)
			}
			conformance.Run(t, guest, conformance.Fixtures(t, filepath.Join(dir, "fixtures.json")))
			logs := conformance.Trap(t, guest, `{"request":{"text":"refactor `+strings.Repeat("it ", 99)+`"}}`)
			if len(logs) != 1 || !strings.Contains(logs[0], "too long") || !strings.Contains(logs[0], "src/lib.rs:") {
				t.Errorf("a panic logs %q, want its message and place", logs)
			}
			cargo(t, dir, "test", "--quiet")
		})
	}
}

// rustTypes are the types of Rust that the boundary may have, as letters of abi.Function.
var rustTypes = map[string]string{"i32": "i", "*const u8": "i", "*mut u8": "i", "i64": "I", "f64": "F", "": ""}

// TestImports holds every declaration against sdk/abi, in its order.
func TestImports(t *testing.T) {
	t.Parallel()
	source := read(t, "src/host_wasm.rs")
	if !strings.Contains(source, `wasm_import_module = "`+abi.Module+`"`) {
		t.Errorf("the crate does not import from %s", abi.Module)
	}
	letter := func(name, typ string) string {
		l, known := rustTypes[typ]
		if !known {
			t.Errorf("%s has the type %q", name, typ)
		}
		return l
	}
	var got []abi.Function
	for _, m := range regexp.MustCompile(`(?m)^        pub fn (\w+)\((.*)\)(?: -> (.*))?;$`).FindAllStringSubmatch(source, -1) {
		f := abi.Function{Name: m[1], Result: letter(m[1], m[3])}
		for param := range strings.SplitSeq(m[2], ", ") {
			_, typ, _ := strings.Cut(param, ": ")
			f.Params += letter(m[1], typ)
		}
		got = append(got, f)
	}
	want := abi.Functions()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("function %d: the crate declares %+v, want %+v", i, got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
		}
	}
}

// TestNumbers holds every number and name of the crate against sdk/abi.
func TestNumbers(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^pub(?:\(crate\))? const (\w+): .* = "?(\w+)"?;$`).FindAllStringSubmatch(read(t, "src/abi.rs"), -1) {
		got[m[1]] = m[2]
	}
	for _, file := range []string{"src/abi.rs", "src/rule.rs"} {
		for _, enum := range regexp.MustCompile(`(?s)pub enum (\w+) \{(.*?)\n\}`).FindAllStringSubmatch(read(t, file), -1) {
			for _, m := range regexp.MustCompile(`(\w+) = (\d+),`).FindAllStringSubmatch(enum[2], -1) {
				got[enum[1]+"::"+m[1]] = m[2]
			}
		}
	}
	for name, want := range map[string]any{
		"VERSION": abi.Version, "DOC_REQUEST": abi.DocRequest, "DOC_CONTEXT": abi.DocContext, "DOC_CONFIG": abi.DocConfig,
		"DOC_RESPONSE": abi.DocResponse, "DOC_CALL": abi.DocCall,
		"Kind::Absent": abi.KindAbsent, "Kind::Null": abi.KindNull, "Kind::Bool": abi.KindBool, "Kind::Number": abi.KindNumber,
		"Kind::String": abi.KindString, "Kind::Array": abi.KindArray, "Kind::Object": abi.KindObject,
		"Class::Invalid": abi.ClassInvalid, "Class::Auth": abi.ClassAuth, "Class::NotFound": abi.ClassNotFound, "Class::RateLimited": abi.ClassRateLimited,
		"Class::Quota": abi.ClassQuota, "Class::Overloaded": abi.ClassOverloaded, "Class::Server": abi.ClassServer,
		"Class::ContextLength": abi.ClassContextLength, "Class::ContentFilter": abi.ClassContentFilter,
		"Level::Debug": abi.LevelDebug, "Level::Info": abi.LevelInfo, "Level::Warn": abi.LevelWarn, "Level::Error": abi.LevelError,
		"Verdict::Decided": abi.Decided, "Verdict::Abstain": abi.Abstain, "Verdict::Rejected": abi.Reject,
		"CODE_UNSUPPORTED": abi.CodeUnsupported, "OPERATION_CHAT": abi.OperationChat, "OPERATION_EMBEDDINGS": abi.OperationEmbeddings,
		"OPERATION_COUNT_TOKENS": abi.OperationCountTokens, "OPERATION_LIST": abi.OperationList, "EVENT_EOF": abi.EventEOF,
		"MAX_REASON": abi.MaxReason, "MAX_MESSAGE": abi.MaxMessage, "MAX_LOG_LINE": abi.MaxLogLine, "MAX_LOG_LINES": abi.MaxLogLines,
		"MAX_STATE": abi.MaxState, "MAX_TARGETS": abi.MaxTargets, "MAX_TAGS": abi.MaxTags, "MAX_TAG_TEXT": abi.MaxTagText,
		"MAX_LOSSY": abi.MaxLossy, "MAX_HTTP_FIELD": abi.MaxHTTPField, "MAX_HTTP_TEXT": abi.MaxHTTPText,
	} {
		if got[name] != fmt.Sprint(want) {
			t.Errorf("%s is %q, want %v", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("numbers that nothing is held against: %v", got)
	}
	entries := read(t, "src/rule.rs") + read(t, "src/provider.rs") + read(t, "src/entry.rs")
	for _, entry := range []string{
		abi.EntryConfigure, abi.EntryDecide, abi.EntryRequest, abi.EntryResponse, abi.EntryEvent, abi.EntryError, abi.EntryProbe,
	} {
		if !strings.Contains(entries, `pub extern "C" fn `+entry+`() -> i32`) {
			t.Errorf("no macro exports %s", entry)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
