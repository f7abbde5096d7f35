//go:build !linux

package storetest

import "testing"

type server struct{}

// NewCluster skips the test: the processes of a server are found and stopped on Linux alone.
func NewCluster(t testing.TB, _ ...string) *Cluster {
	t.Helper()
	t.Skip("a Postgres that may be killed is run on Linux only")
	return nil
}

// Kill does nothing.
func (server) Kill(testing.TB) {}

// Start does nothing.
func (server) Start(testing.TB) {}

// Freeze does nothing.
func (server) Freeze(testing.TB) {}

// Thaw does nothing.
func (server) Thaw(testing.TB) {}
