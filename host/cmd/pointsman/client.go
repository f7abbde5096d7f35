package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	usual := os.Getenv("POINTSMAN_URL")
	if usual == "" {
		usual = "http://127.0.0.1:8080"
	}
	cmd.PersistentFlags().StringVar(&c.url, "url", usual, "server to talk to (POINTSMAN_URL)")
	c.key = os.Getenv("POINTSMAN_KEY")
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

// send makes a request and returns the answer, which the caller closes. A status
// of 400 or more is an error that holds the server's message.
func (c *client) send(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	origin, err := c.origin()
	if err != nil {
		return nil, err
	}
	if c.key == "" {
		return nil, errNoKey
	}
	req, err := http.NewRequestWithContext(ctx, method, origin+path, body)
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
		err := fmt.Errorf("%s %s: %s\n%s", method, path, resp.Status, serverMessage(text))
		if resp.StatusCode == http.StatusUnauthorized {
			err = fmt.Errorf("%w\nThe key in POINTSMAN_KEY is none of the server at %s, or is revoked or over", err, origin)
		}
		return nil, err
	}
	return resp, nil
}

// origin is the server's address, without the /v1 with which clients of its models are given it.
func (c *client) origin() (string, error) {
	u, err := url.Parse(c.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("the server's address (--url, POINTSMAN_URL) is %q: write it as http://127.0.0.1:8080", c.url)
	}
	return strings.TrimSuffix(strings.TrimSuffix(c.url, "/"), "/v1"), nil
}

// serverMessage is the readable part of an error body of either API.
func serverMessage(text []byte) string {
	var body struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
		Detail string `json:"detail"`
		Caret  string `json:"caret"`
		Errors []struct {
			Message  string `json:"message"`
			Location string `json:"location"`
		} `json:"errors"`
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
	if body.Caret != "" {
		body.Errors = nil // the caret is at the place
	}
	for _, e := range body.Errors {
		if place := strings.TrimPrefix(e.Location, "body."); place != "" && place != "body" {
			e.Message = place + ": " + e.Message
		}
		if !strings.Contains(body.Detail, e.Message) {
			parts = append(parts, e.Message)
		}
	}
	if len(parts) == 0 {
		return strings.TrimSpace(string(text))
	}
	return strings.Join(parts, "\n")
}

// print writes an answer, one object or none, to the command's output.
func (c *client) print(cmd *cobra.Command, out form, method, path string, body any) error {
	var text json.RawMessage
	if err := c.ask(cmd, method, path, body, &text); err != nil {
		return err
	}
	if len(text) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "done")
		return err
	}
	return out.write(cmd.OutOrStdout(), text, func() *table { return memberTable(text) })
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
