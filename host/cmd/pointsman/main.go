// Command pointsman serves the gateway and manages it from the shell.
// Each verb has its own file, named after it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/host"
)

// exitConfig is the code of a process whose settings cannot work (EX_CONFIG of sysexits.h): a service
// manager can be told not to start it again and again.
const exitConfig = 78

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the default handling is back: a second one ends the process at once.
	// Serving has stages of its own between the two: see serve.go.
	context.AfterFunc(ctx, stop)
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pointsman:", err)
		if errors.Is(err, host.ErrConfig) {
			os.Exit(exitConfig)
		}
		os.Exit(1)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "pointsman",
		Short:         "A routing engine for LLM traffic with WebAssembly plugins",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newSimulate(), newMigrate(), newKeys(), newRules(), newPlugin(), newChat(), newDoctor(), newConfig(), newBackup(), newRestore(), newApply(), newExport(), newHealthcheck(), newOpenAPI(), newVersion())
	explainUsage(root)
	return root
}
