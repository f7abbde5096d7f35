package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newPluginLogs(c *client) *cobra.Command {
	var account string
	var form form
	cmd := &cobra.Command{
		Use:   "logs NAME[@VERSION]",
		Short: "Print what a version logged last, on the replica that answers",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.versionOf(cmd, account, args)
			if err != nil {
				return err
			}
			var logs struct {
				Data []struct {
					At        time.Time `json:"at"`
					RequestID string    `json:"request_id"`
					Level     string    `json:"level"`
					Text      string    `json:"text"`
				}
				Dropped int64
			}
			text, err := c.call(cmd, http.MethodGet, r.path("logs"), &logs)
			if err != nil {
				return err
			}
			return form.show(cmd.OutOrStdout(), text, func(out io.Writer) {
				for _, l := range logs.Data {
					fmt.Fprintf(out, "%s  %-5s  %s  %s\n", l.At.Local().Format("15:04:05.000"), l.Level, l.RequestID, l.Text)
				}
				if len(logs.Data) == 0 {
					fmt.Fprintf(out, "%s has logged nothing on this replica.\n", r)
				}
				if logs.Dropped > 0 {
					fmt.Fprintf(out, "%s lines were dropped: at most 100 a second are kept.\n", grouped(logs.Dropped))
				}
			})
		},
	}
	accountFlag(cmd, &account)
	jsonFlag(cmd, &form)
	return cmd
}

func newPluginStats(c *client) *cobra.Command {
	var account string
	var form form
	cmd := &cobra.Command{
		Use:   "stats NAME[@VERSION]",
		Short: "Print how a version does, on the replica that answers",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.versionOf(cmd, account, args)
			if err != nil {
				return err
			}
			var s struct {
				Calls          int64
				Failures       map[string]int64
				FuelP50        int64 `json:"fuel_p50"`
				FuelP99        int64 `json:"fuel_p99"`
				Instances      int64
				MemoryBytes    int64      `json:"memory_bytes"`
				SuspendedUntil *time.Time `json:"suspended_until"`
			}
			text, err := c.call(cmd, http.MethodGet, r.path("stats"), &s)
			if err != nil {
				return err
			}
			return form.show(cmd.OutOrStdout(), text, func(out io.Writer) {
				failures := []string{}
				for _, kind := range slices.Sorted(maps.Keys(s.Failures)) {
					failures = append(failures, grouped(s.Failures[kind])+" "+kind)
				}
				if len(failures) == 0 {
					failures = []string{"none"}
				}
				fmt.Fprintf(out, "%s on this replica\n", r)
				fmt.Fprintf(out, "  calls      %s\n  failures   %s\n", grouped(s.Calls), strings.Join(failures, ", "))
				fmt.Fprintf(out, "  fuel       p50 %s, p99 %s\n", grouped(s.FuelP50), grouped(s.FuelP99))
				fmt.Fprintf(out, "  instances  %d, %s\n", s.Instances, bytesText(s.MemoryBytes))
				if s.SuspendedUntil != nil {
					fmt.Fprintf(out, "  suspended  until %s: an older version serves. To end that: pointsman plugin activate %s\n",
						s.SuspendedUntil.Local().Format(time.TimeOnly), r)
				}
			})
		},
	}
	accountFlag(cmd, &account)
	jsonFlag(cmd, &form)
	return cmd
}
