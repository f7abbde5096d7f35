package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

// watchEvery is how often a folder is looked through.
const watchEvery = 300 * time.Millisecond

// repeat runs once now and whenever a file of the plugin has changed, until the command is
// interrupted. What fails is printed, and tried again at the next change.
func repeat(cmd *cobra.Command, args []string, fixtures string, once func(context.Context) error) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	target := "."
	if len(args) > 0 {
		target = args[0]
	}
	seen := uint64(0)
	for {
		now := fingerprint(target, fixtures)
		if now != seen {
			seen = now
			if err := once(ctx); err != nil && ctx.Err() == nil {
				fmt.Fprintln(out, "pointsman:", err)
			}
			fmt.Fprintf(out, "\n%s · waiting for a change in %s; Ctrl-C ends\n\n", time.Now().Format(time.TimeOnly), target)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// fingerprint changes with the names, sizes and times of the files that a build reads. What a
// build writes is not among them: modules, and the folders for it.
func fingerprint(target, fixtures string) uint64 {
	h := fnv.New64a()
	add := func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && path != target && skipped(d.Name()):
			return fs.SkipDir
		case d.IsDir(), path != target && (filepath.Ext(path) == ".wasm" || skipped(d.Name())):
			return nil
		}
		if info, err := d.Info(); err == nil {
			fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	}
	for _, root := range []string{target, fixtures} {
		if root != "" {
			_ = filepath.WalkDir(root, add) // what cannot be read, the build will say
		}
	}
	return h.Sum64()
}
