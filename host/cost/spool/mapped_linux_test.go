package spool

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// inChild runs the calling test again in a process of its own, which finds its folder with
// childFolder, and returns what that wrote. How it ends is for the caller to judge.
func inChild(t *testing.T, dir, how string) (out string, err error) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
	cmd.Env = append(os.Environ(), "SPOOL_CHILD="+dir, "SPOOL_END="+how)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func childFolder() (dir, how string) { return os.Getenv("SPOOL_CHILD"), os.Getenv("SPOOL_END") }

// TestEndOfProcess: what a process wrote to a mapped file, and never synced, is there after
// its end, whatever that is.
func TestEndOfProcess(t *testing.T) {
	const rows = 2_000
	if dir, how := childFolder(); dir != "" {
		s := open(t, Config{Dir: dir, SegmentBytes: 1})
		if _, mapped := s.current.Load().out.(*mapped); !mapped {
			t.Skip("this file system maps no files")
		}
		for i := range rows {
			token, u := reserve(t, s, fmt.Sprint(i))
			if i%10 > 0 {
				s.Settle(token, settled(u))
			}
		}
		if how == "exit" {
			os.Exit(7)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	for _, how := range []string{"exit", "kill"} {
		dir := t.TempDir()
		out, err := inChild(t, dir, how)
		if strings.Contains(out, "SKIP") {
			t.Skip("this file system maps no files")
		}
		if err == nil {
			t.Fatalf("the process did not end as it should:\n%s", out)
		}
		s, d := open(t, Config{Dir: dir}), newDatabase()
		flush(t, s, d)
		flush(t, s, d)
		interrupted := 0
		for _, u := range d.rows {
			if u.Outcome == engine.OutcomeInterrupted {
				interrupted++
			}
		}
		if len(d.rows) != rows || interrupted != rows/10 {
			t.Errorf("%s: %d rows, %d of them interrupted, want %d and %d: %s", how, len(d.rows), interrupted, rows, rows/10, out)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDiskFull: a disk that is full is an error where space is promised, and no signal: the
// process refuses what costs, keeps what it took, and goes on when there is space.
func TestDiskFull(t *testing.T) {
	dir, _ := childFolder()
	if dir == "" {
		out, err := inChild(t, t.TempDir(), "")
		if err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ) // the limit stands for a full disk, which sends none
	s, d := open(t, Config{Dir: dir, SegmentBytes: 1}), newDatabase()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	full := syscall.Rlimit{Cur: 1 << 10, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	var tokens []Token
	for i := 0; ; i++ {
		token, err := s.Reserve(attempt(fmt.Sprint(i)))
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil || i > 20_000 {
			t.Fatalf("Reserve(%d) = %v, want ErrFull before long", i, err)
		}
		tokens = append(tokens, token)
	}
	if len(tokens) == 0 || !s.Stats().Full {
		t.Errorf("%d reservations, Full = %v, want some in what was promised, and true", len(tokens), s.Stats().Full)
	}
	for i, token := range tokens {
		s.Settle(token, settled(attempt(fmt.Sprint(i))))
	}
	if err := s.Flush(t.Context(), d.write); err == nil {
		t.Error("Flush = nil on a full disk, want the reason")
	}
	if len(d.ids()) != len(tokens) {
		t.Errorf("the database has %d rows, want all %d", len(d.ids()), len(tokens))
	}
	if _, err := s.Reserve(attempt("refused")); !errors.Is(err, ErrFull) {
		t.Errorf("Reserve on a full disk = %v, want ErrFull", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	flush(t, s, d)
	token, err := s.Reserve(attempt("after"))
	if err != nil {
		t.Errorf("Reserve when there is space again = %v, want no error", err)
	}
	s.Settle(token, settled(attempt("after")))
	flush(t, s, d)
	if got := len(d.ids()); got != len(tokens)+1 {
		t.Errorf("the database has %d rows, want %d", got, len(tokens)+1)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
