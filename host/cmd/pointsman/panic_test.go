package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// panics are the lines of the log about them.
func (p *process) panics() (lines []string) {
	for line := range strings.Lines(p.errors.String()) {
		if strings.Contains(line, engine.PanicContained) {
			lines = append(lines, line)
		}
	}
	return lines
}

// Panics in a request, in a stream, and in what works in the background end neither the process nor
// anybody else's request. They are counted, and the work goes on.
func TestPanicsAreContained(t *testing.T) {
	program, err := failpointBinary()
	if err != nil {
		t.Fatal(err)
	}
	dir := warmDir(t)
	points := []string{"reserve:2", "settle:3", "store:1", "stored:1", "sync:3"}
	env := []string{"POINTSMAN_ENCRYPTION_KEY=" + testEncryptionKey, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL=" + slowProvider(t, 3, time.Millisecond)}
	p := serveProgram(t, program, dir, append(env, "POINTSMAN_FAILPOINT="+strings.Join(points, ":panic,")+":panic")...)
	l := &traffic{words: 3, to: p.url, key: p.key, client: http.DefaultClient}
	for i := range 10 {
		l.ask(i%2 == 1)
	}
	// The second request, and the settlement of the third attempt.
	if n := l.failed.Load(); n < 1 || n > 2 {
		t.Errorf("%d of 10 requests failed, want those that met a panic, 1 or 2; the first: %s", n, *l.first.Load())
	}
	want := fmt.Sprintf("pointsman_panics_total %d\n", len(points))
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, _, text := p.call(http.MethodGet, "/metrics", nil)
		if strings.Contains(string(text), want) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the metrics have %q, want %q\n%s", firstMatch(string(text), `(?m)^(pointsman_panics_total .*)`), want, p.panics())
		}
	}
	for _, point := range points {
		point, _, _ = strings.Cut(point, ":")
		if !strings.Contains(p.errors.String(), `"panic":"failpoint `+point+`"`) {
			t.Errorf("no panic at %q is in the log:\n%s", point, p.panics())
		}
	}
	p.signal(os.Interrupt)
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code = %d, want 0\n%s", code, p.errors)
	}
	// What a settlement that panicked has left open, the next start settles: each request that went out
	// has its row.
	p = serveProgram(t, program, dir, env...)
	p.key = l.key
	rows := 0
	for deadline := time.Now().Add(time.Minute); rows < 9 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var page struct{ Data []engine.Usage }
		p.ask(http.MethodGet, "/api/v1/usage?limit=100", nil, &page)
		rows = len(page.Data)
	}
	if rows != 9 && rows != 10 {
		t.Errorf("%d rows are in the ledger, want one for each of the 9 requests that went out, and maybe of the one that did not", rows)
	}
}
