//go:build !failpoint

package main

// failpoint is for tests that end the process at a named point: see failpoint_on.go.
func failpoint() func(point string) { return nil }
