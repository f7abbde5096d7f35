package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pointsman/pointsman"
)

// language is one that plugins may be written in; it has a folder below sdk.
type language struct {
	id, name string
	needs    string // to build; nothing else is
	first    string // a command before the first build; "" for none
}

var languages = []language{
	{"go", "Go", "Go 1.26 or later", ""},
	{"rust", "Rust", "cargo, and a rustc with the target wasm32-unknown-unknown", ""},
	{"assemblyscript", "AssemblyScript", "npm, which fetches the compiler", "npm ci"},
	{"c", "C", "clang and wasm-ld", ""},
}

// languageIDs are what --lang takes.
func languageIDs() string {
	var ids []string
	for _, l := range languages {
		ids = append(ids, l.id)
	}
	return strings.Join(ids, ", ")
}

// findLanguage returns the language of that id. Errors: there is none.
func findLanguage(id string) (language, error) {
	i := slices.IndexFunc(languages, func(l language) bool { return l.id == id })
	if i < 0 {
		return language{}, fmt.Errorf("there is no template for %q: --lang is one of %s", id, languageIDs())
	}
	return languages[i], nil
}

// placeholder is the plugin's name in templates.
const placeholder = "plugin-name"

// sdkFolder is where a plugin has its copy of the SDK.
const sdkFolder = "pointsman"

// Parts of the SDKs' folders that a plugin has no use for.
var unneeded = []string{"template", "conformance", "target", "build", "node_modules", "testdata", "tests", "RATIONALE.md"}

// goMod are the modules of a Go plugin: its own, and the one that its copy of the SDK is.
const (
	goMod = `module plugin-name

go 1.26

require github.com/pointsman/pointsman v0.0.0

replace github.com/pointsman/pointsman => ./pointsman
`
	sdkGoMod = `module github.com/pointsman/pointsman

go 1.26
`
)

// files are a new plugin's, by slash-separated path.
type files map[string][]byte

// newFiles are the files of a plugin of that name: the language's template, and its SDK.
// Errors: this binary does not carry the language.
func newFiles(source fs.FS, l language, name string) (files, error) {
	lang := l.id
	all := files{}
	template := path.Join("sdk", lang, "template")
	err := all.add(source, template, "", func(string) bool { return true })
	if err == nil && len(all) == 0 {
		return nil, fmt.Errorf("this binary carries no template for %s: build one that does with `make build`", l.name)
	}
	if lang == "go" {
		all["go.mod"], all[sdkFolder+"/go.mod"] = []byte(goMod), []byte(sdkGoMod)
	}
	for p, text := range all {
		delete(all, p)
		all[strings.ReplaceAll(p, placeholder, name)] = []byte(strings.ReplaceAll(string(text), placeholder, name))
	}
	if err == nil {
		err = all.addSDK(source, lang)
	}
	return all, err
}

func (f files) addSDK(source fs.FS, lang string) error {
	if lang != "go" {
		from := path.Join("sdk", lang)
		return f.add(source, from, sdkFolder, needed)
	}
	for _, folder := range []string{"sdk", "sdk/abi", "sdk/sdktest", "engine/document"} {
		if err := f.add(source, folder, path.Join(sdkFolder, folder), func(p string) bool {
			return path.Ext(p) == ".go" && !strings.Contains(p, "/") && !strings.HasSuffix(p, "_test.go") && !strings.HasSuffix(p, "_amd64.go")
		}); err != nil {
			return err
		}
	}
	// The SDK has no assembly, and needs no other module: its Go is for every processor.
	const fallback = sdkFolder + "/engine/document/vector_other.go"
	f[fallback] = bytes.Replace(f[fallback], []byte("//go:build !amd64 || purego\n\n"), nil, 1)
	return nil
}

// needed tells, by its path in an SDK's folder, what a plugin has a use for.
func needed(p string) bool {
	return !slices.Contains(unneeded, strings.Split(p, "/")[0]) && path.Ext(p) != ".go"
}

// add takes over the files below from that want selects by their path in it. An SDK that is
// in a folder of its own name already comes without that.
func (f files) add(source fs.FS, from, to string, want func(p string) bool) error {
	err := fs.WalkDir(source, from, func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel := strings.TrimPrefix(p, from+"/")
		if !want(rel) {
			return nil
		}
		text, err := fs.ReadFile(source, p)
		if to == sdkFolder {
			rel = strings.TrimPrefix(rel, sdkFolder+"/")
		}
		f[path.Join(to, rel)] = text
		return err
	})
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// write creates the files below dir, which must not hold anything.
func (f files) write(dir string) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: choose another name, or remove it", dir)
	}
	for p, text := range f {
		to := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sdkSources are the sources that this binary carries.
func sdkSources() fs.FS { return pointsman.SDK }
