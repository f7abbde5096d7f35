package deploy

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// a document is one YAML document as JSON has it.
type document map[string]any

// documents parses a file strictly: a member that comes twice is an error.
func documents(t *testing.T, path string) (list []document) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, path)), yaml.Strict())
	for {
		var content any
		err := d.Decode(&content)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("%s: %s", path, yaml.FormatError(err, false, true))
		}
		data, err := json.Marshal(content)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var doc document
		if err := json.Unmarshal(data, &doc); err != nil || len(doc) == 0 {
			t.Fatalf("%s has a document that is no object: %v", path, err)
		}
		list = append(list, doc)
	}
}

// at walks down the members and the elements that the path names, as "spec.ports.0.name"; nil where
// there is none.
func (d document) at(path string) any {
	var here any = map[string]any(d)
	for name := range strings.SplitSeq(path, ".") {
		switch in := here.(type) {
		case map[string]any:
			here = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(in) {
				return nil
			}
			here = in[i]
		default:
			return nil
		}
	}
	return here
}

func (d document) text(path string) string {
	s, _ := d.at(path).(string)
	return s
}

// seconds reads a number as Kubernetes has it; -1 for none.
func (d document) seconds(path string) int {
	if n, ok := d.at(path).(float64); ok {
		return int(n)
	}
	return -1
}

func (d document) has(t *testing.T, where string, want map[string]any) {
	t.Helper()
	for path, value := range want {
		if got := d.at(path); got != value {
			t.Errorf("%s: %s = %v, want %v", where, path, got, value)
		}
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// schema compiles a part of a file of JSON Schema.
func schema(t *testing.T, file, pointer string) *jsonschema.Schema {
	t.Helper()
	content, err := jsonschema.UnmarshalJSON(strings.NewReader(read(t, filepath.Join("testdata", file))))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(file, content); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(file + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every YAML file here parses strictly, those of other tests too.
func TestEveryDocumentParses(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("Glob() = %d files, %v, want all of them", len(files), err)
	}
	for _, file := range files {
		documents(t, file)
	}
}

// What the README tells people to type is there: files, verbs, targets of make, tests.
func TestReadme(t *testing.T) {
	t.Parallel()
	text := read(t, "README.md")
	exists := func(base, path string) {
		path, _, _ = strings.Cut(path, "#")
		if _, err := os.Stat(filepath.Join(base, path)); err != nil {
			t.Errorf("README.md names %s: %v", path, err)
		}
	}
	links := regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1)
	for _, m := range links {
		exists(".", m[1])
	}
	commands := 0
	for line := range strings.Lines(text) {
		command, ok := strings.CutPrefix(line, "    ")
		if !ok || !regexp.MustCompile(`^(make|sudo|docker|cp|kubectl|go|printf)\b`).MatchString(command) {
			continue
		}
		commands++
		words := strings.Fields(command)
		for _, path := range regexp.MustCompile(`\b(?:examples|host)/[\w./-]+`).FindAllString(command, -1) {
			if words[0] == "cp" && path == strings.TrimSpace(words[2]) {
				continue // is made by it
			}
			exists(root, path)
		}
		switch {
		case words[0] == "make" && !regexp.MustCompile(`(?m)^`+words[1]+`:`).MatchString(read(t, filepath.Join(root, "Makefile"))):
			t.Errorf("README.md says make %s, which is no target", words[1])
		case words[0] == "go":
			if !strings.Contains(read(t, filepath.Join(root, words[2], "account_test.go")), "func "+words[4]+"(") {
				t.Errorf("README.md names the test %s, which there is not", words[4])
			}
		}
	}
	if len(links) < 5 || commands < 10 {
		t.Errorf("%d links and %d commands were looked at, want all of them", len(links), commands)
	}
	if job := regexp.MustCompile(`delete job (\S+)`).FindStringSubmatch(text); job == nil || manifests(t)["Job/"+job[1]] == nil {
		t.Errorf("README.md deletes the job %q, which is no manifest's", job)
	}
}
