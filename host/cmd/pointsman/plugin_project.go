package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wasm"
)

// Files of a plugin's folder.
const (
	manifestFile = "manifest.json"
	fixturesFile = "fixtures.json"
)

// project is a plugin's folder.
type project struct {
	dir      string
	manifest []byte
	name     string
	build    *wasm.Build
}

// openProject reads a plugin's folder.
func openProject(dir string) (*project, error) {
	p := &project{dir: dir}
	var err error
	p.manifest, err = os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s in %s: name a plugin's folder, or make one with `pointsman plugin new --lang go NAME`", manifestFile, dir)
	}
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, manifestFile)
	var manifest engine.Manifest
	p.manifest, p.build, err = wasm.SourceManifest(p.manifest)
	if err == nil {
		err = json.Unmarshal(p.manifest, &manifest)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if p.name = manifest.Name; !pluginName.MatchString(p.name) {
		return nil, fmt.Errorf("%s: name %q is not lower-case letters, digits and hyphens, at most 64", path, p.name)
	}
	if p.build == nil || len(p.build.Command) == 0 || p.build.Module == "" {
		return nil, fmt.Errorf(`%s must say how the plugin is built and where the result is: "build": {"command": ["make"], "module": "build/%s.wasm"}`, path, p.name)
	}
	return p, nil
}

// out is the finished module's path.
func (p *project) out() string { return filepath.Join(p.dir, p.name+".wasm") }

// make builds the module, with the manifest in it, as the file out. What the command says goes
// to said only when it fails.
func (p *project) make(ctx context.Context) (module []byte, err error) {
	cmd := exec.CommandContext(ctx, p.build.Command[0], p.build.Command[1:]...)
	cmd.Dir, cmd.Env = p.dir, os.Environ()
	for name, value := range p.build.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%s runs %q, which is not installed: install it, or change the command", filepath.Join(p.dir, manifestFile), p.build.Command[0])
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(p.build.Command, " "), err, strings.TrimSpace(said.String()))
	}
	built, err := os.ReadFile(filepath.Join(p.dir, p.build.Module))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s succeeded and made no %s, which %s says it does", p.build.Command[0], p.build.Module, manifestFile)
	}
	if err != nil {
		return nil, err
	}
	out, err := filepath.Abs(p.out())
	if err != nil {
		return nil, err
	}
	return wasm.Finish(built, p.manifest, out)
}

// subject is what check, test, bench and push work on: a plugin's folder, which is built
// first, or a finished module.
type subject struct {
	project  *project // nil for a module
	path     string   // of the module
	module   []byte
	fixtures []byte // nil: there are none
}

// openSubject builds the project that args name, the current folder without any, or reads the
// module. fixtures, if not "", stands in for the folder's fixtures.json.
func openSubject(ctx context.Context, args []string, fixtures string) (*subject, error) {
	target := "."
	if len(args) > 0 {
		target = args[0]
	}
	s := &subject{path: target}
	var err error
	beside := filepath.Join(target, fixturesFile)
	if info, err := os.Stat(target); err == nil && info.Mode().IsRegular() {
		if s.module, err = os.ReadFile(target); err != nil {
			return nil, err
		}
		beside = filepath.Join(filepath.Dir(target), fixturesFile)
	} else {
		if s.project, err = openProject(target); err != nil {
			return nil, err
		}
		if s.module, err = s.project.make(ctx); err != nil {
			return nil, err
		}
		s.path = s.project.out()
	}
	if fixtures == "" {
		if s.fixtures, err = os.ReadFile(beside); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	} else {
		s.fixtures, err = os.ReadFile(fixtures)
	}
	return s, err
}

// cases are the fixtures, parsed. Errors: there are none.
func (s *subject) cases() ([]wasm.Fixture, error) {
	if s.fixtures == nil {
		return nil, fmt.Errorf(`there is no %s beside the plugin: write one, as [{"name": "…", "context": {…}, "want": {"verdict": "abstain"}}], or name one with --fixtures`, fixturesFile)
	}
	return wasm.ParseFixtures(s.fixtures)
}

// describe prints one line about the module.
func (s *subject) describe(w io.Writer, verb string) {
	m, err := wasm.ReadManifest(s.module)
	if err != nil {
		return
	}
	fmt.Fprintf(w, "%s %s (%s), %s: %s\n", verb, m.Name+"@"+m.Version, m.Kind, bytesText(int64(len(s.module))), s.path)
}

// skipped tells by its name what compilers and editors leave in a plugin's folder.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"build", "target", "node_modules", "Cargo.lock"}, name)
}
