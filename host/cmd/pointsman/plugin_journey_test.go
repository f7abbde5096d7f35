package main

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/sdk/testdata/conformance"
)

// author is somebody with a binary, a Go compiler, and no network.
type author struct {
	t   *testing.T
	dir string
	env []string
}

func (a *author) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(a.t.Context(), binary, append([]string{"plugin"}, args...)...)
	cmd.Dir = a.dir
	cmd.Env = append(environment("GOPROXY=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GOCACHE="+goCache), a.env...)
	return cmd
}

// goCache keeps the standard library for wasm between the builds of a run.
var goCache = func() string {
	out, _ := exec.Command("go", "env", "GOCACHE").Output()
	return strings.TrimSpace(string(out))
}()

// run runs a verb and returns what it printed, both streams together, and its exit code.
func (a *author) run(args ...string) (said string, code int) {
	a.t.Helper()
	out, err := a.command(args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		a.t.Fatalf("plugin %s: %v", strings.Join(args, " "), err)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return string(out), code
}

// wants runs a verb that must end with that code and print lines that match all patterns.
func (a *author) wants(code int, args []string, patterns ...string) string {
	a.t.Helper()
	said, got := a.run(args...)
	if got != code {
		a.t.Errorf("plugin %s = exit code %d, want %d\n%s", strings.Join(args, " "), got, code, said)
	}
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(said) {
			a.t.Errorf("plugin %s printed\n%s\nwant a match of %s", strings.Join(args, " "), said, p)
		}
	}
	return said
}

// edit replaces text in a file of the plugin.
func (a *author) edit(file, old, text string) {
	a.t.Helper()
	path := filepath.Join(a.dir, file)
	was, err := os.ReadFile(path)
	if err != nil {
		a.t.Fatal(err)
	}
	if !bytes.Contains(was, []byte(old)) {
		a.t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(was, []byte(old), []byte(text)), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// newAuthor has made a Go plugin of that name in an empty folder.
func newAuthor(t *testing.T, name string) *author {
	t.Helper()
	a := &author{t: t, dir: t.TempDir()}
	a.wants(0, []string{"new", "--lang", "go", name}, `^Made `+name+`, a rule plugin in Go\.`, `^  cd `+name+`$`)
	a.wants(1, []string{"new", name}, `is not empty: choose another name`)
	a.dir = filepath.Join(a.dir, name)
	return a
}

// From an empty folder to a routed request, every verb on the way.
func TestPluginJourney(t *testing.T) {
	t.Parallel()
	a := newAuthor(t, "to-codex")
	a.wants(0, []string{"build"}, `^Built to-codex@0\.1\.0 \(rule\), [\d.]+ MiB: to-codex\.wasm$`)
	a.wants(0, []string{"check"}, `^A server takes to-codex@0\.1\.0`, `^  module +[\d,]+ bytes of 4,194,304$`, `^  fuel +200,000 units a call$`, `^  fixtures +all 2 pass$`)
	a.wants(0, []string{"test"}, `^CASE +RESULT +FUEL +TIME +MEMORY$`, `^asks for refactoring +ok +[\d,]+ +[\d.]+ .?s +[\d.]+ MiB$`, `^to-codex@0\.1\.0: 2 of 2 cases pass$`)
	a.wants(0, []string{"bench", "--time", "20ms", "--case", "asks for refactoring"}, `^CASE +CALLS/S +TIME/CALL +FUEL P50 +FUEL P99 +MEMORY$`, `^asks for refactoring +[\d,]+ +[\d,]+ ns +[\d,]+ +[\d,]+ `)
	a.wants(1, []string{"bench", "--case", "no such"}, `there is no case "no such": there are "asks for refactoring", `)

	unit := exec.Command("go", "test", "./...")
	unit.Dir, unit.Env = a.dir, a.command().Env
	if out, err := unit.CombinedOutput(); err != nil {
		t.Errorf("go test of the new plugin, offline: %v\n%s", err, out)
	}

	p := serve(t, t.TempDir())
	a.wants(1, []string{"push"}, `no key: set POINTSMAN_KEY`)
	a.env = []string{"POINTSMAN_URL=" + p.url, "POINTSMAN_KEY=" + p.key}
	a.wants(0, []string{"list"}, `There are no uploaded plugins`)
	a.wants(0, []string{"push"}, `^Pushed to-codex@0\.1\.0, for all accounts\.$`, `"plugin": "to-codex"`)
	a.wants(0, []string{"push", "to-codex.wasm"}, `^Already there: to-codex@0\.1\.0`)
	status, _, body := p.call(http.MethodPost, "/api/v1/rules", map[string]any{"id": "codex", "name": "Codex", "priority": 200, "plugin": "to-codex", "target": "gpt-5"})
	if status != http.StatusCreated {
		t.Fatalf("create rule = %d\n%s", status, body)
	}
	status, header, body := p.call(http.MethodPost, "/v1/chat/completions", chatBody("Please refactor this function."))
	if status != http.StatusOK || header.Get("x-pointsman-rule") != "codex" || !strings.Contains(header.Get("x-pointsman-decision"), "reason: asks for refactoring") {
		t.Errorf("completion = %d by %q, %q, want it decided by the plugin\n%s", status, header.Get("x-pointsman-rule"), header.Get("x-pointsman-decision"), body)
	}

	a.edit("main.go", `sdk.Reason("asks`, "sdk.Log(sdk.LevelInfo, \"seen\")\n\tsdk.Reason(\"asks")
	a.wants(1, []string{"push"}, `409 Conflict`, `Raise the version in the manifest`)
	a.edit("manifest.json", `"0.1.0"`, `"0.2.0"`)
	a.wants(0, []string{"push"}, `^Pushed to-codex@0\.2\.0`, `pointsman plugin activate to-codex@0\.2\.0$`)
	a.wants(0, []string{"activate", "to-codex@0.2.0"}, `^to-codex@0\.2\.0 is active\.$`)
	a.wants(0, []string{"list"}, `^NAME +VERSION +KIND +ACTIVE +SIZE +ACCOUNT +UPLOADED$`, `^to-codex +0\.1\.0 +rule +[\d.]+ MiB +\(all\) `, `^to-codex +0\.2\.0 +rule +yes +[\d.]+ MiB +\(all\) `)
	a.wants(0, []string{"list", "--json"}, `"ref": "to-codex@0\.2\.0"`)
	p.ruleOf("Please refactor it.")
	a.wants(0, []string{"logs", "to-codex"}, `^\d\d:\d\d:\d\d\.\d{3}  info   \S+  seen$`)
	a.wants(0, []string{"logs", "to-codex@0.1.0"}, `has logged nothing on this replica`)
	a.wants(0, []string{"stats", "to-codex"}, `^to-codex@0\.2\.0 on this replica$`, `^  calls +\d+$`, `^  failures +none$`, `^  fuel +p50 [\d,]+, p99 [\d,]+$`, `^  instances +\d+, `)
	a.wants(0, []string{"rollback", "to-codex"}, `^to-codex@0\.1\.0 is active\.$`)
	a.wants(1, []string{"rollback", "to-codex"}, `409 Conflict`, `none to go back to`)
	a.wants(1, []string{"delete", "to-codex@0.1.0"}, `Rule 'codex' uses plugin 'to-codex'`)
	a.wants(0, []string{"delete", "to-codex@0.2.0"}, `^to-codex@0\.2\.0 is deleted\.$`)
	a.wants(1, []string{"stats", "nobody"}, `404 Not Found`)
}

// The first plugin of each language is built and tried, with the compilers that are there.
func TestPluginOfEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, l := range languages {
		t.Run(l.id, func(t *testing.T) {
			t.Parallel()
			a := &author{t: t, dir: t.TempDir(), env: compilerOf(t, l.id)}
			a.wants(0, []string{"new", "--lang", l.id, "first"}, `^Made first, a rule plugin in `+l.name)
			a.dir = filepath.Join(a.dir, "first")
			a.wants(0, []string{"test"}, `^first@0\.1\.0: 2 of 2 cases pass$`)
			a.wants(0, []string{"check"}, `^  fixtures +all 2 pass$`)
		})
	}
}

// compilerOf is the environment in which a language is built. Without its compiler the test
// is skipped, and fails where CI is set.
func compilerOf(t *testing.T, id string) []string {
	t.Helper()
	path := os.Getenv("PATH")
	switch id {
	case "rust":
		for _, candidate := range []string{path, "/usr/bin" + string(os.PathListSeparator) + path} {
			cmd := exec.Command("sh", "-c", `test -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" && command -v cargo`)
			cmd.Env = append(os.Environ(), "PATH="+candidate)
			if cmd.Run() == nil {
				return []string{"PATH=" + candidate}
			}
		}
		conformance.Missing(t, "a cargo with the target wasm32-unknown-unknown")
	case "assemblyscript":
		return []string{"PATH=" + conformance.AssemblyScript(t)}
	case "c":
		for _, tool := range []string{"clang", "wasm-ld"} {
			if _, err := exec.LookPath(tool); err != nil {
				conformance.Missing(t, tool)
			}
		}
	}
	return nil
}

// What goes wrong says where, and what to do.
func TestPluginVerbsThatFail(t *testing.T) {
	t.Parallel()
	a := newAuthor(t, "odd")
	empty := &author{t: t, dir: t.TempDir()}
	empty.wants(1, []string{"test"}, `there is no manifest\.json in \.: .*pointsman plugin new --lang go NAME`)
	empty.wants(1, []string{"new", "Big_Name"}, `"Big_Name" is not a plugin's name: lower-case`)
	empty.wants(1, []string{"new", "--lang", "cobol", "x"}, `--lang is one of go, rust, assemblyscript, c`)

	a.wants(1, []string{"build", "-o", "x.wasm"}, `--output goes with --package`)

	a.edit("fixtures.json", `["gpt-5.1-codex"]`, `["gpt-5"]`)
	a.wants(1, []string{"test"}, `^asks for refactoring +FAILED`, `^    targets is \[gpt-5\.1-codex\], want \[gpt-5\]$`, `^odd@0\.1\.0: 1 of 2 cases pass$`)
	a.wants(1, []string{"check"}, `odd\.wasm is refused: fixture "asks for refactoring": targets is`)
	a.edit("main.go", "\tsdk.Reason", "\tpanic(\"on purpose\")\n\tsdk.Reason")
	said := a.wants(1, []string{"test"}, `^asks for refactoring +FAILED +- .* -$`, `^    plugin odd@0\.1\.0 failed: unreachable`, `^    > panic: on purpose$`)
	if strings.Contains(said, "stack trace") {
		t.Errorf("plugin test printed\n%s\nwant no stack of nameless functions", said)
	}
	a.edit("main.go", "sdk.Reason", "sdk.Raison")
	a.wants(1, []string{"build"}, `^pointsman: go build .*exit status 1$`, `main\.go:\d+:\d+: undefined: sdk\.Raison`)
	a.edit("main.go", "sdk.Raison", "sdk.Reason")
	a.edit("manifest.json", `"go", "build"`, `"no-such-compiler", "build"`)
	a.wants(1, []string{"build"}, `manifest\.json runs "no-such-compiler", which is not installed`)
	a.edit("manifest.json", `"no-such-compiler", "build"`, `"go", "version"`)
	a.edit("manifest.json", `, "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "build/odd.wasm", "."`, "")
	if err := os.RemoveAll(filepath.Join(a.dir, "build")); err != nil {
		t.Fatal(err)
	}
	a.wants(1, []string{"build"}, `go succeeded and made no build/odd\.wasm, which manifest\.json says it does`)
	a.edit("manifest.json", `"rule"`, `"rules"`)
	a.edit("manifest.json", `"go", "version"`, `"go", "build", "-buildmode=c-shared", "-o", "build/odd.wasm", "."`)
	a.wants(1, []string{"build"}, `kind "rules" is neither "rule" nor "provider"`)
}

// With --watch, a change is built and tested without being asked.
func TestPluginTestWatches(t *testing.T) {
	t.Parallel()
	a := newAuthor(t, "seen")
	cmd := a.command("test", "--watch")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	await := func(text string) {
		t.Helper()
		for limit := time.After(2 * time.Minute); ; {
			select {
			case line, ok := <-lines:
				if !ok {
					t.Fatalf("plugin test --watch ended without %q", text)
				}
				if strings.Contains(line, text) {
					return
				}
			case <-limit:
				t.Fatalf("plugin test --watch did not print %q in two minutes", text)
			}
		}
	}
	await("2 of 2 cases pass")
	await("waiting for a change")
	a.edit("main.go", `Mentions("refactor")`, `Mentions("rework")`)
	await("1 of 2 cases pass")
	await("waiting for a change")
	a.edit("main.go", `Mentions("rework") {`, `Mentions( {`)
	await("main.go:")
	await("waiting for a change")
	a.edit("main.go", `Mentions( {`, `Mentions("refactor") {`)
	await("2 of 2 cases pass")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for range lines {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("plugin test --watch after an interrupt = %v, want it to end well", err)
	}
}
