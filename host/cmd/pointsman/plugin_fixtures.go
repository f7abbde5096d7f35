package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk/abi"
)

// newPluginFixtures is the verb "test", in a file whose name does not make it one of Go's.
func newPluginFixtures() *cobra.Command {
	var fixtures string
	var watch bool
	cmd := &cobra.Command{
		Use:   "test [FOLDER|FILE.wasm]",
		Short: "Run the plugin's fixtures in the runtime that a server has",
		Long: `Build the plugin and run each case of fixtures.json on a fresh instance of it. The time is that of
the first call, starting the instance included: "bench" has the time of the ones after.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := openRuntime(cmd.Context())
			if err != nil {
				return err
			}
			defer closeRuntime(cmd.Context(), l)
			once := func(ctx context.Context) error {
				return runCases(ctx, cmd.OutOrStdout(), l, args, fixtures)
			}
			if watch {
				return repeat(cmd, args, fixtures, once)
			}
			return once(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&fixtures, "fixtures", "", "cases to run (default: fixtures.json beside the plugin)")
	cmd.Flags().BoolVar(&watch, "watch", false, "build and test again whenever a file changes")
	return cmd
}

// errCases says that cases failed; which ones stands above.
var errCases = errors.New("the plugin does not do what its fixtures want")

// runCases prints a table of the cases. Errors: one failed, or none could be run.
func runCases(ctx context.Context, w io.Writer, l *wasm.Library, args []string, fixtures string) error {
	s, err := openSubject(ctx, args, fixtures)
	if err != nil {
		return err
	}
	cases, err := s.cases()
	if err != nil {
		return err
	}
	results, err := l.RunFixtures(ctx, s.module, cases)
	if err != nil {
		return refusal(s.path, err)
	}
	t := &table{head: []string{"CASE", "RESULT", "FUEL", "TIME", "MEMORY"}, right: []bool{false, false, true, true, true}}
	failed := 0
	for _, r := range results {
		result := "ok"
		if len(r.Problems) > 0 {
			result = "FAILED"
			failed++
		}
		var notes []string
		for _, problem := range r.Problems {
			notes = append(notes, readable(problem))
		}
		for _, line := range r.Logs {
			notes = append(notes, "log "+levelText(line.Level)+": "+line.Text)
		}
		fuel, memory := grouped(r.Fuel), bytesText(r.Memory)
		if r.Fuel == 0 && r.Memory == 0 { // it broke, and its instance is gone
			fuel, memory = "-", "-"
		}
		t.add(notes, r.Name, result, fuel, timeText(r.Took), memory)
	}
	t.write(w)
	m, err := wasm.ReadManifest(s.module)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s@%s: %d of %d cases pass\n", m.Name, m.Version, len(results)-failed, len(results))
	if failed > 0 {
		return errCases
	}
	return nil
}

// nameless are the lines of a stack whose functions have no names, as those of Go's guests:
// their own trace stands before.
var nameless = regexp.MustCompile(`\n\s*\.\$\d+\(.*`)

// readable is a failure without what says nothing: its code, and nameless functions.
func readable(text string) string {
	text = strings.ReplaceAll(text, string(engine.CodePluginFailed)+": ", "")
	if cut := nameless.ReplaceAllString(text, ""); cut != text {
		text, _, _ = strings.Cut(cut, "\nwasm error:")
	}
	return strings.TrimRight(text, ": \n")
}

func levelText(level int32) string {
	switch level {
	case abi.LevelDebug:
		return "debug"
	case abi.LevelInfo:
		return "info"
	case abi.LevelWarn:
		return "warn"
	}
	return "error"
}
