package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/pointsman/pointsman/engine"
)

// maxRuleFile bounds a file of rules or cases.
const maxRuleFile = 8 << 20

// readYAML reads a file of YAML, or JSON, strictly. An error shows the line and the place.
func readYAML(path string, text []byte, into any) error {
	if len(text) > maxRuleFile {
		return fmt.Errorf("%s is larger than 8 MiB", path)
	}
	if err := yaml.UnmarshalWithOptions(text, into, yaml.Strict()); err != nil {
		return fmt.Errorf("%s:\n%s", path, strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	return nil
}

// readRules reads the rules of files: a list of them, or an object whose rules or data is one, as
// the API's answers are.
func readRules(paths []string) (docs []ruleDoc, err error) {
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		list, err := parseRules(path, text)
		if err != nil {
			return nil, err
		}
		docs = append(docs, list...)
	}
	return docs, nil
}

func parseRules(path string, text []byte) ([]ruleDoc, error) {
	var list []ruleDoc
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("[")) || bytes.HasPrefix(trimmed, []byte("-")) {
		return list, readYAML(path, text, &list)
	}
	var file struct {
		Rules []ruleDoc `yaml:"rules"`
		Data  []ruleDoc `yaml:"data"`
		// What a version has beside its rules.
		Version   any `yaml:"version"`
		AccountID any `yaml:"account_id"`
		Digest    any `yaml:"digest"`
		Count     any `yaml:"count"`
		Note      any `yaml:"note"`
		By        any `yaml:"by"`
		Restores  any `yaml:"restores"`
		CreatedAt any `yaml:"created_at"`
		Schema    any `yaml:"$schema"`
	}
	if err := readYAML(path, text, &file); err != nil {
		return nil, err
	}
	return append(file.Rules, file.Data...), nil
}

// ownRules are the rules of files as a bench takes them.
func ownRules(docs []ruleDoc) ([]engine.Rule, error) {
	rules := make([]engine.Rule, len(docs))
	for i, d := range docs {
		r, err := d.rule(i)
		if err != nil {
			return nil, err
		}
		rules[i] = r
	}
	return rules, nil
}

// explained is an error with the line and caret of a text that does not compile.
func explained(err error) error {
	var source *engine.SourceError
	if errors.As(err, &source) {
		return fmt.Errorf("%w\n%s", err, source.Snippet)
	}
	var e *engine.Error
	if errors.As(err, &e) {
		return errors.New(e.Message)
	}
	return err
}

// caseDoc is a case as files write it.
type caseDoc struct {
	ID      string            `yaml:"id,omitempty" json:"id,omitempty"`
	Name    string            `yaml:"name,omitempty" json:"name,omitempty"`
	Text    string            `yaml:"text,omitempty" json:"-"` // short for a request of one user message
	Request map[string]any    `yaml:"request,omitempty" json:"request,omitempty"`
	Given   *engine.RuleGiven `yaml:"given,omitempty" json:"given,omitempty"`
	Want    wantDoc           `yaml:"want" json:"want"`
}

type wantDoc struct {
	Rule  string `yaml:"rule,omitempty" json:"rule,omitempty"`
	Model string `yaml:"model,omitempty" json:"model,omitempty"`
	Code  string `yaml:"code,omitempty" json:"code,omitempty"`
}

// caseFile is a file of cases.
type caseFile struct {
	Rules   []string  `yaml:"rules,omitempty"`    // files of rules, beside this one
	OwnOnly bool      `yaml:"own_only,omitempty"` // without the shipped rules
	Cases   []caseDoc `yaml:"cases"`
}

// readCases reads a file of cases. Paths in it are made relative to the working folder.
func readCases(path string, text []byte) (f caseFile, cases []engine.RuleCase, err error) {
	if err := readYAML(path, text, &f); err != nil {
		return f, nil, err
	}
	for i, name := range f.Rules {
		if !filepath.IsAbs(name) {
			f.Rules[i] = filepath.Join(filepath.Dir(path), name)
		}
	}
	seen := map[string]bool{}
	for i := range f.Cases {
		c, err := f.Cases[i].stored(i)
		if err == nil {
			err = explained(engine.CheckRuleCase(c))
		}
		if err == nil && seen[c.ID] {
			err = errors.New("another case has this id")
		}
		if err != nil {
			return f, nil, fmt.Errorf("%s: case %d (%s): %w", path, i+1, c.ID, err)
		}
		seen[c.ID] = true
		cases = append(cases, c)
	}
	if len(cases) == 0 {
		return f, nil, fmt.Errorf("%s has no cases", path)
	}
	return f, cases, nil
}

// stored is the case as the engine has it; n is its place in the file.
func (d *caseDoc) stored(n int) (engine.RuleCase, error) {
	if d.ID == "" {
		d.ID = caseID(d.Name, n)
	}
	c := engine.RuleCase{AccountID: localAccount, ID: d.ID, Name: d.Name, Want: engine.RuleWant{Source: d.Want.Rule, Model: d.Want.Model, Code: engine.Code(d.Want.Code)}}
	switch {
	case d.Text != "" && d.Request != nil:
		return c, errors.New("it has both text and request: one of them is enough")
	case d.Text != "":
		d.Request = map[string]any{"messages": []any{map[string]any{"role": "user", "content": d.Text}}}
	case d.Request == nil:
		return c, errors.New("it needs text or request")
	}
	if _, ok := d.Request["model"]; !ok {
		d.Request["model"] = engine.ModelAuto
	}
	var err error
	if c.Request, err = json.Marshal(d.Request); err == nil && d.Given != nil {
		c.Given, err = json.Marshal(d.Given)
	}
	return c, err
}

// caseID makes an id of a name, or of the place in the file.
func caseID(name string, n int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
		if b.Len() >= 60 {
			break
		}
	}
	if id := strings.Trim(b.String(), "-"); id != "" {
		return id
	}
	return fmt.Sprintf("case-%d", n+1)
}
