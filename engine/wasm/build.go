package wasm

import (
	"bytes"
	"context"
	"errors"
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
	if manifest, _, err = SourceManifest(manifest); err != nil {
		return err
	}
	if _, err := parseManifest(manifest); err != nil {
		return err
	}
	if out, err = filepath.Abs(out); err != nil {
		return fmt.Errorf("build plugin: %w", err)
	}
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
	_, err = Finish(module, manifest, out)
	return err
}

// Finish embeds the manifest into a compiled module, runs the stages of [Library.Inspect]
// on the result, and writes it to out, replaced as a whole. It returns what it wrote.
// Errors: *engine.Error with CodeInvalid for a manifest or module that is not accepted.
func Finish(module, manifest []byte, out string) ([]byte, error) {
	module, err := EmbedManifest(module, manifest)
	if err != nil {
		return nil, err
	}
	if _, err := inspect(module); err != nil {
		return nil, err
	}
	// Beside out, so that the last step is a rename within one file system.
	file, err := os.CreateTemp(filepath.Dir(out), ".build-")
	if err != nil {
		return nil, fmt.Errorf("build plugin: %w", err)
	}
	_, err = file.Write(module)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err == nil {
		err = os.Rename(file.Name(), out)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return nil, fmt.Errorf("build plugin: %w", err)
	}
	return module, nil
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
