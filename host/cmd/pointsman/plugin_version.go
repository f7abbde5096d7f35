package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// pluginVersion is what the API says of one.
type pluginVersion struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	Ref       string    `json:"ref"`
	Kind      string    `json:"kind"`
	Size      int64     `json:"size"`
	Active    bool      `json:"active"`
	AccountID string    `json:"account_id"`
	CreatedAt time.Time `json:"created_at"`
}

// owner says whose a plugin of that account is, as far as the caller named one.
func owner(account string) string {
	if account == "" {
		return "all accounts"
	}
	return "account " + account
}

func accountFlag(cmd *cobra.Command, account *string) {
	cmd.Flags().StringVar(account, "account", "", "account of the plugin (default: the key's own, for a super admin all accounts)")
}

// jsonFlag is formFlag, and its older spelling.
func jsonFlag(cmd *cobra.Command, f *form) {
	formFlag(cmd, f)
	cmd.Flags().BoolFunc("json", "the same as -o json", func(text string) error {
		if is, err := strconv.ParseBool(text); err != nil || !is {
			return err
		}
		return f.Set(formJSON)
	})
}

// pluginPath is the path of an API call about plugins; elements are escaped.
func pluginPath(account string, query url.Values, elements ...string) string {
	path := "/api/v1/plugins"
	for _, e := range elements {
		path += "/" + url.PathEscape(e)
	}
	if account != "" {
		if query == nil {
			query = url.Values{}
		}
		query.Set("account_id", account)
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// call makes a request and reads its answer into out, unless that is nil. text is the answer.
func (c *client) call(cmd *cobra.Command, method, path string, out any) (text []byte, err error) {
	resp, err := c.send(cmd.Context(), method, path, "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if text, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil || out == nil {
		return text, err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return text, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return text, nil
}

// pluginRef names a version that a call is about.
type pluginRef struct{ account, name, version string }

func (r pluginRef) String() string { return r.name + "@" + r.version }

func (r pluginRef) path(call ...string) string {
	return pluginPath(r.account, nil, append([]string{r.name, r.version}, call...)...)
}

// versionOf reads NAME@VERSION, "NAME VERSION" or NAME, which is its active version: that of an
// account before the one for all.
func (c *client) versionOf(cmd *cobra.Command, account string, args []string) (pluginRef, error) {
	r := pluginRef{account: account}
	r.name, r.version, _ = strings.Cut(args[0], "@")
	if len(args) > 1 {
		r.version = args[1]
	}
	if r.version != "" {
		return r, nil
	}
	var list struct{ Data []pluginVersion }
	if _, err := c.call(cmd, http.MethodGet, pluginPath(account, nil, r.name), &list); err != nil {
		return r, err
	}
	var refs, owners []string
	for _, v := range list.Data {
		refs = append(refs, v.Ref)
		if !v.Active {
			continue
		}
		r.account, r.version = v.AccountID, v.Version
		if v.AccountID != "" {
			owners = append(owners, v.AccountID)
		}
	}
	if r.version == "" {
		return r, fmt.Errorf("no version of %s is active: name one of %s", r.name, strings.Join(refs, ", "))
	}
	if len(owners) > 1 {
		return r, fmt.Errorf("several accounts have a plugin %s: choose with --account %s", r.name, strings.Join(owners, ", --account "))
	}
	return r, nil
}

func newPluginList(c *client) *cobra.Command {
	var out form
	cmd := &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the plugin versions that the key sees",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var list struct{ Data []pluginVersion }
			text, err := c.call(cmd, http.MethodGet, pluginPath("", nil, args...), &list)
			if err != nil {
				return err
			}
			if len(list.Data) == 0 && out == formTable {
				fmt.Fprintln(cmd.OutOrStdout(), "There are no uploaded plugins. `pointsman plugin new` begins one.")
				return nil
			}
			return out.write(cmd.OutOrStdout(), text, func() *table { return pluginTable(list.Data) })
		},
	}
	jsonFlag(cmd, &out)
	return cmd
}

func pluginTable(versions []pluginVersion) *table {
	t := &table{head: []string{"NAME", "VERSION", "KIND", "ACTIVE", "SIZE", "ACCOUNT", "UPLOADED"}, right: []bool{4: true}}
	for _, v := range versions {
		active := ""
		if v.Active {
			active = "yes"
		}
		t.add(nil, v.Name, v.Version, v.Kind, active, bytesText(v.Size), orEveryone(v.AccountID), v.CreatedAt.Local().Format(time.DateTime))
	}
	return t
}

func newPluginActivate(c *client) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "activate NAME@VERSION",
		Short: "Make a version the active one; this ends its suspension too",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.versionOf(cmd, account, args)
			if err != nil {
				return err
			}
			if _, err := c.call(cmd, http.MethodPost, r.path("activate"), nil); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is active.\n", r)
			return nil
		},
	}
	accountFlag(cmd, &account)
	return cmd
}

func newPluginRollback(c *client) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "rollback NAME",
		Short: "Go back to the newest version before the active one",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var v pluginVersion
			if _, err := c.call(cmd, http.MethodPost, pluginPath(account, nil, args[0], "rollback"), &v); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is active.\n", v.Ref)
			return nil
		},
	}
	accountFlag(cmd, &account)
	return cmd
}

func newPluginDelete(c *client) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "delete NAME@VERSION",
		Short: "Delete a version that no rule or provider uses",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && !strings.Contains(args[0], "@") {
				return fmt.Errorf("which version of %s? Name it as %s@1.0.0", args[0], args[0])
			}
			r, err := c.versionOf(cmd, account, args)
			if err != nil {
				return err
			}
			if _, err := c.call(cmd, http.MethodDelete, r.path(), nil); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is deleted.\n", r)
			return nil
		},
	}
	accountFlag(cmd, &account)
	return cmd
}
