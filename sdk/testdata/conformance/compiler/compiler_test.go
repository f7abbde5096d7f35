// Package compiler_test makes native code of the modules of tests, as the gateway's child
// process does: in a binary of its own, which has no race detector, this takes a fraction of the
// time. It is a test's binary because wazero names its cache by what is in a binary's build information,
// which tests do not have: what one kind of binary compiled the other would not find.
package compiler_test

import (
	"os"
	"testing"

	"github.com/pointsman/pointsman/engine/wasm"
)

func TestMain(m *testing.M) {
	if len(os.Args) != 2 {
		os.Exit(m.Run())
	}
	os.Exit(wasm.CompileChild(os.Stdin, os.Args[1], os.Stderr))
}
