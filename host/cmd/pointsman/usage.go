package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// explainUsage makes wrong arguments of a verb, and of all below it, errors that say how it is
// used. Cobra alone prints the help of a group, and exits with 0, for a verb that it does not have.
func explainUsage(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		explainUsage(sub)
	}
	usage := func(what string) error {
		return fmt.Errorf("%s\nUsage: %s\n`%s --help` tells more", what, cmd.UseLine(), cmd.CommandPath())
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err.Error()) })
	switch {
	case cmd.HasSubCommands() && cmd.RunE == nil && cmd.Run == nil:
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return noSuchVerb(cmd, args[0])
		}
	case cmd.Args != nil:
		check := cmd.Args
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			switch {
			case err == nil:
				return nil
			case strings.HasPrefix(err.Error(), "unknown command"): // NoArgs speaks so of any
				return usage(fmt.Sprintf("%q is too much: %s takes no arguments", args[0], cmd.CommandPath()))
			}
			return usage(err.Error())
		}
	}
}

// noSuchVerb is the error for a verb that a group does not have, with those that are near.
func noSuchVerb(cmd *cobra.Command, name string) error {
	text := fmt.Sprintf("there is no verb %q in `%s`", name, cmd.CommandPath())
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		text += "; is it " + strings.Join(near, ", or ") + "?"
	}
	return errors.New(text + fmt.Sprintf("\n`%s --help` lists them", cmd.CommandPath()))
}
