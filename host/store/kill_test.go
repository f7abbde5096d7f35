package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// childVariable makes this test binary write to the database that it names, from
// the number in fromVariable on.
const (
	childVariable = "POINTSMAN_STORE_TEST_WRITE"
	fromVariable  = "POINTSMAN_STORE_TEST_FROM"
)

// batch is how many usage rows the child adds at once.
const batch = 5

func TestMain(m *testing.M) {
	if url := os.Getenv(childVariable); url != "" {
		from, err := strconv.Atoi(os.Getenv(fromVariable))
		if err == nil {
			err = write(context.Background(), url, from)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// write adds a rule with its audit entry, a plugin that takes the active place, and a batch of usage,
// says so once they are stored, and goes on until it is killed.
func write(ctx context.Context, url string, from int) error {
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return err
	}
	fmt.Println("open")
	for i := from; ; i++ {
		id := fmt.Sprintf("%06d", i)
		audited := engine.Audited(ctx, time.UnixMilli(int64(i)), "", "rule.create", id, nil)
		if err := s.CreateRule(audited, engine.Rule{ID: id, When: "true", Target: "gpt-4o"}); err != nil {
			return err
		}
		plugin := engine.PluginVersion{Name: "p", Version: id, Kind: "rule", Module: make([]byte, 64<<10), Active: true}
		if err := s.CreatePlugin(ctx, plugin); err != nil {
			return err
		}
		rows := make([]engine.Usage, batch)
		for n := range rows {
			rows[n] = engine.Usage{AccountID: "a", ID: fmt.Sprintf("%s-%d", id, n), RequestID: id, StartedAt: time.UnixMilli(int64(i))}
		}
		if err := s.AddUsage(ctx, rows); err != nil {
			return err
		}
		fmt.Println(id)
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			url := d.url(t)
			acknowledged := 0
			for _, lines := range []int{1, 7, 16} { // three lives, each ended at another point
				acknowledged = killAfter(t, d.name, url, lines, acknowledged)
			}
		})
	}
}

// killAfter lets a child write until it has said so many lines, kills it, and
// checks that everything it said is stored, nothing by halves. It returns where
// the next child must go on.
func killAfter(t *testing.T, driver, url string, lines, from int) int {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+url, fromVariable+"="+strconv.Itoa(from))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for scan := bufio.NewScanner(out); scan.Scan(); {
		said = append(said, scan.Text())
		if len(said) == 1 && driver == "sqlite" {
			if _, err := store.Open(t.Context(), url, store.Options{}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in use by process %d:", child.Process.Pid)) {
				t.Errorf("Open() of a database that process %d has = %v, want a refusal that names it", child.Process.Pid, err)
			}
		}
		if len(said) == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(said) < lines {
		t.Fatalf("the child ended (%v) after %d lines, want it killed after %d", err, len(said), lines)
	}

	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatalf("Open() after a kill = %v, want nil", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	}()
	for _, id := range said[1:] { // the first is "open"
		if _, err := s.GetRule(t.Context(), "", id); err != nil {
			t.Errorf("GetRule(%s) after a kill = %v, want nil", id, err)
		}
		if _, err := s.GetPlugin(t.Context(), "", "p", id); err != nil {
			t.Errorf("GetPlugin(%s) after a kill = %v, want nil", id, err)
		}
		if rows, err := s.ListUsage(t.Context(), "a", id, 100); err != nil || len(rows) != batch {
			t.Errorf("ListUsage(%s) after a kill = %d rows, %v, want %d", id, len(rows), err, batch)
		}
	}
	rules, err := s.ListRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := s.ListPlugins(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	active := 0
	for _, p := range plugins {
		if p.Active {
			active++
		}
	}
	if len(plugins) > 0 && active != 1 {
		t.Errorf("%d of %d versions are active after a kill, want 1", active, len(plugins))
	}
	if entries, err := engine.CheckAudit(t.Context(), s, ""); err != nil || entries != int64(len(rules)) {
		t.Errorf("CheckAudit() after a kill = %d, %v, want %d, one of each rule", entries, err, len(rules))
	}
	audit, err := s.ReadAudit(t.Context(), "", 0, 1000)
	if err != nil || len(audit) != len(rules) {
		t.Fatalf("ReadAudit() after a kill = %d entries, %v, want %d", len(audit), err, len(rules))
	}
	written := map[string]bool{}
	for _, e := range audit {
		written[e.Object] = true
	}
	for _, r := range rules {
		if !written[r.ID] {
			t.Errorf("rule %s has no audit entry after a kill", r.ID)
		}
		if rows, err := s.ListUsage(t.Context(), "a", r.ID, 100); err != nil || len(rows) != batch && len(rows) != 0 {
			t.Errorf("ListUsage(%s) after a kill = %d rows, %v, want all %d or none", r.ID, len(rows), err, batch)
		}
	}
	return len(rules)
}
