package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/host"
)

func newDoctor() *cobra.Command {
	var file string
	var flags host.Config
	var opts host.DiagnoseOptions
	var asJSON bool
	var out form
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check configuration, database, clock, disk, providers and audit log, with a next step for each finding", Args: cobra.NoArgs,
		Long: `Check what serve would use here: settings, database and migrations, its clock, free disk, compiled
plugins, the providers' addresses and the audit log's chains. Nothing is changed. Only errors make it fail;
warnings are for a person to judge.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := diagnose(cmd, file, flags, opts)
			if asJSON {
				out = formJSON
			}
			failed := host.Failed(found)
			if writeErr := out.writeValue(cmd.OutOrStdout(), map[string]any{"ok": !failed, "findings": found}, func() *table { return findingTable(found) }); writeErr != nil {
				return writeErr
			}
			if failed && err == nil {
				err = errors.New("doctor found errors")
			}
			return err
		},
	}
	configFlags(cmd, &file, &flags)
	cmd.Flags().BoolVar(&opts.Online, "online", false, "connect to the configured providers too; no request is made")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the same as -o json")
	formFlag(cmd, &out)
	return cmd
}

// diagnose is what is found, also when the settings cannot even be read.
func diagnose(cmd *cobra.Command, file string, flags host.Config, opts host.DiagnoseOptions) ([]host.Finding, error) {
	cfg, err := configure(cmd, file, flags)
	if err != nil {
		return []host.Finding{{Check: "config", Level: host.LevelError, Text: err.Error(), Next: "correct it; `pointsman config check` tries again"}}, errors.New("the settings cannot be read, so nothing else is checked")
	}
	found := host.Diagnose(cmd.Context(), cfg, opts)
	if found[0].Level == host.LevelError { // say where it was set
		if settings, settingsErr := cfg.Settings(file, cmd.Flags().Changed); settingsErr == nil {
			if err := cfg.Check(file, settings); err != nil {
				found[0].Text = err.Error()
			}
		}
	}
	return found, nil
}

func findingTable(found []host.Finding) *table {
	t := &table{head: []string{"", "CHECK", "FINDING"}}
	for _, f := range found {
		var notes []string
		text, more, _ := strings.Cut(f.Text, "\n")
		if more != "" {
			notes = []string{more}
		}
		if f.Next != "" {
			notes = append(notes, "next: "+f.Next)
		}
		t.add(notes, string(f.Level), f.Check, text)
	}
	return t
}
