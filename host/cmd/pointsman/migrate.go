package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/host"
)

func newMigrate() *cobra.Command {
	var file string
	var flags host.Config
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this version's schema and seed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configure(cmd, file, flags)
			if err != nil {
				return err
			}
			if err := host.Migrate(cmd.Context(), cfg); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The database is up to date.")
			return nil
		},
	}
	configFlags(cmd, &file, &flags)
	return cmd
}
