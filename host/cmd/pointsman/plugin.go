package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine/wasm"
)

func newPlugin() *cobra.Command {
	c := &client{}
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Write plugins, and manage those of a running server",
		Long: `Write plugins, and manage those of a running server.

A plugin is a folder with manifest.json, sources and fixtures.json, as "new" makes it:

  pointsman plugin new --lang go hello && cd hello
  pointsman plugin test              # build it, run its cases
  pointsman plugin push --activate   # $POINTSMAN_KEY is an account admin's or super admin's key

new, build, check, test and bench need no server, nor a network once the language's compiler is there.`,
	}
	clientFlags(cmd, c)
	cmd.AddCommand(newPluginNew(), newPluginBuild(), newPluginCheck(), newPluginFixtures(), newPluginBench(), newPluginCompile(),
		newPluginPush(c), newPluginList(c), newPluginActivate(c), newPluginRollback(c), newPluginDelete(c), newPluginLogs(c), newPluginStats(c))
	return cmd
}

// openRuntime starts the runtime that a server has, without plugins. The caller closes it.
func openRuntime(ctx context.Context) (*wasm.Library, error) {
	return wasm.Open(ctx, wasm.Config{Compiler: compiler()})
}

// closeRuntime ends it, whether or not the command was interrupted.
func closeRuntime(ctx context.Context, l *wasm.Library) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = l.Close(ctx) // the process ends anyway
}
