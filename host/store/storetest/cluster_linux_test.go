package storetest

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A test's process that is killed leaves no server behind, and its folder until the next one comes.
func TestAKilledTestLeavesNoCluster(t *testing.T) {
	const child = "POINTSMAN_TEST_CLUSTER_CHILD"
	if os.Getenv(child) != "" {
		c := NewCluster(t)
		_, _ = os.Stdout.WriteString("cluster " + c.dir + "\n")
		select {} // until it is killed
	}
	t.Parallel()
	if postgresBin() == "" {
		t.Skip("no initdb of Postgres 15 or later was found: install Postgres")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAKilledTestLeavesNoCluster$", "-test.v")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir, said := "", ""
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		said += lines.Text() + "\n"
		dir, _ = strings.CutPrefix(lines.Text(), "cluster ")
		if dir == lines.Text() {
			dir = ""
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if dir == "" {
		t.Fatalf("the other process made no cluster:\n%s", said)
	}
	running := func() bool {
		all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range all {
			if line, _ := os.ReadFile(path); strings.Contains(string(line), dir) {
				return true
			}
		}
		return false
	}
	for deadline := time.Now().Add(30 * time.Second); running(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server of a test that was killed runs on")
		}
	}
	sweep()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a test that was killed: %v, want none", err)
	}
}
