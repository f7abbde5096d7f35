package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// whoami finds the caller's own key among those that it manages.
func (c *client) whoami(cmd *cobra.Command) (who caller, err error) {
	if c.key == "" {
		return who, errNoKey
	}
	rows, err := c.pages(cmd, "/api/v1/keys", url.Values{"limit": {"200"}})
	if err != nil {
		return who, err
	}
	var keys []keyDoc
	if err := decodeAll(rows, &keys); err != nil {
		return who, err
	}
	longest, next := 0, map[string]string{}
	for _, k := range keys {
		next[k.ID] = k.RotatedTo
		if strings.HasPrefix(c.key, k.Prefix) && len(k.Prefix) > longest {
			longest = len(k.Prefix)
			who = caller{account: k.AccountID, user: k.UserID, keyIDs: []string{k.ID}, super: k.Role == "super_admin"}
		}
	}
	if longest == 0 {
		return who, errors.New("the key is not among those that it manages: it needs the scopes read and manage")
	}
	for id := next[who.keyIDs[0]]; id != "" && !slices.Contains(who.keyIDs, id); id = next[id] {
		who.keyIDs = append(who.keyIDs, id)
	}
	return who, nil
}

// serverResources are all rows of the server that the caller may change; account narrows them.
func (c *client) serverResources(cmd *cobra.Command, who caller, account string) ([]resource, error) {
	accounts := []string{who.account}
	switch {
	case account != "":
		accounts = []string{account}
	case who.super:
		rows, err := c.pages(cmd, "/api/v1/accounts", url.Values{"limit": {"200"}})
		if err != nil {
			return nil, err
		}
		var list []struct{ ID string }
		if err := decodeAll(rows, &list); err != nil {
			return nil, err
		}
		accounts = accounts[:0]
		for _, a := range list {
			accounts = append(accounts, a.ID)
		}
	}
	var all []resource
	seen := map[[4]string]bool{}
	add := func(kind string, rows []json.RawMessage) error {
		for _, text := range rows {
			r, err := serverResource(kind, text)
			if err != nil {
				return err
			}
			mine := r.account != "" || who.super
			if account != "" {
				mine = r.account == account
			}
			if r.shadowed = seen[r.key()]; r.id != "" && mine && (kind == kindKeys || !r.shadowed) {
				seen[r.key()] = true
				all = append(all, r)
			}
		}
		return nil
	}
	for _, kind := range resourceKinds {
		paths := []string{"/api/v1/" + kind}
		switch kind {
		case kindLimits, kindBudgets:
			paths = paths[:0]
			for _, a := range accounts {
				paths = append(paths, "/api/v1/"+kind+accountQuery(a))
			}
		case kindKeys:
			rows, err := c.pages(cmd, paths[0], url.Values{"limit": {"200"}})
			if err != nil {
				return nil, err
			}
			// Of several keys of one name the newest counts; the others are only pruned with it.
			for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
				rows[i], rows[j] = rows[j], rows[i]
			}
			if err := add(kind, rows); err != nil {
				return nil, err
			}
			continue
		}
		for _, path := range paths {
			var list struct{ Data []json.RawMessage }
			if _, err := c.call(cmd, http.MethodGet, path, &list); err != nil {
				return nil, err
			}
			if err := add(kind, list.Data); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// serverResource reads a row. A key that is being replaced is none.
func serverResource(kind string, text json.RawMessage) (resource, error) {
	var row struct {
		ID        string    `json:"id"`
		AccountID string    `json:"account_id"`
		UserID    string    `json:"user_id"`
		Name      string    `json:"name"`
		System    bool      `json:"system"`
		RotatedTo string    `json:"rotated_to"`
		UpdatedAt time.Time `json:"updated_at"`
	}
	if err := json.Unmarshal(text, &row); err != nil {
		return resource{}, fmt.Errorf("read %s: %w", kind, err)
	}
	r := resource{kind: kind, account: row.AccountID, id: row.ID, serverID: row.ID, system: row.System, updatedAt: row.UpdatedAt, body: text}
	if kind == kindKeys {
		r.id, r.user = row.Name, row.UserID
		if row.RotatedTo != "" {
			r.id = ""
		}
	}
	var err error
	r.members, err = comparison(kind, text)
	return r, err
}

// change carries one step of a plan out; secret is a new key's.
func (c *client) change(cmd *cobra.Command, s *step) (secret string, err error) {
	path := "/api/v1/" + s.kind
	one := *c
	if s.was != nil {
		path += "/" + url.PathEscape(s.was.serverID) + accountQuery(s.was.account)
		one.match = fmt.Sprintf(`"%d"`, s.was.updatedAt.UnixMilli())
	}
	switch s.Action {
	case actionCreate:
		var made struct{ Secret string }
		err = one.ask(cmd, http.MethodPost, path, s.want.body, &made)
		return made.Secret, err
	case actionUpdate:
		if s.kind != kindKeys {
			return "", one.ask(cmd, http.MethodPut, path, s.want.body, nil)
		}
		k, ok := s.want.body.(keyFile)
		if !ok {
			return "", fmt.Errorf("%T is no key", s.want.body)
		}
		body := map[string]any{"never_expires": k.ExpiresAt == nil}
		if k.ExpiresAt != nil {
			body["expires_at"] = k.ExpiresAt
		}
		if len(k.Scopes) > 0 {
			body["scopes"] = k.Scopes
		}
		return "", one.ask(cmd, http.MethodPatch, path, body, nil)
	case actionDelete:
		return "", one.ask(cmd, http.MethodDelete, path, nil, nil)
	}
	return "", nil
}
