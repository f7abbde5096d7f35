package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/host"
)

func newDoctor() *cobra.Command {
	var file string
	var flags host.Config
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the configuration and the database, and say what would be reached",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configure(cmd, file, flags)
			if err != nil {
				return err
			}
			findings, err := host.Diagnose(cmd.Context(), cfg)
			if err == nil { // else it may not even be known where the database is
				var stored []string
				stored, err = host.DiagnoseStore(cmd.Context(), cfg)
				findings = append(findings, stored...)
			}
			for _, f := range findings {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			return err
		},
	}
	configFlags(cmd, &file, &flags)
	return cmd
}
