package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine"
)

// storedCase is a case as the API has it.
type storedCase struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Request map[string]any    `json:"request"`
	Given   *engine.RuleGiven `json:"given"`
	Want    wantDoc           `json:"want"`
}

func newRulesCases(c *client) *cobra.Command {
	var account string
	cmd := &cobra.Command{Use: "cases", Short: "Manage the stored cases that rules must pass to be published"}
	cmd.PersistentFlags().StringVar(&account, "account", "", "of whose rules; default the key's own, for a super admin the global ones")
	list := func(cmd *cobra.Command) (cases []storedCase, err error) {
		var out struct{ Data []storedCase }
		err = c.ask(cmd, http.MethodGet, "/api/v1/rules/cases"+accountQuery(account), nil, &out)
		return out.Data, err
	}
	var out form
	show := &cobra.Command{
		Use: "list", Short: "List stored cases", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var cases struct{ Data []storedCase }
			text, err := c.call(cmd, http.MethodGet, "/api/v1/rules/cases"+accountQuery(account), &cases)
			if err != nil {
				return err
			}
			if len(cases.Data) == 0 && out == formTable {
				fmt.Fprintln(cmd.OutOrStdout(), "There are no stored cases. `pointsman rules cases import` stores some.")
				return nil
			}
			return out.write(cmd.OutOrStdout(), text, func() *table {
				t := &table{head: []string{"CASE", "NAME", "RULE", "MODEL", "CODE"}}
				for _, k := range cases.Data {
					t.add(nil, k.ID, k.Name, k.Want.Rule, k.Want.Model, k.Want.Code)
				}
				return t
			})
		},
	}
	formFlag(show, &out)
	cmd.AddCommand(show, &cobra.Command{
		Use: "export FILE", Short: "Write the stored cases as YAML (- is standard output), for `rules test`", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := list(cmd)
			if err != nil {
				return err
			}
			var file caseFile
			for _, k := range cases {
				file.Cases = append(file.Cases, caseDoc{ID: k.ID, Name: k.Name, Request: k.Request, Given: k.Given, Want: k.Want})
			}
			text, err := yaml.Marshal(file)
			if err != nil {
				return err
			}
			if args[0] == "-" {
				_, err = cmd.OutOrStdout().Write(text)
				return err
			}
			return os.WriteFile(args[0], text, 0o600)
		},
	}, &cobra.Command{
		Use: "import FILE", Short: "Store the cases of a YAML file (- is standard input); those with the same ids are replaced", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readInput(cmd, args[0])
			if err != nil {
				return err
			}
			file, cases, err := readCases(args[0], text)
			if err != nil {
				return err
			}
			for i, k := range cases {
				body := map[string]any{"name": k.Name, "request": json.RawMessage(k.Request), "want": file.Cases[i].Want}
				if k.Given != nil {
					body["given"] = json.RawMessage(k.Given)
				}
				if err := c.ask(cmd, http.MethodPut, "/api/v1/rules/cases/"+url.PathEscape(k.ID)+accountQuery(account), body, nil); err != nil {
					return fmt.Errorf("%d of %d cases are stored: %w", i, len(cases), err)
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d cases are stored\n", len(cases))
			return nil
		},
	}, &cobra.Command{
		Use: "delete ID", Short: "Delete a stored case", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.print(cmd, formJSON, http.MethodDelete, "/api/v1/rules/cases/"+url.PathEscape(args[0])+accountQuery(account), nil)
		},
	})
	return cmd
}
