package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// repositoryRoot is seen from this folder.
var repositoryRoot = filepath.Join("..", "..", "..")

// block is a piece of code in a document.
type block struct {
	file string // from the repository's root, with slashes
	line int    // of its first line
	tag  string // of the fence; "" for an indented one
	text string // without the indentation, with a newline at its end
}

func (b block) first() string {
	first, _, _ := strings.Cut(b.text, "\n")
	return first
}

// blocksOf finds the fenced and the indented blocks of a Markdown text.
func blocksOf(file, text string) (list []block) {
	var open *block
	fence, blank := "", true
	lines := strings.Split(text, "\n")
	closeBlock := func() {
		if open != nil {
			open.text = strings.TrimRight(open.text, "\n") + "\n"
			list = append(list, *open)
		}
		open = nil
	}
	for i, line := range lines {
		if tabbed, ok := strings.CutPrefix(line, "\t"); ok && fence == "" {
			line = "    " + tabbed
		}
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if trimmed == fence {
				fence = ""
				closeBlock()
				continue
			}
			open.text += line + "\n"
		case strings.HasPrefix(trimmed, "```"):
			closeBlock()
			fence = "```"
			open = &block{file: file, line: i + 2, tag: strings.TrimSpace(trimmed[3:])}
		case strings.HasPrefix(line, "    ") && (open != nil || blank):
			if open == nil {
				open = &block{file: file, line: i + 1}
			}
			open.text += line[4:] + "\n"
		case open != nil && trimmed == "":
			open.text += "\n"
		default:
			closeBlock()
		}
		blank = trimmed == ""
	}
	closeBlock()
	return list
}

// documents are the repository's Markdown files: those that git has, or where it is missing, those that lie there.
func documents(t *testing.T) (files []string) {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "*.md")
	cmd.Dir = repositoryRoot
	if out, err := cmd.Output(); err == nil {
		for _, file := range strings.Fields(string(out)) {
			if _, err := os.Stat(filepath.Join(repositoryRoot, file)); err == nil {
				files = append(files, file)
			}
		}
		return files
	}
	err := fs.WalkDir(os.DirFS(repositoryRoot), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path != "." && strings.HasPrefix(d.Name(), ".") || skipped(d.Name())):
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// kind says what a block is, by the fence's tag or by how its first line begins. "" is nothing that is known.
func (b block) kind() string {
	switch b.tag {
	case "sh", "bash", "shell", "console":
		return "shell"
	case "":
	default:
		return b.tag
	}
	for _, k := range []struct{ kind, begins string }{
		{"shell", `^([A-Z]+=\S*$|AUTH=|\w+\(\) *\{|(cat|cc|cd|cargo|curl|cp|docker|export|go|kubectl|make|mkdir|npm|openssl|psql|sed|sudo|apt|rustup|(bin/)?pointsman|[A-Z_]+=\S+ (bin/)?pointsman)\s)`},
		{"go", `^package `},
		{"assemblyscript", `^import \{`},
		{"rust", `^use pointsman`},
		{"c", `^#include`},
		{"toml", `^\[\w+\]$`},
		{"json", `^[{\[]`},
	} {
		if regexp.MustCompile(k.begins).MatchString(b.first()) {
			return k.kind
		}
	}
	return ""
}

// notRun are the blocks that nobody runs, by what they begin with, and why.
var notRun = []struct{ file, begins, why string }{
	{"README.md", "make run      # builds", "newcomer.sh runs it"},
	{"README.md", "host/httpapi     key", "a picture"},
	{"examples/deploy/README.md", "make build", "needs systemd and root; go test ./examples/deploy looks at each line and verifies the unit"},
	{"examples/deploy/README.md", "docker build", "needs docker; go test ./examples/deploy looks at each line and validates the files"},
	{"examples/deploy/README.md", "kubectl apply", "needs a cluster; go test ./examples/deploy looks at each line and validates the files"},
	{"examples/deploy/README.md", "replicas × (pool", "arithmetic"},
	{"examples/deploy/README.md", "bytes a day", "arithmetic"},
	{"examples/deploy/README.md", "go test ./host/store/postgres", "a test does not run tests; go test ./examples/deploy looks whether that one is there"},
	{"host/dashboard/web/README.md", "make build && bin/pointsman", "serves until it is stopped; the dashboard's own tests build it and open it in a browser"},
	{"sdk/c/README.md", "apt install", "sdk/toolchains.sh installs them for the tests"},
	{"sdk/rust/README.md", "rustup target", "sdk/toolchains.sh installs it for the tests"},
}

// reasonNotToRun is "" for a block that is run.
func (b block) reasonNotToRun() string {
	for _, n := range notRun {
		if n.file == b.file && strings.HasPrefix(b.text, n.begins) {
			return n.why
		}
	}
	return ""
}

// runs reports that the document's reader runs the block, and not checks it by itself.
func (b block) runs() bool {
	switch b.kind() {
	case "shell", "go", "assemblyscript", "rust", "c", "toml":
		return b.reasonNotToRun() == ""
	}
	return false
}

// check looks at a block that is data.
func (b block) check() error {
	switch b.kind() {
	case "json":
		for d := json.NewDecoder(strings.NewReader(b.text)); ; {
			var v any
			if err := d.Decode(&v); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
		}
	case "yaml":
		var v any
		return yaml.NewDecoder(strings.NewReader(b.text), yaml.Strict()).Decode(&v)
	}
	return nil
}

// Each block of each document is run by TestDocumentsRun, or is data that is well-formed, or an expression that
// compiles, or stands in the list of those that are not run.
func TestEveryBlockIsAccountedFor(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	files := documents(t)
	blocks := 0
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(repositoryRoot, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocksOf(filepath.ToSlash(file), string(text)) {
			blocks++
			if b.reasonNotToRun() != "" {
				for _, n := range notRun {
					if n.file == b.file && strings.HasPrefix(b.text, n.begins) {
						seen[n.file+n.begins] = true
					}
				}
				continue
			}
			switch b.kind() {
			case "shell", "go", "assemblyscript", "rust", "c", "toml", "expr":
				if readerOf(b.file) == nil {
					t.Errorf("%s:%d: a block that begins %q is run by nobody: the document has no reader", b.file, b.line, b.first())
				}
			case "json", "yaml":
				if err := b.check(); err != nil {
					t.Errorf("%s:%d: %s: %v", b.file, b.line, b.kind(), err)
				}
			default:
				if r := readerOf(b.file); r == nil || !r.expressions {
					t.Errorf("%s:%d: a block that begins %q is nothing that is run, and is not declared", b.file, b.line, b.first())
				}
			}
		}
	}
	if len(files) < 40 || blocks < 40 {
		t.Errorf("%d blocks in %d documents were looked at, want all of them", blocks, len(files))
	}
	for _, n := range notRun {
		if !seen[n.file+n.begins] {
			t.Errorf("%s has no block that begins %q, which is declared as not run", n.file, n.begins)
		}
	}
	for _, r := range readers {
		if _, err := os.Stat(filepath.Join(repositoryRoot, r.file)); err != nil {
			t.Errorf("there is a reader of %s: %v", r.file, err)
		}
	}
}

func TestBlocksOf(t *testing.T) {
	t.Parallel()
	got := blocksOf("x.md", "# A\n\n    one\n\n    two\ntext\n    no block\n\n- item\n  more\n\n```json\n{}\n```\n\n\tthree\n\n    four\n")
	var b bytes.Buffer
	for _, g := range got {
		b.WriteString(g.kind() + "|" + g.text)
	}
	if want := "|one\n\ntwo\njson|{}\n|three\n\nfour\n"; b.String() != want {
		t.Errorf("blocksOf() = %q, want %q", b.String(), want)
	}
	if len(got) == 3 && (got[0].line != 3 || got[1].line != 13 || got[2].line != 16) {
		t.Errorf("blocksOf() has lines %d, %d and %d, want 3, 13 and 16", got[0].line, got[1].line, got[2].line)
	}
}
