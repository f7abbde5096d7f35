package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is the process behind a Cluster.
type server struct {
	bin, dir, url string
	owner         *syscall.SysProcAttr
	process       *exec.Cmd
	log           *bytes.Buffer // of the process, to be read when it has ended
	exited        chan struct{}
}

// oldestPostgres is as minVersion in host/store/postgres.
const oldestPostgres = 15

// NewCluster starts a server of its own, which ends with the test; settings are more lines of
// its configuration. It skips the test when no Postgres of 15 or later is installed, or no
// user is there to run it as.
func NewCluster(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	bin := postgresBin()
	if bin == "" {
		t.Skip("no initdb of Postgres 15 or later was found: install Postgres")
	}
	owner, uid, gid := postgresOwner(t)
	sweep()
	// A socket's path has at most about 100 bytes, so not in a long TMPDIR.
	dir, err := os.MkdirTemp("/tmp", fmt.Sprintf("%s%d.", clusterPrefix, os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	s := server{bin: bin, dir: dir, owner: owner, url: "postgres://postgres@/postgres?host=" + dir}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if owner.Credential != nil {
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	initdb := s.command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	// Commits reach the kernel, so that they outlive the processes; nothing is synced.
	conf := "listen_addresses = ''\nunix_socket_directories = '" + dir + "'\nfsync = off\nmax_connections = 60\nshared_buffers = '32MB'\n" +
		strings.Join(settings, "\n") + "\n"
	f, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(conf)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{URL: s.url, server: s}
	t.Cleanup(func() { c.end() }) // before its folder goes
	c.Start(t)
	return c
}

// clusterPrefix begins the names of folders of clusters, before the number of the process whose they are.
const clusterPrefix = "pointsman-cluster."

// sweep removes what processes have left behind that were killed, and their servers, should one run still.
func sweep() {
	left, _ := filepath.Glob(filepath.Join("/tmp", clusterPrefix+"*.*"))
	for _, dir := range left {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), clusterPrefix), ".")
		owner, err := strconv.Atoi(number)
		if err != nil || syscall.Kill(owner, 0) != syscall.ESRCH {
			continue
		}
		text, _ := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
		first, _, _ := strings.Cut(string(text), "\n")
		if pid, err := strconv.Atoi(first); err == nil && serves(pid, dir) {
			for _, child := range children(pid) {
				_ = syscall.Kill(child, syscall.SIGKILL)
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		_ = os.RemoveAll(dir)
	}
}

// serves reports whether a process is the server of a folder: its number may be another's by now.
func serves(pid int, dir string) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.Contains(string(line), "postgres\x00") && strings.Contains(string(line), filepath.Join(dir, "data"))
}

// postgresBin is the folder of the first initdb that is new enough, "" when there is none.
// postgres.sh looks at the same places.
func postgresBin() string {
	candidates := []string{}
	if found, err := exec.LookPath("initdb"); err == nil {
		candidates = append(candidates, found)
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb", "/usr/local/pgsql/bin/initdb"} {
		found, _ := filepath.Glob(pattern)
		candidates = append(candidates, found...)
	}
	for _, initdb := range candidates {
		real, err := filepath.EvalSymlinks(initdb)
		if err != nil {
			continue
		}
		out, err := exec.Command(real, "--version").Output()
		if err != nil {
			continue
		}
		// As "initdb (PostgreSQL) 17.6 (Debian 17.6-1)".
		if fields := strings.Fields(string(out)); len(fields) >= 3 {
			major, _, _ := strings.Cut(fields[2], ".")
			if n, err := strconv.Atoi(major); err == nil && n >= oldestPostgres {
				return filepath.Dir(real)
			}
		}
	}
	return ""
}

// postgresOwner is whom the server runs as: Postgres refuses root.
func postgresOwner(t testing.TB) (attr *syscall.SysProcAttr, uid, gid int) {
	t.Helper()
	// It ends with the test's process, however that ends; what it started notices.
	attr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		return attr, 0, 0
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ = strconv.Atoi(u.Uid)
		gid, _ = strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return attr, uid, gid
	}
	t.Skip("there is neither a user postgres nor nobody to run Postgres as")
	return nil, 0, 0
}

func (s *server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.owner
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	return cmd
}

// Start starts the server and returns when it answers.
func (s *server) Start(t testing.TB) {
	t.Helper()
	s.log = &bytes.Buffer{}
	s.process = s.command("postgres", "-D", filepath.Join(s.dir, "data"))
	s.process.Stdout, s.process.Stderr = s.log, s.log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	s.exited = exited
	go func(process *exec.Cmd) {
		_ = process.Wait()
		close(exited)
	}(s.process)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.url)
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-s.exited:
			t.Fatalf("postgres ended before it answered: %v\n%s", err, s.log)
		case <-ctx.Done():
			t.Fatalf("postgres does not answer: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the server and every process of it as a crash would. Start starts it again.
func (s *server) Kill(t testing.TB) {
	t.Helper()
	s.end()
}

// Freeze stops the server and every process of it, as they are.
func (s *server) Freeze(t testing.TB) {
	t.Helper()
	if err := s.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

// Thaw lets them go on.
func (s *server) Thaw(t testing.TB) {
	t.Helper()
	if err := s.signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// signal sends a signal to the server first, so that it starts no more, then to what it started.
func (s *server) signal(sig syscall.Signal) error {
	pid := s.process.Process.Pid
	if err := syscall.Kill(pid, sig); err != nil {
		return fmt.Errorf("signal postgres: %w", err)
	}
	for _, child := range children(pid) {
		if err := syscall.Kill(child, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal a process of postgres: %w", err)
		}
	}
	return nil
}

// children are the processes that a process started, and that did not end.
func children(pid int) (pids []int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	for _, field := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}

// end kills what runs and waits for it: a server that starts again refuses to share memory
// with what is left of the one before.
func (s *server) end() {
	select {
	case <-s.exited:
		return
	default:
	}
	pid := s.process.Process.Pid
	_ = syscall.Kill(pid, syscall.SIGSTOP) // it starts no more
	left := children(pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, child := range left {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	<-s.exited
	for _, child := range left {
		for syscall.Kill(child, 0) == nil && !defunct(child) {
			time.Sleep(time.Millisecond)
		}
	}
}

// defunct reports whether a process has ended and nobody has asked how.
func defunct(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	_, after, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(after, "Z")
}
