package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

// Forms of a list: columns for people, the rest for programs.
const (
	formTable = "table"
	formJSON  = "json"
	formYAML  = "yaml"
)

var listForms = []string{formTable, formJSON, formYAML}

// form is how a verb prints what it found. It is a flag's value, so that a wrong one is refused
// before anything is asked.
type form string

func (f *form) String() string { return string(*f) }
func (f *form) Type() string   { return "form" }

// Set implements pflag.Value.
func (f *form) Set(text string) error {
	if !slices.Contains(listForms, text) {
		return fmt.Errorf("it is %s", strings.Join(listForms, ", "))
	}
	*f = form(text)
	return nil
}

// formFlag adds -o to a verb that prints what it found; a table unless it is said otherwise.
func formFlag(cmd *cobra.Command, f *form) {
	if *f == "" {
		*f = formTable
	}
	cmd.Flags().VarP(f, "output", "o", "table, json or yaml")
	completeOutput(cmd, listForms)
}

// completeOutput lets the shell complete -o.
func completeOutput(cmd *cobra.Command, forms []string) {
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp))
}

// write prints JSON in the form; the table is made only when it is wanted.
func (f form) write(w io.Writer, text []byte, columns func() *table) error {
	return f.show(w, text, func(w io.Writer) { columns().write(w) })
}

// show is write where people read something else than columns alone.
func (f form) show(w io.Writer, text []byte, people func(io.Writer)) error {
	switch f {
	case formYAML:
		if len(bytes.TrimSpace(text)) == 0 {
			return nil
		}
		out, err := yaml.JSONToYAML(text)
		if err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
		_, err = w.Write(out)
		return err
	case formJSON:
		return printJSON(w, text)
	}
	people(w)
	return nil
}

// showValue is show of a value that is no JSON yet.
func (f form) showValue(w io.Writer, value any, people func(io.Writer)) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return f.show(w, text, people)
}

// writeValue is write of a value that is no JSON yet.
func (f form) writeValue(w io.Writer, value any, columns func() *table) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return f.write(w, text, columns)
}

// everyone is how a table names the owner "".
const everyone = "(all)"

func orEveryone(account string) string {
	if account == "" {
		return everyone
	}
	return account
}

// clip is the beginning of a text, on one line.
func clip(text string, runes int) string {
	text = strings.Join(strings.Fields(text), " ")
	if all := []rune(text); len(all) > runes {
		return string(all[:runes-1]) + "…"
	}
	return text
}
