package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newKeys() *cobra.Command {
	c := &client{}
	cmd := &cobra.Command{Use: "keys", Short: "Manage API keys of a running server"}
	clientFlags(cmd, c)
	cmd.AddCommand(newKeysList(c), newKeysCreate(c), newKeysRotate(c), newKeysRevoke(c))
	return cmd
}

func newKeysList(c *client) *cobra.Command {
	var account, user string
	var inactive bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the keys that your key manages", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {"200"}}
			setIf(query, "account_id", account)
			setIf(query, "user_id", user)
			if inactive {
				query.Set("inactive", "true")
			}
			return c.printPages(cmd, "/api/v1/keys", query)
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "only that account's")
	cmd.Flags().StringVar(&user, "user", "", "only that user's")
	cmd.Flags().BoolVar(&inactive, "inactive", false, "revoked and expired ones too")
	return cmd
}

func newKeysCreate(c *client) *cobra.Command {
	var account, user, expires string
	var scopes []string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a key; it is shown once", Args: cobra.ExactArgs(1),
		Example: "  pointsman keys create ci --scopes inference --expires 90d\n  pointsman keys create ann --account acme --user ann",
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]any{"name": args[0]}
			if len(scopes) > 0 {
				body["scopes"] = scopes
			}
			for member, value := range map[string]string{"account_id": account, "user_id": user} {
				if value != "" {
					body[member] = value
				}
			}
			if err := expiring(body, expires); err != nil {
				return err
			}
			return c.print(cmd, http.MethodPost, "/api/v1/keys", body)
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scopes", nil, "what it may be used for, of inference,read,manage (default: as your key)")
	cmd.Flags().StringVar(&user, "user", "", "whose key it is to be (default: your own)")
	cmd.Flags().StringVar(&account, "account", "", "the user's account (default: your own)")
	expiresFlag(cmd, &expires, "never, or as your key")
	return cmd
}

func newKeysRotate(c *client) *cobra.Command {
	var expires string
	overlap := "24h"
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Put a new key in the place of one; it is shown once", Args: cobra.ExactArgs(1),
		Long: "Put a new key in the place of one; it is shown once.\nBoth work until the overlap ends, so that whoever uses the old one can change over.",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := duration(overlap)
			if err != nil {
				return fmt.Errorf("--overlap: %w", err)
			}
			body := map[string]any{"overlap_seconds": int64(d.Seconds())}
			if err := expiring(body, expires); err != nil {
				return err
			}
			return c.print(cmd, http.MethodPost, "/api/v1/keys/"+url.PathEscape(args[0])+"/rotate", body)
		},
	}
	cmd.Flags().StringVar(&overlap, "overlap", overlap, "how long the old key goes on working, 0 to 7d")
	expiresFlag(cmd, &expires, "as the old one")
	return cmd
}

func newKeysRevoke(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Revoke a key for good", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.print(cmd, http.MethodDelete, "/api/v1/keys/"+url.PathEscape(args[0]), nil)
		},
	}
}

func setIf(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

func expiresFlag(cmd *cobra.Command, to *string, otherwise string) {
	cmd.Flags().StringVar(to, "expires", "", "when the key ends: in 90d or 12h, or at 2027-01-31T00:00:00Z (default: "+otherwise+")")
}

// expiring adds the end of a key to a request.
func expiring(body map[string]any, expires string) error {
	if expires == "" {
		return nil
	}
	if at, err := time.Parse(time.RFC3339, expires); err == nil {
		body["expires_at"] = at
		return nil
	}
	d, err := duration(expires)
	if err != nil {
		return fmt.Errorf("--expires: %w", err)
	}
	body["expires_at"] = time.Now().Add(d).UTC().Truncate(time.Second)
	return nil
}

// duration reads 90d, 12h, 30m or 0.
func duration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no length of time: write 90d, 12h or 30m", text)
	}
	return d, nil
}

// printPages prints all pages of a list as one.
func (c *client) printPages(cmd *cobra.Command, path string, query url.Values) error {
	all := []json.RawMessage{}
	for {
		resp, err := c.send(cmd.Context(), http.MethodGet, path+"?"+query.Encode(), "", nil)
		if err != nil {
			return err
		}
		var page struct {
			Data []json.RawMessage `json:"data"`
			Next string            `json:"next"`
		}
		err = json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&page)
		resp.Body.Close()
		if err != nil {
			return fmt.Errorf("read list: %w", err)
		}
		all = append(all, page.Data...)
		if page.Next == "" {
			break
		}
		if page.Next == query.Get("after") {
			return errors.New("read list: the server goes round in a circle")
		}
		query.Set("after", page.Next)
	}
	text, err := json.Marshal(map[string]any{"data": all})
	if err != nil {
		return err
	}
	return printJSON(cmd.OutOrStdout(), text)
}
