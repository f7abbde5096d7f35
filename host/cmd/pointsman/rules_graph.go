package main

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine/graph"
)

func newRulesGraph(c *client) *cobra.Command {
	var files []string
	var ownOnly bool
	var account, format string
	cmd := &cobra.Command{
		Use: "graph", Short: "Draw the rules in the order in which they are tried", Args: cobra.NoArgs,
		Long: "Draw the rules of the running server, or with --rules those of files and the shipped ones.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var g graph.Graph
			if len(files) == 0 {
				if err := c.ask(cmd, http.MethodGet, "/api/v1/rules/graph"+accountQuery(account), nil, &g); err != nil {
					return err
				}
			} else {
				docs, err := readRules(files)
				if err != nil {
					return err
				}
				own, err := ownRules(docs)
				if err != nil {
					return err
				}
				b, err := newBench(own, ownOnly)
				if err != nil {
					return err
				}
				g = b.graph()
			}
			var text []byte
			switch format {
			case "svg":
				text = g.SVG()
			case "mermaid":
				text = g.Mermaid()
			case "json":
				b, err := json.Marshal(g)
				if err != nil {
					return err
				}
				return printJSON(cmd.OutOrStdout(), b)
			default:
				return fmt.Errorf("unknown output %q: svg, mermaid or json", format)
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().StringArrayVar(&files, "rules", nil, "file of rules, YAML or JSON; may be given several times")
	cmd.Flags().BoolVar(&ownOnly, "own-only", false, "with --rules: without the shipped rules")
	cmd.Flags().StringVar(&account, "account", "", "whose requests; default the key's own account's, for a super admin only the global rules")
	cmd.Flags().StringVarP(&format, "output", "o", "svg", "svg, mermaid or json")
	completeOutput(cmd, []string{"svg", "mermaid", "json"})
	return cmd
}
