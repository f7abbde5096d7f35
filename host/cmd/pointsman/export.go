package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

func newExport() *cobra.Command {
	c := &client{}
	var account string
	var overwrite bool
	cmd := &cobra.Command{
		Use: "export DIR", Short: "Write a server's rules, limits, budgets and keys to files that apply reads", Args: cobra.ExactArgs(1),
		Long: `Write what the key may change of a server's rules, limits, budgets and keys to DIR/rules.yaml,
limits.yaml, budgets.yaml and keys.yaml. Of keys only names, scopes and ends are written: their text is
known to nobody. "pointsman apply -f DIR" makes another server the same.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			who, err := c.whoami(cmd)
			if err != nil {
				return err
			}
			rows, err := c.serverResources(cmd, who, account)
			if err != nil {
				return err
			}
			return export(cmd, args[0], rows, overwrite)
		},
	}
	clientFlags(cmd, c)
	cmd.Flags().StringVar(&account, "account", "", "only that account's")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "write over files that are there")
	return cmd
}

func export(cmd *cobra.Command, dir string, rows []resource, overwrite bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, kind := range resourceKinds {
		list, err := exported(kind, rows)
		if err != nil {
			return err
		}
		text, err := yaml.MarshalWithOptions(map[string]any{kind: list}, yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true))
		if err != nil {
			return fmt.Errorf("write %s: %w", kind, err)
		}
		name := filepath.Join(dir, kind+".yaml")
		flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
		if overwrite {
			flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		}
		f, err := os.OpenFile(name, flags, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already: --overwrite writes over it", name)
		}
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d\n", name, len(list))
	}
	return nil
}

// exported are a kind's rows as files have them: without what only a server sets.
func exported(kind string, rows []resource) ([]any, error) {
	list := []any{}
	for _, r := range rows {
		if r.kind != kind || r.shadowed {
			continue
		}
		text, ok := r.body.(json.RawMessage)
		if !ok {
			return nil, fmt.Errorf("%T is no row of a server", r.body)
		}
		doc, err := exportedRow(kind, text)
		if err != nil {
			return nil, fmt.Errorf("read %s %s: %w", kind, r.title(), err)
		}
		list = append(list, doc)
	}
	return list, nil
}

func exportedRow(kind string, text []byte) (any, error) {
	read := func(into any) error { return json.NewDecoder(bytes.NewReader(text)).Decode(into) }
	switch kind {
	case kindRules:
		var d ruleDoc
		err := read(&d)
		d.Band, d.CreatedAt, d.UpdatedAt = "", nil, nil
		return d, err
	case kindLimits:
		var d limitDoc
		err := read(&d)
		if d.Scope != nil && *d.Scope == (limitScopeDoc{}) {
			d.Scope = nil
		}
		return d, err
	case kindBudgets:
		var d budgetDoc
		err := read(&d)
		return d, err
	}
	var d keyFile
	err := read(&d)
	return d, err
}
