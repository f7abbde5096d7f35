package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/host"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Check and show the settings that serve would have",
		Long: "Check and show the settings that serve would have here: with the same flags, environment and file.\nNothing is opened and nobody is called.",
	}
	cmd.AddCommand(newConfigCheck(), newConfigShow())
	return cmd
}

func newConfigCheck() *cobra.Command {
	var file string
	var flags host.Config
	cmd := &cobra.Command{
		Use: "check", Short: "Fail, with the place, when a setting cannot work", Args: cobra.NoArgs,
		Example: "  pointsman config check --config config.yaml && systemctl reload pointsman",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, settings, err := resolve(cmd, file, flags)
			if err != nil {
				return err
			}
			if err := cfg.Check(file, settings); err != nil {
				return err
			}
			said := 0
			for _, s := range settings {
				if s.Origin != "default" {
					said++
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The configuration is valid: %d of %d settings are not the default. `pointsman config show --resolved` lists all.\n", said, len(settings))
			return nil
		},
	}
	configFlags(cmd, &file, &flags)
	return cmd
}

func newConfigShow() *cobra.Command {
	var file string
	var flags host.Config
	var resolved bool
	var out form
	cmd := &cobra.Command{
		Use: "show", Short: "Show the settings with their origin; secrets are masked", Args: cobra.NoArgs,
		Long: "Show what was set, by whom: a flag, a variable of the environment, or FILE:LINE. With --resolved\nthe defaults too, so that every setting is there.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, settings, err := resolve(cmd, file, flags)
			if err != nil {
				return err
			}
			shown := make([]host.Setting, 0, len(settings))
			for _, s := range settings {
				if resolved || s.Origin != "default" {
					shown = append(shown, s)
				}
			}
			if len(shown) == 0 && out == formTable {
				fmt.Fprintln(cmd.OutOrStdout(), "Every setting is the default. `pointsman config show --resolved` lists them.")
				return nil
			}
			return out.writeValue(cmd.OutOrStdout(), map[string]any{"data": shown}, func() *table {
				t := &table{head: []string{"SETTING", "VARIABLE", "VALUE", "ORIGIN"}}
				for _, s := range shown {
					t.add(nil, orDash(s.Name), s.Variable, orDash(s.Value), s.Origin)
				}
				return t
			})
		},
	}
	configFlags(cmd, &file, &flags)
	cmd.Flags().BoolVar(&resolved, "resolved", false, "every setting, also what is the default")
	formFlag(cmd, &out)
	return cmd
}

// resolve is the configuration that serve would have with these flags, and each setting's origin.
func resolve(cmd *cobra.Command, file string, flags host.Config) (host.Config, []host.Setting, error) {
	cfg, err := configure(cmd, file, flags)
	if err != nil {
		return cfg, nil, err
	}
	settings, err := cfg.Settings(file, cmd.Flags().Changed)
	return cfg, settings, err
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
