package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newPluginPush(c *client) *cobra.Command {
	var activate bool
	var out form
	var account, fixtures string
	cmd := &cobra.Command{
		Use:   "push [FOLDER|FILE.wasm]",
		Short: "Build the plugin and upload it with its fixtures",
		Long: `Build the plugin, or take a finished module, and upload it with its fixtures, which it must pass there
too. The first version of a name is active at once, later ones with --activate. The key is an account admin's,
or a super admin's, whose plugins are for all accounts unless --account names one.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openSubject(cmd.Context(), args, fixtures)
			if err != nil {
				return err
			}
			form, contentType, err := s.form()
			if err != nil {
				return err
			}
			query := url.Values{}
			if activate {
				query.Set("activate", "true")
			}
			resp, err := c.send(cmd.Context(), http.MethodPost, pluginPath(account, query), contentType, form)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
			if err != nil {
				return err
			}
			var v pluginVersion
			if err := json.Unmarshal(text, &v); err != nil {
				return fmt.Errorf("read the answer: %w", err)
			}
			return out.show(cmd.OutOrStdout(), text, func(w io.Writer) { v.pushed(w, resp.StatusCode == http.StatusOK) })
		},
	}
	cmd.Flags().BoolVar(&activate, "activate", false, "make this version the active one")
	cmd.Flags().StringVar(&fixtures, "fixtures", "", "cases that it must pass (default: fixtures.json beside the plugin)")
	jsonFlag(cmd, &out)
	accountFlag(cmd, &account)
	return cmd
}

// pushed says what became of an upload; again: the server had it already.
func (v pluginVersion) pushed(w io.Writer, again bool) {
	did := "Pushed"
	if again {
		did = "Already there:"
	}
	fmt.Fprintf(w, "%s %s, for %s.\n", did, v.Ref, owner(v.AccountID))
	switch {
	case !v.Active:
		fmt.Fprintf(w, "Another version is active. To change that: pointsman plugin activate %s\n", v.Ref)
	case v.Kind == "rule":
		fmt.Fprintf(w, "It is active. Rules use it by its name: \"plugin\": %q\n", v.Name)
	default:
		fmt.Fprintf(w, "It is active. Providers use it by its name: \"adapter\": %q\n", v.Name)
	}
}

// form is the upload as the server reads it.
func (s *subject) form() (body *bytes.Buffer, contentType string, err error) {
	body = &bytes.Buffer{}
	form := multipart.NewWriter(body)
	for _, file := range []struct {
		field, name string
		text        []byte
	}{{"module", filepath.Base(s.path), s.module}, {"fixtures", fixturesFile, s.fixtures}} {
		if file.text == nil {
			continue
		}
		part, err := form.CreateFormFile(file.field, file.name)
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(file.text); err != nil {
			return nil, "", err
		}
	}
	return body, form.FormDataContentType(), form.Close()
}

func firstError(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}
