package main

import (
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"
)

// pluginName is the form of a name in a manifest.
var pluginName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

func newPluginNew() *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:   "new --lang LANGUAGE NAME",
		Short: "Make the folder of a new rule plugin, with the SDK in it",
		Long: `Make the folder of a new rule plugin, with the SDK in it. Nothing is fetched, then or later, but
AssemblyScript's compiler, by npm.

NAME may be a path; its last element is the plugin's name.`,
		Example: "  pointsman plugin new --lang go hello",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := filepath.Clean(args[0])
			name := filepath.Base(dir)
			if !pluginName.MatchString(name) {
				return fmt.Errorf("%q is not a plugin's name: lower-case letters, digits and hyphens, at most 64, as in \"by-language\"", name)
			}
			l, err := findLanguage(lang)
			if err != nil {
				return err
			}
			all, err := newFiles(sdkSources(), l, name)
			if err != nil {
				return err
			}
			if err := all.write(dir); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "Made %s, a rule plugin in %s. To build it you need %s. Next:\n\n  cd %s\n", dir, l.name, l.needs, dir)
			if l.first != "" {
				fmt.Fprintln(out, "  "+l.first)
			}
			fmt.Fprintln(out, "  pointsman plugin test")
			return nil
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "go", languageIDs())
	return cmd
}
