package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"
)

func newRules() *cobra.Command {
	c := &client{}
	cmd := &cobra.Command{Use: "rules", Short: "Manage, try and draw routing rules"}
	clientFlags(cmd, c)
	cmd.AddCommand(newRulesExplain(c), newRulesTest(c), newRulesGraph(c), newRulesHistory(c), newRulesDiff(c), newRulesPublish(c), newRulesRestore(c), newRulesCases(c))
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "List rules", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.print(cmd, http.MethodGet, "/api/v1/rules", nil) },
	})
	for _, v := range []struct{ use, short, method, path string }{
		{"create FILE", "Create a rule from a JSON file (- is standard input)", http.MethodPost, "/api/v1/rules"},
		{"check FILE", "Compile a rule without saving it", http.MethodPost, "/api/v1/rules/check"},
	} {
		cmd.AddCommand(&cobra.Command{
			Use: v.use, Short: v.short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				text, err := readInput(cmd, args[0])
				if err != nil {
					return err
				}
				resp, err := c.send(cmd.Context(), v.method, v.path, "application/json", bytes.NewReader(text))
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
				if err != nil {
					return err
				}
				return printJSON(cmd.OutOrStdout(), answer)
			},
		})
	}
	for _, verb := range []string{"enable", "disable"} {
		cmd.AddCommand(&cobra.Command{
			Use: verb + " ID", Short: verb + " a rule", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return c.print(cmd, http.MethodPost, "/api/v1/rules/"+url.PathEscape(args[0])+"/"+verb, nil)
			},
		})
	}
	cmd.AddCommand(&cobra.Command{
		Use: "delete ID", Short: "Delete a rule", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.print(cmd, http.MethodDelete, "/api/v1/rules/"+url.PathEscape(args[0]), nil)
		},
	})
	return cmd
}

func readInput(cmd *cobra.Command, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxAnswer))
	}
	return os.ReadFile(path)
}
