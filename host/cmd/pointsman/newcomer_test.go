package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Somebody who has nothing but the README gets along: see .ci/newcomer.sh.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	newcomer(t, 15*time.Minute)
}

// The same without anything that this machine has built already.
func TestNewcomerSoak(t *testing.T) {
	if os.Getenv("POINTSMAN_SOAK") == "" {
		t.Skip("fetches and builds everything anew: POINTSMAN_SOAK=1")
	}
	newcomer(t, 45*time.Minute, "NEWCOMER=long")
}

func newcomer(t *testing.T, atMost time.Duration, extra ...string) {
	t.Helper()
	for _, tool := range []string{"git", "bash", "make", "curl", "awk"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	if _, err := os.Stat(filepath.Join(repositoryRoot, ".git")); err != nil {
		t.Skip("this is not a clone: there is nothing to clone from")
	}
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(".ci", "newcomer.sh"))
	cmd.Dir = repositoryRoot
	cmd.Env = append(os.Environ(), append(extra, "TMPDIR="+t.TempDir(), "GOFLAGS=")...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends what it has started
	cmd.WaitDelay = time.Minute
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("newcomer.sh: %v\n%s", err, out)
	}
}
