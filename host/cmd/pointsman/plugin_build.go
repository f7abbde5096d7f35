package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine/wasm"
)

func newPluginBuild() *cobra.Command {
	var manifest, pkg, out string
	cmd := &cobra.Command{
		Use:   "build [FOLDER]",
		Short: "Run the plugin's build command and embed its manifest",
		Long: `Run the command that manifest.json names under "build", embed the rest of it in the module that
that makes, hold it to what an upload must be, and write it as NAME.wasm into the folder.

With --package, a Go package is compiled instead, wherever its manifest is.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("package") {
				return wasm.BuildGo(cmd.Context(), pkg, manifest, out)
			}
			for _, flag := range []string{"manifest", "output"} {
				if cmd.Flags().Changed(flag) {
					return fmt.Errorf("--%s goes with --package: in a plugin's folder, manifest.json says it", flag)
				}
			}
			s, err := openSubject(cmd.Context(), args, "")
			if err != nil {
				return err
			}
			s.describe(cmd.OutOrStdout(), "Built")
			return nil
		},
	}
	cmd.Flags().StringVar(&pkg, "package", "", "Go package of the guest, without a build command")
	cmd.Flags().StringVar(&manifest, "manifest", "manifest.json", "manifest file, with --package")
	cmd.Flags().StringVarP(&out, "output", "o", "plugin.wasm", "file to write, with --package")
	return cmd
}
