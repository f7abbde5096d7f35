package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func newKeys() *cobra.Command {
	c := &client{}
	cmd := &cobra.Command{Use: "keys", Short: "Manage API keys of a running server"}
	clientFlags(cmd, c)
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "List keys", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.print(cmd, http.MethodGet, "/api/v1/keys", nil) },
	})
	cmd.AddCommand(&cobra.Command{
		Use: "create NAME", Short: "Make a key; it is shown once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.print(cmd, http.MethodPost, "/api/v1/keys", map[string]string{"name": args[0]})
		},
	})
	cmd.AddCommand(&cobra.Command{
		Use: "revoke ID", Short: "Revoke a key", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.print(cmd, http.MethodDelete, "/api/v1/keys/"+url.PathEscape(args[0]), nil)
		},
	})
	return cmd
}
