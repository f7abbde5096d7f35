package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// binary is the real program, built once for this run.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "pointsman-bin-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "pointsman")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build pointsman: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is one running `pointsman serve`.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	key    string        // as printed, or given
	banner *lockedBuffer // everything that was printed
	errors *lockedBuffer
	exited chan struct{}
}

// lockedBuffer collects a process's log while the test may read it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// environment is what a serve process gets: nothing of the machine's provider settings.
func environment(extra ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "POINTSMAN_LISTEN=127.0.0.1:0", "POINTSMAN_SHUTDOWN_DELAY=0s"}, extra...)
}

// serve starts a process in an empty folder and waits until it is ready.
func serve(t *testing.T, dir string, extra ...string) *process {
	t.Helper()
	return serveProgram(t, binary, dir, extra...)
}

func serveProgram(t *testing.T, program, dir string, extra ...string) *process {
	t.Helper()
	p := launch(t, program, dir, extra...)
	if p.url == "" {
		t.Fatalf("serve printed no URL:\n%s%s", p.banner, p.errors)
	}
	p.waitReady()
	return p
}

// launch starts a process and waits until it has said where it listens, or ended.
func launch(t *testing.T, program, dir string, extra ...string) *process {
	t.Helper()
	p := &process{t: t, banner: &lockedBuffer{}, errors: &lockedBuffer{}, exited: make(chan struct{})}
	p.cmd = exec.Command(program, "serve")
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, environment(extra...), p.errors
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tried := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(stdout)
		found := false
		for lines.Scan() {
			fmt.Fprintln(p.banner, lines.Text())
			if strings.HasPrefix(lines.Text(), "Try ") && !found {
				found = true
				close(tried)
			}
		}
		_ = p.cmd.Wait()
		close(p.exited)
		if !found {
			close(tried)
		}
	}()
	t.Cleanup(p.kill)
	<-tried
	p.url = firstMatch(p.banner.String(), `Pointsman API\s+(http://\S+)/v1`)
	p.key = firstMatch(p.banner.String(), `Super-admin key (\S+)`)
	return p
}

func firstMatch(text, pattern string) string {
	if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// waitReady returns once /readyz says so.
func (p *process) waitReady() {
	p.t.Helper()
	if !p.becomesReady() {
		p.t.Fatalf("serve ended before it was ready:\n%s%s", p.banner, p.errors)
	}
}

// becomesReady waits until /readyz says so; false when the process ends before.
func (p *process) becomesReady() bool {
	p.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		select {
		case <-p.exited:
			return false
		case <-time.After(20 * time.Millisecond):
		}
		if resp, err := http.Get(p.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
	}
	p.t.Fatalf("serve was not ready in two minutes:\n%s", p.errors)
	return false
}

// kill ends the process as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.exited
}

// call sends a JSON request and returns the status, the headers and the body.
func (p *process) call(method, path string, body any) (int, http.Header, []byte) {
	p.t.Helper()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, p.url+path, reader)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v\n%s", method, path, err, p.errors)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, text
}

func chatBody(text string) map[string]any {
	return map[string]any{"model": "auto", "messages": []any{map[string]any{"role": "user", "content": text}}}
}

// ruleOf returns which rule decides the text now.
func (p *process) ruleOf(text string) string {
	p.t.Helper()
	status, header, body := p.call(http.MethodPost, "/v1/chat/completions", chatBody(text))
	if status != http.StatusOK {
		p.t.Fatalf("completion = %d, want 200\n%s", status, body)
	}
	return header.Get("x-pointsman-rule")
}

func (p *process) createRule(id, when, target string) {
	p.t.Helper()
	status, _, body := p.call(http.MethodPost, "/api/v1/rules", map[string]any{
		"id": id, "name": id, "priority": 200, "when": when, "target": target, "enabled": true,
	})
	if status != http.StatusCreated {
		p.t.Fatalf("create rule = %d, want 201\n%s", status, body)
	}
}

func TestFirstStartPrintsACurlLineThatWorks(t *testing.T) {
	p := serve(t, t.TempDir())
	if !strings.HasPrefix(p.key, "pm_") {
		t.Errorf("first start printed key %q, want one with pm_", p.key)
	}
	if !strings.Contains(p.banner.String(), "simulated") {
		t.Errorf("first start without a provider key does not say that it simulates:\n%s", p.banner)
	}
	line := firstMatch(p.banner.String(), `(?m)^Try\s+(curl .*)$`)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	out, err := exec.Command("sh", "-c", line).Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	var answer struct {
		Object  string
		Choices []struct{ Message struct{ Content string } }
	}
	if err := json.Unmarshal(out, &answer); err != nil || answer.Object != "chat.completion" || len(answer.Choices) != 1 || answer.Choices[0].Message.Content == "" {
		t.Errorf("the printed line answered %s (%v), want a chat.completion with text", out, err)
	}
}

// databases are the stores that a process may be on.
func databases(t *testing.T) map[string]func(t *testing.T) []string {
	return map[string]func(t *testing.T) []string{
		"sqlite": func(*testing.T) []string { return nil },
		"postgres": func(t *testing.T) []string {
			return []string{"POINTSMAN_DATABASE_URL=" + postgresSchema(t), "POINTSMAN_ENCRYPTION_KEY=" + strings.Repeat("k", 32)}
		},
	}
}

// postgresSchema makes an own schema on the test server and returns its URL.
func postgresSchema(t *testing.T) string {
	t.Helper()
	base := os.Getenv("POINTSMAN_TEST_POSTGRES_URL")
	if base == "" {
		t.Skip("POINTSMAN_TEST_POSTGRES_URL is not set: `make test` provides a server")
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("serve_%d_%d", os.Getpid(), time.Now().UnixNano())
	if _, err := conn.Exec(ctx, "create schema "+pgx.Identifier{name}.Sanitize()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := conn.Exec(ctx, "drop schema "+pgx.Identifier{name}.Sanitize()+" cascade"); err != nil {
			t.Errorf("drop schema: %v", err)
		}
		_ = conn.Close(ctx)
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestKillAndRestartKeepsAll(t *testing.T) {
	for name, database := range databases(t) {
		t.Run(name, func(t *testing.T) {
			dir, env := t.TempDir(), database(t)
			p := serve(t, dir, env...)
			key := p.key
			p.createRule("kept", `mentions("zebra")`, "gpt-5")
			if got := p.ruleOf("a zebra"); got != "kept" {
				t.Fatalf("rule before the crash = %q, want kept", got)
			}
			_, _, made := p.call(http.MethodPost, "/api/v1/keys", map[string]any{"name": "second"})
			second := firstMatch(string(made), `"(pm_[0-9A-Za-z]{20,})"`)
			if second == "" {
				t.Fatalf("create key answered no secret: %s", made)
			}
			if !p.hasUsage("kept") {
				t.Fatal("the attempt's usage row was not written within 10 s")
			}
			p.kill()

			p = serve(t, dir, env...)
			if p.key != "" {
				t.Errorf("the second start printed a new key, want none")
			}
			if !strings.Contains(p.banner.String(), "$POINTSMAN_KEY") {
				t.Errorf("the second start's curl line does not use $POINTSMAN_KEY:\n%s", p.banner)
			}
			for _, k := range []string{key, second} {
				p.key = k
				if got := p.ruleOf("a zebra"); got != "kept" {
					t.Errorf("rule after the crash = %q, want kept", got)
				}
			}
			p.key = key
			if !p.hasUsage("kept") {
				t.Error("the usage row from before the crash is gone")
			}
		})
	}
}

// hasUsage waits for a usage row of that rule.
func (p *process) hasUsage(rule string) bool {
	p.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		status, _, body := p.call(http.MethodGet, "/api/v1/usage", nil)
		if status != http.StatusOK {
			p.t.Fatalf("usage = %d\n%s", status, body)
		}
		if strings.Contains(string(body), `"`+rule+`"`) {
			return true
		}
	}
	return false
}

func TestReplicasSeeEachOthersRules(t *testing.T) {
	env := append(databases(t)["postgres"](t), "POINTSMAN_ADMIN_KEY="+strings.Repeat("admin-", 5))
	a, b := serve(t, t.TempDir(), env...), serve(t, t.TempDir(), env...)
	a.key, b.key = strings.Repeat("admin-", 5), strings.Repeat("admin-", 5)
	// The best of a few changes: the machine may pause any of them. Those after the first come
	// just behind a poll, if polls are what brings them, and the next is 5 s away.
	best := time.Hour
	for i := range 5 {
		id := fmt.Sprintf("seen-%d", i)
		word := fmt.Sprintf("zebra%d", i)
		a.createRule(id, fmt.Sprintf("mentions(%q)", word), "gpt-5")
		if got := a.ruleOf(word); got != id {
			t.Fatalf("rule on the replica that wrote = %q, want %q at once", got, id)
		}
		began := time.Now()
		for b.ruleOf(word) != id {
			if time.Since(began) > 30*time.Second {
				t.Fatal("the other replica did not see the rule within 30 s")
			}
			time.Sleep(5 * time.Millisecond)
		}
		best = min(best, time.Since(began))
	}
	t.Logf("a rule was in force on the other replica after %v", best)
	if best > 3*time.Second {
		t.Errorf("the other replica saw no rule in less than %v, want it told and not polling", best)
	}
}

func TestSecondProcessOnOneSQLiteIsRefused(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir)
	cmd := exec.Command(binary, "serve")
	cmd.Dir, cmd.Env = dir, environment()
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("a second process on the same store started:\n%s", out)
	}
	if !strings.Contains(string(out), "in use by process") {
		t.Errorf("the refusal does not say why:\n%s", out)
	}
}

func TestStopDrainsAndExitsCleanly(t *testing.T) {
	p := serve(t, t.TempDir())
	p.ruleOf("good morning")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code after SIGTERM = %d, want 0\n%s", code, p.errors)
	}
}
