package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk/abi"
)

func newPluginCheck() *cobra.Command {
	var fixtures string
	cmd := &cobra.Command{
		Use:   "check [FOLDER|FILE.wasm]",
		Short: "Send the plugin through the gate that a server has, offline",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openSubject(cmd.Context(), args, fixtures)
			if err != nil {
				return err
			}
			l, err := openRuntime(cmd.Context())
			if err != nil {
				return err
			}
			defer closeRuntime(cmd.Context(), l)
			if err := l.Prepare(cmd.Context(), engine.PluginVersion{Module: s.module, Fixtures: s.fixtures}); err != nil {
				return refusal(s.path, err)
			}
			m, err := wasm.ReadManifest(s.module)
			if err != nil {
				return err
			}
			most, fuel := int64(abi.RuleModule), grouped(m.Fuel())+" units a call"
			if m.Kind == abi.KindProvider {
				most, fuel = abi.ProviderModule, "by the size of the documents"
			}
			out := cmd.OutOrStdout()
			s.describe(out, "A server takes")
			fmt.Fprintf(out, "  module    %s bytes of %s\n  fuel      %s\n", grouped(int64(len(s.module))), grouped(most), fuel)
			tried := "none: write fixtures.json"
			if cases, err := s.cases(); err == nil && len(cases) > 0 {
				tried = fmt.Sprintf("all %d pass", len(cases))
			}
			fmt.Fprintf(out, "  fixtures  %s\n", tried)
			return nil
		},
	}
	cmd.Flags().StringVar(&fixtures, "fixtures", "", "cases to run (default: fixtures.json beside the plugin)")
	return cmd
}

// refusal is what the gate said, as the author reads it.
func refusal(path string, err error) error {
	if engine.CodeOf(err) == engine.CodeInvalid {
		if e, ok := err.(*engine.Error); ok {
			return fmt.Errorf("%s is refused: %s", path, readable(e.Message))
		}
	}
	return err
}
