package main

import (
	"fmt"
	"io/fs"
	"time"

	"errors"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/host"
)

func newBackup() *cobra.Command {
	var file string
	var flags host.Config
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Save the embedded database to a new file, also while a server runs", Args: cobra.ExactArgs(1),
		Long: `Save the embedded SQLite database to a new file, as it is at one moment, also while a server runs.
The copy is checked before it appears. The encryption key is not in it, so that the file alone opens
nothing: keep a copy of that key elsewhere.`,
		Example: "  pointsman backup /backups/pointsman-$(date +%F).db",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := configure(cmd, file, flags)
			if err != nil {
				return err
			}
			keyFile, err := host.Backup(cmd.Context(), cfg, args[0])
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%w: choose another name, or remove it first", err)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Saved to %s.\n", args[0])
			if keyFile != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "It is of use only with the key in %s: keep a copy of that in another place.\n", keyFile)
			} else {
				fmt.Fprintln(cmd.OutOrStdout(), "It is of use only with the value of POINTSMAN_ENCRYPTION_KEY.")
			}
			return nil
		},
	}
	configFlags(cmd, &file, &flags)
	return cmd
}

func newRestore() *cobra.Command {
	var file, keyFile string
	var flags host.Config
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in the place of the embedded database", Args: cobra.ExactArgs(1),
		Long: `Put a backup in the place of the embedded SQLite database. It is refused while a server holds the
database, and when the file is damaged or of a newer version. The old database is kept beside it.`,
		Example: "  pointsman restore /backups/pointsman-2026-11-23.db\n  pointsman restore monday.db --key-file encryption.key    # on a new machine",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := configure(cmd, file, flags)
			if err != nil {
				return err
			}
			r, err := host.Restore(cmd.Context(), cfg, args[0], keyFile, time.Now())
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s is restored; the next start brings it to this version.\n", args[0])
			if r.Kept != "" {
				fmt.Fprintf(out, "The database that was there is %s.\n", r.Kept)
			}
			if r.TookOver {
				fmt.Fprintln(out, "The encryption key is in place.")
			}
			if r.KeyFile != "" {
				fmt.Fprintf(out, "Before the next start, put the key of the backup into %s, or into POINTSMAN_ENCRYPTION_KEY.\n", r.KeyFile)
			}
			return nil
		},
	}
	configFlags(cmd, &file, &flags)
	cmd.Flags().StringVar(&keyFile, "key-file", "", "copy of the encryption key that belongs to the backup")
	return cmd
}
