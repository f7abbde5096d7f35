package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/host/simulator"
)

func newSimulate() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Serve fake OpenAI, Anthropic and Gemini APIs with scripted faults",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := simulator.New(simulator.Config{})
			if _, err := s.Start(listen); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintln(out, "Simulating providers. Point a gateway here with:")
			fmt.Fprintf(out, "  OPENAI_BASE_URL=%s ANTHROPIC_BASE_URL=%s GEMINI_BASE_URL=%s RAPTOR_BASE_URL=%s\n",
				s.BaseURL("openai"), s.BaseURL("anthropic"), s.BaseURL("google"), s.BaseURL("raptor"))
			fmt.Fprintln(out, "Any key is accepted. Faults: POST /_simulator/faults, or [[simulate …]] in a message.")
			<-cmd.Context().Done()
			return s.Close()
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8090", "address to serve on")
	return cmd
}
