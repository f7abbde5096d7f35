package main

import (
	"encoding/json"
	"errors"
	"fmt"
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
	var out form
	cmd := &cobra.Command{
		Use: "list", Short: "List the keys that your key manages", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {"200"}}
			setIf(query, "account_id", account)
			setIf(query, "user_id", user)
			if inactive {
				query.Set("inactive", "true")
			}
			rows, err := c.pages(cmd, "/api/v1/keys", query)
			if err != nil {
				return err
			}
			var keys []keyDoc
			if err := decodeAll(rows, &keys); err != nil {
				return err
			}
			return out.writeValue(cmd.OutOrStdout(), map[string]any{"data": rows}, func() *table { return keyTable(keys) })
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "only that account's")
	cmd.Flags().StringVar(&user, "user", "", "only that user's")
	cmd.Flags().BoolVar(&inactive, "inactive", false, "revoked and expired ones too")
	formFlag(cmd, &out)
	return cmd
}

func newKeysCreate(c *client) *cobra.Command {
	var account, user, expires string
	var scopes []string
	out := form(formJSON)
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
			return c.print(cmd, out, http.MethodPost, "/api/v1/keys", body)
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scopes", nil, "what it may be used for, of inference,read,manage (default: as your key)")
	cmd.Flags().StringVar(&user, "user", "", "whose key it is to be (default: your own)")
	cmd.Flags().StringVar(&account, "account", "", "the user's account (default: your own)")
	expiresFlag(cmd, &expires, "never, or as your key")
	formFlag(cmd, &out)
	return cmd
}

func newKeysRotate(c *client) *cobra.Command {
	var expires string
	overlap, out := "24h", form(formJSON)
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
			return c.print(cmd, out, http.MethodPost, "/api/v1/keys/"+url.PathEscape(args[0])+"/rotate", body)
		},
	}
	cmd.Flags().StringVar(&overlap, "overlap", overlap, "how long the old key goes on working, 0 to 7d")
	expiresFlag(cmd, &expires, "as the old one")
	formFlag(cmd, &out)
	return cmd
}

func newKeysRevoke(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Revoke a key for good", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.print(cmd, formJSON, http.MethodDelete, "/api/v1/keys/"+url.PathEscape(args[0]), nil)
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

// keyDoc is what the API says of a key.
type keyDoc struct {
	ID        string     `json:"id"`
	AccountID string     `json:"account_id"`
	UserID    string     `json:"user_id"`
	Name      string     `json:"name"`
	Prefix    string     `json:"prefix"`
	Scopes    []string   `json:"scopes"`
	Role      string     `json:"role"`
	RotatedTo string     `json:"rotated_to"`
	ExpiresAt *time.Time `json:"expires_at"`
	RevokedAt *time.Time `json:"revoked_at"`
}

func keyTable(keys []keyDoc) *table {
	t := &table{head: []string{"ID", "NAME", "ACCOUNT", "USER", "ROLE", "SCOPES", "PREFIX", "ENDS"}}
	for _, k := range keys {
		ends := "never"
		switch {
		case k.RevokedAt != nil:
			ends = "revoked"
		case k.ExpiresAt != nil:
			ends = k.ExpiresAt.Local().Format(time.DateTime)
		}
		t.add(nil, k.ID, k.Name, k.AccountID, k.UserID, k.Role, strings.Join(k.Scopes, ","), k.Prefix, ends)
	}
	return t
}

// pages returns the rows of all pages of a list.
func (c *client) pages(cmd *cobra.Command, path string, query url.Values) ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	for {
		var page struct {
			Data []json.RawMessage `json:"data"`
			Next string            `json:"next"`
		}
		if _, err := c.call(cmd, http.MethodGet, path+"?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if page.Next == "" {
			return all, nil
		}
		if page.Next == query.Get("after") {
			return nil, errors.New("read list: the server goes round in a circle")
		}
		query.Set("after", page.Next)
	}
}

// decodeAll reads each row.
func decodeAll[T any](rows []json.RawMessage, into *[]T) error {
	for _, text := range rows {
		var row T
		if err := json.Unmarshal(text, &row); err != nil {
			return fmt.Errorf("read list: %w", err)
		}
		*into = append(*into, row)
	}
	return nil
}
