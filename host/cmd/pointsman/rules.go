package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine"
)

func newRules() *cobra.Command {
	c := &client{}
	cmd := &cobra.Command{Use: "rules", Short: "Manage, try and draw routing rules"}
	clientFlags(cmd, c)
	cmd.AddCommand(newRulesExplain(c), newRulesTest(c), newRulesGraph(c), newRulesHistory(c), newRulesDiff(c), newRulesPublish(c), newRulesRestore(c), newRulesCases(c))
	cmd.AddCommand(newRulesList(c), newRulesCheck(c))
	for _, w := range []struct {
		use, short string
		run        func(cmd *cobra.Command, out form, arg, query string) error
	}{
		{"create FILE", "Create a rule from a JSON or YAML file (- is standard input)", func(cmd *cobra.Command, out form, file, query string) error {
			return c.sendRule(cmd, out, "/api/v1/rules"+query, file)
		}},
		{"enable ID", "Enable a rule", func(cmd *cobra.Command, out form, id, query string) error {
			return c.print(cmd, out, http.MethodPost, "/api/v1/rules/"+url.PathEscape(id)+"/enable"+query, nil)
		}},
		{"disable ID", "Disable a rule", func(cmd *cobra.Command, out form, id, query string) error {
			return c.print(cmd, out, http.MethodPost, "/api/v1/rules/"+url.PathEscape(id)+"/disable"+query, nil)
		}},
		{"delete ID", "Delete a rule", func(cmd *cobra.Command, out form, id, query string) error {
			return c.print(cmd, out, http.MethodDelete, "/api/v1/rules/"+url.PathEscape(id)+query, nil)
		}},
	} {
		cmd.AddCommand(newRuleWrite(w.use, w.short, w.run))
	}
	return cmd
}

// newRuleWrite is a command that changes one rule, which the stored cases are held against.
func newRuleWrite(use, short string, run func(cmd *cobra.Command, out form, arg, query string) error) *cobra.Command {
	var override bool
	out := form(formJSON)
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := ""
			if override {
				query = "?override=true"
			}
			return run(cmd, out, args[0], query)
		},
	}
	formFlag(cmd, &out)
	cmd.Flags().BoolVar(&override, "override", false, "also when stored cases fail; it is audited")
	return cmd
}

func newRulesCheck(c *client) *cobra.Command {
	out := form(formJSON)
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Compile the rule of a JSON or YAML file without saving it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.sendRule(cmd, out, "/api/v1/rules/check", args[0])
		},
	}
	formFlag(cmd, &out)
	return cmd
}

// sendRule posts a file and prints the answer.
func (c *client) sendRule(cmd *cobra.Command, out form, path, file string) error {
	text, err := readInput(cmd, file)
	if err != nil {
		return err
	}
	if !json.Valid(text) {
		if text, err = yaml.YAMLToJSON(text); err != nil {
			return fmt.Errorf("%s:\n%w", file, err)
		}
	}
	if text = bytes.TrimSpace(text); len(text) == 0 || text[0] != '{' {
		return fmt.Errorf("%s is not one rule: `pointsman rules publish` and `pointsman apply -f` take files of several", file)
	}
	return c.print(cmd, out, http.MethodPost, path, json.RawMessage(text))
}

func newRulesList(c *client) *cobra.Command {
	var out form
	cmd := &cobra.Command{
		Use: "list", Short: "List rules", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct{ Data []ruleDoc }
			text, err := c.call(cmd, http.MethodGet, "/api/v1/rules", &list)
			if err != nil {
				return err
			}
			return out.write(cmd.OutOrStdout(), text, func() *table { return ruleTable(list.Data) })
		},
	}
	formFlag(cmd, &out)
	return cmd
}

func ruleTable(rules []ruleDoc) *table {
	t := &table{head: []string{"PRIORITY", "ID", "ACCOUNT", "ENABLED", "TARGET", "WHEN"}, right: []bool{true}}
	for _, r := range rules {
		priority, enabled, target, when := engine.DefaultPriority, "yes", r.Target, strings.Join(strings.Fields(r.When), " ")
		if r.Priority != nil {
			priority = *r.Priority
		}
		if r.Enabled != nil && !*r.Enabled {
			enabled = "no"
		}
		if target == "" {
			target = "-"
		}
		if r.Plugin != "" {
			when = "plugin " + r.Plugin
		}
		t.add(nil, strconv.Itoa(priority), r.ID, orEveryone(r.AccountID), enabled, target, when)
	}
	return t
}

func readInput(cmd *cobra.Command, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxAnswer))
	}
	return os.ReadFile(path)
}
