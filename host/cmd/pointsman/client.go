package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// client calls a running server's API.
type client struct {
	url, key string
	match    string // If-Match, of a change that is meant for one version
}

var errNoKey = errors.New("no key: set POINTSMAN_KEY to the key that the first start printed")

// clientFlags adds what every verb that talks to a server needs.
func clientFlags(cmd *cobra.Command, c *client) {
	url := os.Getenv("POINTSMAN_URL")
	if url == "" {
		url = "http://127.0.0.1:8080"
	}
	cmd.PersistentFlags().StringVar(&c.url, "url", url, "server to talk to (POINTSMAN_URL)")
	c.key = os.Getenv("POINTSMAN_KEY")
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

// send makes a request and returns the answer, which the caller closes. A status
// of 400 or more is an error that holds the server's message.
func (c *client) send(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	if c.key == "" {
		return nil, errNoKey
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.url, "/")+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if c.match != "" {
		req.Header.Set("If-Match", c.match)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w\nIs the server running? `pointsman serve` starts it; --url names another one", err)
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return nil, fmt.Errorf("%s %s: %s\n%s", method, path, resp.Status, serverMessage(text))
	}
	return resp, nil
}

// serverMessage is the readable part of an error body of either API.
func serverMessage(text []byte) string {
	var body struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
		Detail string `json:"detail"`
		Caret  string `json:"caret"`
	}
	if json.Unmarshal(text, &body) != nil {
		return strings.TrimSpace(string(text))
	}
	parts := []string{}
	for _, s := range []string{body.Error.Message, body.Detail, body.Caret} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return strings.TrimSpace(string(text))
	}
	return strings.Join(parts, "\n")
}

// print copies an answer's JSON to the command's output, indented.
func (c *client) print(cmd *cobra.Command, method, path string, body any) error {
	var reader io.Reader
	contentType := ""
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader, contentType = bytes.NewReader(text), "application/json"
	}
	resp, err := c.send(cmd.Context(), method, path, contentType, reader)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	return printJSON(cmd.OutOrStdout(), text)
}

func printJSON(w io.Writer, text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		_, err := fmt.Fprintln(w, "done")
		return err
	}
	var out bytes.Buffer
	if json.Indent(&out, text, "", "  ") != nil {
		out.Reset()
		out.Write(text)
	}
	_, err := fmt.Fprintln(w, strings.TrimSpace(out.String()))
	return err
}
