package wasm

import (
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// alone gives the child a process group of its own, and ends it with its parent.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// limitSelf bounds this process in address space and processor time, and lets every
// other one go first.
func limitSelf(memory uint64, processor time.Duration) error {
	seconds := uint64(processor / time.Second)
	if err := unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: seconds, Max: seconds}); err != nil {
		return err
	}
	if !raceDetector {
		if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: memory, Max: memory}); err != nil {
			return err
		}
	}
	// Where memory runs out all the same, the system takes this process before the gateway.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	return unix.Setpriority(unix.PRIO_PROCESS, 0, 10)
}

// limitsMemory: this system bounds a process's address space.
const limitsMemory = true
