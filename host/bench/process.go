package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is one that a run started, on one processor.
type process struct {
	name    string
	url     string // http://host:port
	started time.Duration
	cmd     *exec.Cmd
}

// spawn describes a process to be started.
type spawn struct {
	name string
	cpu  int
	path string
	args []string
	dir  string
	env  []string
}

// printedURL is where a process says that it listens.
var printedURL = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start runs the program on its processor and returns once it answers.
func (s spawn) start(ctx context.Context) (*process, error) {
	p := &process{name: s.name, cmd: exec.CommandContext(ctx, s.path, s.args...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = s.dir, append(os.Environ(), s.env...), os.Stderr
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 20 * time.Second
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := onProcessor(s.cpu, p.cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	url := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := printedURL.FindString(lines.Text()); m != "" {
				url <- m
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case p.url = <-url:
	case <-time.After(time.Minute):
		return nil, fmt.Errorf("%s printed no URL in a minute", s.name)
	}
	for ctx.Err() == nil {
		if answer, err := http.Get(p.url + "/readyz"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				p.started = time.Since(began)
				return p, nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil, ctx.Err()
}

// onProcessor calls start so that the process it makes stays on one processor. The kernel gives
// a child the mask of the thread that made it.
func onProcessor(cpu int, start func() error) error {
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its mask, so no death signal may hang on it
		var set unix.CPUSet
		set.Set(cpu)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			failed <- err
			return
		}
		failed <- start()
	}()
	return <-failed
}

// stop ends the process and waits for it.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(os.Interrupt)
	done := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-done
	}
}

// tick is the unit of /proc/PID/stat: 100 in a second on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// spent is the processor time that the process has used, to a tick.
func (p *process) spent() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat is too short")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, err
}

// resident is the memory that the process has in use, bytes.
func (p *process) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmRSS")
}
