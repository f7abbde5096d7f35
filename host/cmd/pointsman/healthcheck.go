package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/host"
)

// healthcheckTimeout is less than what container runtimes and service managers give a check.
const healthcheckTimeout = 3 * time.Second

// newHealthcheck is for images that have no shell and no curl: exit code 0 when the process that
// has the same settings is ready, 1 otherwise.
func newHealthcheck() *cobra.Command {
	var file string
	var flags host.Config
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the server of this machine whether it is ready; exit 1 if not",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configure(cmd, file, flags)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), healthcheckTimeout)
			defer cancel()
			scheme := "http"
			if cfg.TLS.CertFile != "" {
				scheme = "https"
			}
			if err := askReady(ctx, scheme, cfg.Listen); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return err
		},
	}
	configFlags(cmd, &file, &flags)
	return cmd
}

// askReady asks the server that listens on the address, as POINTSMAN_LISTEN has it.
func askReady(ctx context.Context, scheme, listen string) error {
	address, err := nearAddress(listen)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+address+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	// No proxy of the environment, and no place that an answer names.
	// The certificate is for the name that others know the server by. Nothing is sent and a yes or no read.
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("%s is not ready: %d %s", address, resp.StatusCode, strings.TrimSpace(string(why)))
	}
	return nil
}

// nearAddress is where a server that listens on the address is reached from its own machine: one
// that listens everywhere, at the loopback address.
func nearAddress(listen string) (string, error) {
	name, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("the listen address %q is not host:port", listen)
	}
	address, err := netip.ParseAddr(name)
	switch {
	case name == "" || err == nil && address.IsUnspecified() && address.Is4():
		name = "127.0.0.1"
	case err == nil && address.IsUnspecified():
		name = "::1"
	}
	return net.JoinHostPort(name, port), nil
}
