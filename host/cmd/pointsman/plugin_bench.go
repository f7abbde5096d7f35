package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine/wasm"
)

func newPluginBench() *cobra.Command {
	var fixtures, only string
	var least time.Duration
	cmd := &cobra.Command{
		Use:   "bench [FOLDER|FILE.wasm]",
		Short: "Repeat the plugin's fixtures and print their speed and fuel",
		Long: `Build the plugin and repeat each case of fixtures.json on one instance. A rule's calls are timed
alone, those of a provider plugin with reading the case's documents.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openSubject(cmd.Context(), args, fixtures)
			if err != nil {
				return err
			}
			cases, err := s.cases()
			if err != nil {
				return err
			}
			var names []string
			var chosen []wasm.Fixture
			for _, f := range cases {
				names = append(names, fmt.Sprintf("%q", f.Name))
				if only == "" || f.Name == only {
					chosen = append(chosen, f)
				}
			}
			if len(chosen) == 0 {
				return fmt.Errorf("there is no case %q: there are %s", only, strings.Join(names, ", "))
			}
			l, err := openRuntime(cmd.Context())
			if err != nil {
				return err
			}
			defer closeRuntime(cmd.Context(), l)
			t := &table{
				head:  []string{"CASE", "CALLS/S", "TIME/CALL", "FUEL P50", "FUEL P99", "MEMORY"},
				right: []bool{false, true, true, true, true, true},
			}
			for _, f := range chosen {
				b, err := l.BenchFixture(cmd.Context(), s.module, f, least)
				if err != nil {
					return refusal(s.path, err)
				}
				each := b.Took / time.Duration(b.Calls)
				t.add(nil, f.Name, grouped(int64(float64(b.Calls)/b.Took.Seconds())), grouped(each.Nanoseconds())+" ns",
					grouped(b.FuelP50), grouped(b.FuelP99), bytesText(b.Memory))
			}
			t.write(cmd.OutOrStdout())
			return nil
		},
	}
	cmd.Flags().StringVar(&fixtures, "fixtures", "", "cases to run (default: fixtures.json beside the plugin)")
	cmd.Flags().StringVar(&only, "case", "", "only the case of that name")
	cmd.Flags().DurationVar(&least, "time", time.Second, "how long to repeat each case")
	return cmd
}
