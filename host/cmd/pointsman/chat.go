package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

func newChat() *cobra.Command {
	c := &client{}
	var model string
	cmd := &cobra.Command{
		Use:   "chat MESSAGE",
		Short: "Send one message and print the answer as it comes",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := json.Marshal(map[string]any{
				"model": model, "stream": true,
				"messages": []map[string]string{{"role": "user", "content": strings.Join(args, " ")}},
			})
			if err != nil {
				return err
			}
			resp, err := c.send(cmd.Context(), http.MethodPost, "/v1/chat/completions", "application/json", bytes.NewReader(body))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if err := printDeltas(cmd.OutOrStdout(), resp.Body); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s · rule %s\n", resp.Header.Get("x-pointsman-model"), resp.Header.Get("x-pointsman-rule"))
			return nil
		},
	}
	clientFlags(cmd, c)
	cmd.Flags().StringVar(&model, "model", "auto", "auto, a catalogue id, or provider/model")
	return cmd
}

// printDeltas writes the text of a stream of chat chunks, and a line end. Only the
// terminator says that the answer is whole.
func printDeltas(w io.Writer, stream io.Reader) error {
	err := copyDeltas(w, stream)
	_, lineErr := fmt.Fprintln(w)
	return errors.Join(err, lineErr)
}

func copyDeltas(w io.Writer, stream io.Reader) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return nil
		}
		var chunk struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
			Error *struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			return fmt.Errorf("read stream: %w", err)
		}
		if chunk.Error != nil {
			return fmt.Errorf("the stream broke off: %s", chunk.Error.Message)
		}
		for _, choice := range chunk.Choices {
			if _, err := io.WriteString(w, choice.Delta.Content); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read stream: %w", err)
	}
	return errors.New("the answer was cut off")
}
