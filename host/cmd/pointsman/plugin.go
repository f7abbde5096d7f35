package main

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine/wasm"
)

func newPlugin() *cobra.Command {
	c := &client{}
	cmd := &cobra.Command{Use: "plugin", Short: "Build plugins, and manage those of a running server"}
	clientFlags(cmd, c)
	cmd.AddCommand(newPluginBuild(), newPluginCompile(), newPluginPush(c), &cobra.Command{
		Use: "list", Short: "List plugin versions", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.print(cmd, http.MethodGet, "/api/v1/plugins", nil)
		},
	})
	return cmd
}

func newPluginBuild() *cobra.Command {
	var manifest, pkg, out string
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Compile a Go guest to wasm and embed its manifest",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return wasm.BuildGo(cmd.Context(), pkg, manifest, out)
		},
	}
	cmd.Flags().StringVar(&manifest, "manifest", "manifest.json", "manifest file")
	cmd.Flags().StringVar(&pkg, "package", ".", "Go package of the guest")
	cmd.Flags().StringVarP(&out, "output", "o", "plugin.wasm", "file to write")
	return cmd
}

func newPluginPush(c *client) *cobra.Command {
	var activate bool
	cmd := &cobra.Command{
		Use:   "push FILE",
		Short: "Upload a plugin module",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			module, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			part, err := form.CreateFormFile("module", filepath.Base(args[0]))
			if err != nil {
				return err
			}
			if _, err := part.Write(module); err != nil {
				return err
			}
			if err := form.Close(); err != nil {
				return err
			}
			resp, err := c.send(cmd.Context(), http.MethodPost, fmt.Sprintf("/api/v1/plugins?activate=%t", activate), form.FormDataContentType(), &body)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
			if err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), text)
		},
	}
	cmd.Flags().BoolVar(&activate, "activate", false, "make this version the active one")
	return cmd
}
