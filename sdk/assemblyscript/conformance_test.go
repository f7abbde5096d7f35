package assemblyscript_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/testdata/conformance"
)

// TestConformance runs the cases of every SDK on the guest of this one: in the server's
// runtime, and in the double that plugins are tested with.
func TestConformance(t *testing.T) {
	t.Parallel()
	env := []string{"PATH=" + conformance.AssemblyScript(t)}
	out := filepath.Join(t.TempDir(), "every.wasm")
	conformance.Command(t, ".", env, "env", "asc", "conformance/every.ts", "--config", "template/asconfig.json", "--outFile", out)
	conformance.Check(t, read(t, out))
	conformance.Command(t, "conformance", append(env, "EVERY="+out), "node", "--test")
}

// TestTemplate makes a plugin of the template, as "pointsman plugin new" does, builds it
// with its own command, runs its test and its cases.
func TestTemplate(t *testing.T) {
	t.Parallel()
	env := []string{"PATH=" + conformance.AssemblyScript(t)}
	dir := t.TempDir()
	unpack(t, pointsman.SDK, "sdk/assemblyscript/template", dir)
	unpack(t, pointsman.SDK, "sdk/assemblyscript/pointsman", filepath.Join(dir, "pointsman"))
	conformance.Command(t, dir, env, "npm", "run", "--silent", "build")
	if said := conformance.Command(t, dir, env, "node", "--test"); !strings.Contains(said, "pass 2") {
		t.Errorf("node --test printed\n%s\nwant two tests that pass", said)
	}
	module := conformance.Embed(t, read(t, filepath.Join(dir, "plugin.wasm")), filepath.Join(dir, "manifest.json"))
	conformance.Run(t, module, conformance.Fixtures(t, filepath.Join(dir, "fixtures.json")))
}

// The plugin that authors meet first is short, and the same wherever they meet it.
func TestHello(t *testing.T) {
	t.Parallel()
	source := string(read(t, "template/index.ts"))
	if lines := strings.Count(source, "\n"); lines > 15 {
		t.Errorf("template/index.ts has %d lines, want at most 15", lines)
	}
	for file, prefix := range map[string]string{"README.md": "    ", "pointsman/index.ts": " *     "} {
		shown := ""
		for line := range strings.Lines(source) {
			if !strings.HasPrefix(line, "/**") {
				shown += strings.TrimRight(prefix+line, " \n") + "\n"
			}
		}
		if !strings.Contains(string(read(t, file)), shown) {
			t.Errorf("%s does not have\n%s", file, shown)
		}
	}
}

// The numbers of abi.ts are those of sdk/abi.
func TestNumbers(t *testing.T) {
	t.Parallel()
	file := string(read(t, "pointsman/abi.ts"))
	for declared, want := range map[string]int32{
		"Decided": abi.Decided, "Abstain": abi.Abstain, "Rejected": abi.Reject, "CODE_UNSUPPORTED": abi.CodeUnsupported, "ABI": abi.Version,
		"Absent": int32(abi.KindAbsent), "Null": int32(abi.KindNull), "Bool": int32(abi.KindBool), "Number": int32(abi.KindNumber),
		"String": int32(abi.KindString), "Array": int32(abi.KindArray), "Object": int32(abi.KindObject),
		"Invalid": int32(abi.ClassInvalid), "Auth": int32(abi.ClassAuth), "NotFound": int32(abi.ClassNotFound),
		"RateLimited": int32(abi.ClassRateLimited), "Quota": int32(abi.ClassQuota), "Overloaded": int32(abi.ClassOverloaded),
		"Server": int32(abi.ClassServer), "ContextLength": int32(abi.ClassContextLength), "ContentFilter": int32(abi.ClassContentFilter),
		"Debug": abi.LevelDebug, "Info": abi.LevelInfo, "Warn": abi.LevelWarn, "Error": abi.LevelError,
		"Reason": abi.MaxReason, "Message": abi.MaxMessage, "LogLine": abi.MaxLogLine, "LogLines": abi.MaxLogLines,
		"State": abi.MaxState, "Targets": abi.MaxTargets, "Tags": abi.MaxTags,
	} {
		if line := "export const " + declared + ": i32 = " + strconv.Itoa(int(want)) + ";\n"; !strings.Contains(file, line) {
			t.Errorf("abi.ts does not have %q", line)
		}
	}
}

// Whatever a plugin may use says what it is for.
func TestDocumented(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"abi.ts", "node.ts", "output.ts", "rule.ts", "provider.ts", "outcome.ts", "scratch.ts"} {
		lines := strings.Split(string(read(t, filepath.Join("pointsman", name))), "\n")
		for i, line := range lines {
			trimmed := strings.TrimSpace(line)
			member := name == "node.ts" && strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") && strings.Contains(line, ") ") && !strings.HasPrefix(trimmed, "*")
			if !strings.HasPrefix(trimmed, "export ") && !(member && strings.HasSuffix(trimmed, "{")) {
				continue
			}
			if before := strings.TrimSpace(lines[max(i-1, 0)]); !strings.HasSuffix(before, "*/") && before != "@unmanaged" {
				t.Errorf("%s:%d: %s has no comment", name, i+1, trimmed)
			}
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// unpack writes the files below root into the folder dir.
func unpack(t *testing.T, files fs.FS, root, dir string) {
	t.Helper()
	below, err := fs.Sub(files, root)
	if err == nil {
		err = os.CopyFS(dir, below)
	}
	if err != nil {
		t.Fatal(err)
	}
}
