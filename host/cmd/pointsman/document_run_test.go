package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pointsman/pointsman/sdk/testdata/conformance"
)

// reader goes through a document from its beginning to its end, as somebody would who types what it says.
type reader struct {
	file        string
	super       bool     // with a super admin's key; else with an account admin's, of an account of its own
	language    string   // whose compiler is needed besides Go's
	expressions bool     // blocks of no known kind are rules' conditions, one a line
	before      string   // shell: what a reader has who comes to the document
	replace     []string // old, new, …: what the document takes from elsewhere
	after       string   // shell: what must hold in the end
	same        []string // other documents that have all the commands of this one, and are run: a compiler's time is saved
}

// readers are the documents with something to run.
var readers = []reader{
	{file: "README.md", super: true, before: `echo '{"model": "auto", "messages": [{"role": "user", "content": "The clause is unclear."}]}' > body.json
echo '[{id: contracts, name: Contracts, priority: 96, when: "mentions('"'clause'"')", target: gpt-5}]' > rules.yaml
echo '{cases: [{name: A clause, text: this clause, want: {rule: contracts, model: gpt-5}}]}' > cases.yaml`, replace: []string{"REQUEST_ID", "$(served)"}},
	{file: "examples/rules/GUIDE.md", replace: []string{"REQUEST_ID", "$(served)"}},
	{file: "examples/README.md", before: "cd plugins/go-topic-router"},
	{file: "examples/rules/README.md", expressions: true},
	{file: "examples/plugins/go-ab-split/README.md"},
	{file: "examples/plugins/go-language-budget/README.md"},
	{file: "examples/plugins/go-topic-router/README.md"},
	{file: "examples/plugins/go-imaginary-provider/README.md", super: true},
	{file: "examples/plugins/assemblyscript-language-budget/README.md", language: "assemblyscript", same: []string{"sdk/assemblyscript/README.md", "examples/plugins/c-language-budget/README.md"}},
	{file: "examples/plugins/c-language-budget/README.md", language: "c"},
	{file: "examples/plugins/rust-language-budget/README.md", language: "rust", same: []string{"sdk/rust/README.md", "examples/plugins/c-language-budget/README.md"}},
	{file: "host/OPERATIONS.md", super: true, replace: []string{"PROVIDER=openai", "PROVIDER=house"}, before: dataFolder + `
curl -o made.json "$URL/api/v1/providers" -H "Authorization: Bearer $POINTSMAN_KEY" -H 'Content-Type: application/json' \
	-d '{"id": "house", "adapter": "openai", "base_url": "http://127.0.0.1:1/v1"}'`},
	{file: "host/UPGRADING.md", before: dataFolder},
	{file: "sdk/README.md"},
	{file: "sdk/assemblyscript/README.md", language: "assemblyscript"},
	{file: "sdk/c/README.md", language: "c"},
	{file: "sdk/rust/README.md", language: "rust"},
	{file: "sdk/go/template/README.md", same: []string{"sdk/README.md"}},
	{file: "sdk/assemblyscript/template/README.md", same: []string{"sdk/assemblyscript/README.md"}},
	{file: "sdk/c/template/README.md", same: []string{"sdk/c/README.md"}},
	{file: "sdk/rust/template/README.md", same: []string{"sdk/rust/README.md"}},
}

// dataFolder is that of a gateway that is not running.
const dataFolder = `cd "$HOME"; export POINTSMAN_DATA_DIR=$HOME/data; pointsman migrate
head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' > data/encryption.key; chmod 600 data/encryption.key`

func readerOf(file string) *reader {
	for i := range readers {
		if readers[i].file == file {
			return &readers[i]
		}
	}
	return nil
}

// prelude makes of a shell that of a reader. An answer that is an error ends the document. pm_… is the key that
// was shown last. npm's packages are those that the SDKs' tests have installed from the same lock file. served is the
// id of a request whose decision is recorded.
const prelude = `set -Eeuo pipefail
shopt -s expand_aliases
curl() { command curl --silent --show-error --fail-with-body "$@"; }
shown() { { grep -o 'pm_[0-9A-Za-z]\{20,\}' "$HOME/said" || echo "$POINTSMAN_KEY"; } | tail -n 1; }
served() {
	id=$(curl -i "$URL/v1/chat/completions" -H "Authorization: Bearer $POINTSMAN_KEY" -H 'Content-Type: application/json' \
		-d '{"model": "auto", "messages": [{"role": "user", "content": "hello"}]}' | tr -d '\r' | sed -n 's/^X-Request-Id: //Ip')
	until command curl -fs -o /dev/null -H "Authorization: Bearer $POINTSMAN_KEY" "$URL/api/v1/decisions/$id"; do sleep 0.05; done
	echo "$id"
}
npm() { case "$1" in ci) [ -e node_modules ] || ln -s "$ASC_MODULES" node_modules;; *) command npm "$@";; esac; }
`

// languageOf are the files that a plugin of each language is written in, for the blocks that are a whole one.
var languageOf = map[string]string{"go": "main.go", "assemblyscript": "index.ts", "rust": "src/lib.rs", "c": "plugin.c"}

// script is what is typed for a document, each block behind a mark of where it stands.
func (r reader) script(blocks []block) string {
	var b strings.Builder
	b.WriteString(prelude + r.before + "\n")
	replace := append([]string{
		"pm_…", "$(shown)",
		"http://127.0.0.1:8080", "$URL",
		" --watch", " ", // it would wait for changes: TestPluginTestWatches makes some
		"plugin bench", "plugin bench --time 5ms",
	}, r.replace...)
	for _, block := range blocks {
		if !block.runs() {
			continue
		}
		fmt.Fprintf(&b, "echo '--- %s:%d'\n", block.file, block.line)
		text := strings.NewReplacer(replace...).Replace(block.text)
		switch kind := block.kind(); kind {
		case "shell":
			b.WriteString(text)
		case "toml":
			fmt.Fprintf(&b, "sed -i '/^\\[dependencies\\]$/,/^$/d' Cargo.toml; cat >> Cargo.toml <<'POINTSMAN_END'\n\n%s\nPOINTSMAN_END\nsed -i '1i #![no_std]' src/lib.rs\npointsman plugin test\n", text)
		default:
			fmt.Fprintf(&b, "cat > %s <<'POINTSMAN_END'\n%sPOINTSMAN_END\npointsman plugin test\n", languageOf[kind], text)
		}
	}
	b.WriteString("echo '--- " + r.file + ": after'\n" + r.after + "\ntimes\n")
	return b.String()
}

// library is a copy of what git has here, so that what documents make does not lie about. The program is in its bin.
func library(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	copied := exec.Command("bash", "-c", `set -o pipefail; git ls-files -z | while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done | tar --null -T - -cf - | tar xf - -C "$0"`, root)
	copied.Dir = repositoryRoot
	if out, err := copied.CombinedOutput(); err != nil {
		t.Skipf("a copy of the repository needs git, bash and tar: %v\n%s", err, out)
	}
	if err := os.Mkdir(filepath.Join(root, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(root, "bin", "pointsman")); err != nil {
		t.Fatal(err)
	}
	return root
}

// localModel is a server that speaks OpenAI's wire, as those on one's own machine do, and the wire of parrots.
func localModel(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/models") {
			_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"llama3.2:3b","object":"model"}]}`)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/speak") {
			_, _ = io.WriteString(w, `{"speech":"sp-7","said":"Hello","ended":"done","cost":{"heard":12,"spoken":5}}`)
			return
		}
		_, _ = io.WriteString(w, `{"id":"c","object":"chat.completion","created":1,"model":"llama3.2:3b","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Everything that the documents tell people to type works when it is typed, from the top of each document to its
// end: against one gateway that simulates its providers, and with the compilers that are there.
func TestDocumentsRun(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	root := library(t)
	p := serve(t, t.TempDir())
	local := localModel(t)
	t.Run("readers", func(t *testing.T) {
		for i, r := range readers {
			t.Run(r.file, func(t *testing.T) {
				t.Parallel()
				text, err := os.ReadFile(filepath.Join(repositoryRoot, r.file))
				if err != nil {
					t.Fatal(err)
				}
				blocks := blocksOf(r.file, string(text))
				if r.same != nil && os.Getenv("POINTSMAN_SOAK") == "" {
					sameCommands(t, blocks, r.same)
					return
				}
				if r.expressions {
					p.checkExpressions(t, blocks)
				}
				r.replace = append(r.replace, "http://127.0.0.1:11434", local, "http://127.0.0.1:9000", local)
				key := p.key
				if !r.super {
					key = p.accountAdmin(t, fmt.Sprintf("reader-%d", i))
				}
				r.read(t, root, blocks, p.url, key)
			})
		}
	})
}

// read types a document's blocks.
func (r reader) read(t *testing.T, root string, blocks []block, url, key string) {
	t.Helper()
	home := t.TempDir()
	said, err := os.Create(filepath.Join(home, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", r.script(blocks))
	cmd.Dir = filepath.Join(root, filepath.Dir(r.file))
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	path, modules := os.Getenv("PATH"), ""
	for _, set := range compilerOf(t, r.language) {
		path = strings.TrimPrefix(set, "PATH=")
	}
	if r.language == "assemblyscript" {
		bin, _, _ := strings.Cut(path, string(os.PathListSeparator))
		modules = filepath.Dir(bin)
	}
	if r.language == "c" {
		if _, err := exec.LookPath("cc"); err != nil {
			conformance.Missing(t, "cc")
		}
	}
	goModules, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = []string{
		"PATH=" + filepath.Join(root, "bin") + string(os.PathListSeparator) + path, "HOME=" + home, "CARGO_HOME=" + filepath.Join(home, "cargo"),
		"RUSTUP_HOME=" + rustupHome(), "ASC_MODULES=" + modules, "GOCACHE=" + goCache, "GOMODCACHE=" + strings.TrimSpace(string(goModules)),
		"GOPROXY=off", "GOFLAGS=", "GOTOOLCHAIN=local", "URL=" + url, "POINTSMAN_URL=" + url, "POINTSMAN_KEY=" + key,
	}
	if err := cmd.Run(); err != nil {
		out, _ := os.ReadFile(said.Name())
		t.Errorf("%s: %v\n%s", r.file, err, out)
	} else if testing.Verbose() {
		out, _ := os.ReadFile(said.Name())
		t.Logf("%s", out)
	}
}

func rustupHome() string {
	if home := os.Getenv("RUSTUP_HOME"); home != "" {
		return home
	}
	return filepath.Join(os.Getenv("HOME"), ".rustup")
}

// accountAdmin makes an account with an admin, and a key of theirs.
func (p *process) accountAdmin(t *testing.T, account string) (key string) {
	t.Helper()
	for _, made := range []struct {
		path string
		body map[string]any
	}{
		{"accounts", map[string]any{"id": account, "name": account}},
		{"users", map[string]any{"account_id": account, "id": "admin", "name": "Admin", "role": "account_admin"}},
		{"keys", map[string]any{"account_id": account, "user_id": "admin", "name": "reader"}},
	} {
		status, _, body := p.call(http.MethodPost, "/api/v1/"+made.path, made.body)
		if status != http.StatusCreated {
			t.Fatalf("POST %s = %d, want 201\n%s", made.path, status, body)
		}
		key = firstMatch(string(body), `"(pm_[0-9A-Za-z]{20,})"`)
	}
	if key == "" {
		t.Fatal("no key was shown")
	}
	return key
}

// checkExpressions has the server compile every line of the blocks of no other kind.
func (p *process) checkExpressions(t *testing.T, blocks []block) {
	t.Helper()
	checked := 0
	for _, b := range blocks {
		if kind := b.kind(); kind != "" && kind != "expr" || b.reasonNotToRun() != "" {
			continue
		}
		for line := range strings.Lines(b.text) {
			if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "//") {
				continue
			}
			checked++
			status, _, body := p.call(http.MethodPost, "/api/v1/rules/check", map[string]any{"id": "checked", "name": "Checked", "when": line, "target": "gpt-5"})
			if status != http.StatusOK || regexp.MustCompile(`"(ok|valid)":\s*false`).Match(body) {
				t.Errorf("%s:%d: %s = %d\n%s", b.file, b.line, line, status, body)
			}
		}
	}
	if checked == 0 {
		t.Error("no expression was checked")
	}
}

// sameCommands holds a document to commands that others have. An example's own name may be another.
func sameCommands(t *testing.T, blocks []block, others []string) {
	t.Helper()
	has := map[string]bool{}
	for _, other := range others {
		text, err := os.ReadFile(filepath.Join(repositoryRoot, other))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocksOf(other, string(text)) {
			for line := range strings.Lines(b.text) {
				has[b.command(line)] = has[b.command(line)] || b.runs()
			}
		}
	}
	for _, b := range blocks {
		for line := range strings.Lines(b.text) {
			if !has[b.command(line)] {
				t.Errorf("%s:%d: none of %q runs %q", b.file, b.line, others, b.command(line))
			}
		}
	}
}

// command is a line without its comment and the name of its document's folder.
func (b block) command(line string) string {
	line, _, _ = strings.Cut(line, "  #")
	line = strings.ReplaceAll(strings.TrimSpace(line), " --watch", "")
	if name, ok := strings.CutPrefix(filepath.Dir(b.file), "examples/plugins/"); ok {
		line = strings.ReplaceAll(line, name, "NAME")
	}
	return line
}
