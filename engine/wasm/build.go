package wasm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// BuildGo compiles the Go package in pkgDir as a guest, embeds the manifest file and
// writes the module to out, replaced as a whole. It needs the go tool, and runs the
// stages of [Library.Inspect] on the result, so that what would be refused at upload
// is refused here.
// Errors: *engine.Error with CodeInvalid for a manifest or module that is not
// accepted; what the go tool printed, otherwise.
func BuildGo(ctx context.Context, pkgDir, manifestPath, out string) (err error) {
	manifest, err := os.ReadFile(manifestPath)
	if err != nil {
		return fmt.Errorf("build plugin: %w", err)
	}
	if _, err := parseManifest(manifest); err != nil {
		return err
	}
	if out, err = filepath.Abs(out); err != nil {
		return fmt.Errorf("build plugin: %w", err)
	}
	// Beside out, so that the last step is a rename within one file system.
	work, err := os.MkdirTemp(filepath.Dir(out), ".build-")
	if err != nil {
		return fmt.Errorf("build plugin: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()

	compiled := filepath.Join(work, "guest.wasm")
	module, err := compileGo(ctx, pkgDir, compiled)
	if err != nil {
		return err
	}
	if module, err = EmbedManifest(module, manifest); err != nil {
		return err
	}
	if _, err = inspect(module); err != nil {
		return err
	}
	if err = os.WriteFile(compiled, module, 0o644); err == nil {
		err = os.Rename(compiled, out)
	}
	if err != nil {
		return fmt.Errorf("build plugin: %w", err)
	}
	return nil
}

// compileGo builds a reactor: init runs, main does not.
// https://go.dev/blog/wasmexport, read 2026-11-22
func compileGo(ctx context.Context, pkgDir, out string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir = pkgDir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return nil, &engine.Error{
			Code:    engine.CodeInvalid,
			Message: fmt.Sprintf("go build of %s: %v\n%s", pkgDir, err, strings.TrimSpace(said.String())),
			Err:     err,
		}
	}
	module, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("build plugin: %w", err)
	}
	return module, nil
}
