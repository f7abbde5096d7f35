package host

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Setting is one setting, what is in force and who said so. It holds no secret.
type Setting struct {
	Name     string `json:"name,omitempty"` // in a file, as upstream.connect_timeout; "": a file may not have it
	Variable string `json:"variable"`       // in the environment
	Value    string `json:"value"`          // "": none; a secret is shown as ********
	Origin   string `json:"origin"`         // default, FILE:LINE, the variable, or the flag
}

// maskedValue stands for every secret, whatever its length.
const maskedValue = "********"

// Settings returns every setting of a configuration that was read from file ("": none), in the
// order of Config. flagged reports whether a flag was given, as data-dir.
func (c Config) Settings(file string, flagged func(flag string) bool) ([]Setting, error) {
	tree, err := settingsFile(file)
	if err != nil {
		return nil, err
	}
	var list []Setting
	eachSetting(reflect.ValueOf(c), nil, func(path []string, field reflect.StructField, value reflect.Value) {
		s := Setting{Name: strings.Join(path, "."), Variable: field.Tag.Get("env"), Value: shownValue(field, value), Origin: "default"}
		if s.Variable == "POINTSMAN_DATABASE_URL" && s.Value == "" {
			s.Value = c.databaseURL()
		}
		flag := strings.ReplaceAll(s.Name, "_", "-")
		switch line := lineOf(tree, path); {
		case s.Name != "" && flagged(flag):
			s.Origin = "--" + flag
		case os.Getenv(s.Variable) != "":
			s.Origin = s.Variable
		case line > 0:
			s.Origin = fmt.Sprintf("%s:%d", file, line)
		}
		list = append(list, s)
	})
	return list, nil
}

// eachSetting walks a configuration's fields. path is nil for what no file may have.
func eachSetting(v reflect.Value, path []string, visit func([]string, reflect.StructField, reflect.Value)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		at := []string(nil)
		if name := field.Tag.Get("yaml"); name != "" && name != "-" {
			at = append(slices.Clone(path), name)
		}
		switch {
		case field.Tag.Get("env") != "":
			visit(at, field, v.Field(i))
		case field.Type.Kind() == reflect.Struct:
			eachSetting(v.Field(i), at, visit)
		}
	}
}

func shownValue(field reflect.StructField, v reflect.Value) string {
	if v.IsZero() && v.Kind() != reflect.Bool {
		if usual, ok := field.Tag.Lookup("unset"); ok {
			return usual
		}
		if v.Kind() == reflect.String {
			return ""
		}
	}
	text := fmt.Sprint(v.Interface())
	switch field.Tag.Get("mask") {
	case "all":
		return maskedValue
	case "url":
		return maskedURL(text)
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	return text
}

// maskedURL keeps of a URL what says where it leads.
func maskedURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return maskedValue
	}
	if u.Opaque != "" { // sqlite:PATH
		return text
	}
	if u.Host == "" && u.Scheme != "sqlite" { // no URL at all: it may be a password
		return maskedValue
	}
	if u.User != nil {
		u.User = url.User(maskedValue)
	}
	if u.RawQuery != "" {
		u.RawQuery = maskedValue
	}
	u.Fragment = ""
	return strings.ReplaceAll(u.String(), url.QueryEscape(maskedValue), maskedValue)
}

// settingsFile parses a file, nil without one.
func settingsFile(file string) (*ast.File, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("config %s:\n%s", file, yaml.FormatError(err, false, true))
	}
	return tree, nil
}

// lineOf is where a file says something, 0 when it does not.
func lineOf(tree *ast.File, path []string) int {
	if tree == nil || len(path) == 0 || len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		return 0
	}
	node, err := settingPath(path).FilterFile(tree)
	if err != nil || node == nil {
		return 0
	}
	return node.GetToken().Position.Line
}

func settingPath(path []string) *yaml.Path {
	b := (&yaml.PathBuilder{}).Root()
	for _, name := range path {
		b = b.Child(name)
	}
	return b.Build()
}

// Check reports the first setting that cannot work, and where it was said: with the lines of the
// file around it, when it was the file. settings are those of c.
func (c Config) Check(file string, settings []Setting) error {
	err := c.validate()
	if err == nil {
		return nil
	}
	var told Setting
	for _, s := range settings {
		if strings.Contains(err.Error(), s.Variable) && len(s.Variable) > len(told.Variable) {
			told = s
		}
	}
	if told.Origin == "" || told.Origin == "default" {
		return err
	}
	if file != "" && strings.HasPrefix(told.Origin, file+":") {
		if text, readErr := os.ReadFile(file); readErr == nil {
			if lines, annotateErr := settingPath(strings.Split(told.Name, ".")).AnnotateSource(text, false); annotateErr == nil {
				return errors.New(err.Error() + "\n" + told.Origin + "\n" + strings.TrimRight(string(lines), "\n"))
			}
		}
	}
	return fmt.Errorf("%w (from %s)", err, told.Origin)
}
