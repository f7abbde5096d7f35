package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine/wasm"
)

// newPluginCompile is the verb by which serve compiles a plugin in a process that it can
// kill: nobody else has a use for it.
func newPluginCompile() *cobra.Command {
	return &cobra.Command{
		Use: "compile DIR", Hidden: true, Args: cobra.ExactArgs(1),
		Run: func(_ *cobra.Command, args []string) {
			os.Exit(wasm.CompileChild(os.Stdin, args[0], os.Stderr))
		},
	}
}

// compiler is the command that runs it; none where this binary does not know its own path.
func compiler() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{self, "plugin", "compile"}
}
