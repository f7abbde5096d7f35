package main

import (
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/store/storetest"
)

// Settings that cannot work end a start with a code of their own and with the place; a database that
// will not have the process, with what it says. Nothing is tried again.
func TestStartThatCannotWorkSaysWhy(t *testing.T) {
	broken := file(t, "config.yaml", "log_level: info\nlisten_on: 127.0.0.1:1\n")
	for name, c := range map[string]struct {
		env  []string
		args []string
		code int
		want []string
	}{
		"an unknown setting":     {args: []string{"--config", broken}, code: exitConfig, want: []string{"config.yaml", "[2:1]", "listen_on", "^"}},
		"no such file":           {args: []string{"--config", broken + "x"}, code: exitConfig, want: []string{"config.yamlx"}},
		"a value out of range":   {env: []string{"POINTSMAN_SHUTDOWN_TIMEOUT=-1s"}, code: exitConfig, want: []string{"POINTSMAN_SHUTDOWN_TIMEOUT", "0s to 24h"}},
		"a value of no kind":     {env: []string{"POINTSMAN_SHUTDOWN_DELAY=soon"}, code: exitConfig, want: []string{"soon"}},
		"a secret that is short": {env: []string{"POINTSMAN_ADMIN_KEY=short"}, code: exitConfig, want: []string{"POINTSMAN_ADMIN_KEY", "24"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(binary, append([]string{"serve"}, c.args...)...)
			cmd.Dir, cmd.Env = t.TempDir(), environment(c.env...)
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); err == nil || code != c.code {
				t.Errorf("exit code = %d (%v), want %d", code, err, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("it says\n%s\nwant %q", out, want)
				}
			}
		})
	}
}

// A database that is not there yet is waited for, and said so; one that is there and lacks what the
// URL names is not.
func TestStartWaitsForItsDatabase(t *testing.T) {
	database := postgresSchema(t)
	way, through := storetest.NewProxy(t, database)
	way.Refuse(true)
	env := []string{"POINTSMAN_DATABASE_URL=" + through, "POINTSMAN_ENCRYPTION_KEY=" + testEncryptionKey}
	dir := warmDir(t)
	started := make(chan *process, 1)
	p := &process{}
	go func() { started <- launch(t, binary, dir, env...) }()
	mended := false
	for deadline := time.Now().Add(time.Minute); p.t == nil; {
		select {
		case p = <-started:
		case <-time.After(20 * time.Millisecond):
			if !mended && len(way.Accepted()) >= 3 {
				way.Refuse(false)
				mended = true
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the start neither asked for its database three times nor ended in a minute")
		}
	}
	if !mended || p.url == "" {
		t.Fatalf("a start without its database ends (it asked: %t), want it to wait:\n%s", mended, p.errors)
	}
	p.waitReady()
	if log := p.errors.String(); !strings.Contains(log, "the database takes no connection yet") || !strings.Contains(log, "retry_in") {
		t.Errorf("the log has no line of the wait:\n%s", log)
	}

	absent, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	absent.Path = "/no_such_database"
	none := exec.Command(binary, "serve")
	none.Dir, none.Env = t.TempDir(), environment("POINTSMAN_DATABASE_URL="+absent.String(), "POINTSMAN_ENCRYPTION_KEY="+testEncryptionKey)
	out, err := none.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `database "no_such_database"`) || strings.Contains(string(out), "retry_in") {
		t.Errorf("a start on a database that does not exist: %v\n%s\nwant an error at once", err, out)
	}
}
