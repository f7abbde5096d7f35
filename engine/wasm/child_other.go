//go:build !linux

package wasm

import (
	"os/exec"
	"time"
)

// alone has nothing to add where there are no process groups to speak of: the time limit
// holds everywhere.
func alone(*exec.Cmd) {}

// limitSelf bounds nothing here; the parent's clock does.
func limitSelf(uint64, time.Duration) error { return nil }

const limitsMemory = false
