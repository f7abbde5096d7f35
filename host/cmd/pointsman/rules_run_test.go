package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// rulesCommand runs a verb of `pointsman rules`.
func rulesCommand(t *testing.T, c *client, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := newRules()
	if c != nil {
		t.Setenv("POINTSMAN_URL", c.url)
		t.Setenv("POINTSMAN_KEY", c.key)
		cmd = newRules()
	}
	var out, notes bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&notes)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), notes.String(), err
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const ownRule = `
rules:
  - {id: haiku, name: Poems, priority: 99, when: mentions('haiku'), target: gpt-5-mini, fallbacks: [gpt-4o], only: true}
  - {name: By hour, plugin: by-hour, config: {from: 3}, target: gpt-4o}
`

func TestRulesTest(t *testing.T) {
	rules := file(t, "rules.yaml", ownRule)
	for _, c := range []struct {
		name, cases string
		args        []string
		want, err   string
	}{
		{"all pass", `
cases:
  - {name: A poem, text: write a haiku, want: {rule: haiku, model: gpt-5-mini}}
  - {name: shipped, text: fix the typo, want: {rule: quick-code-edits, model: claude-haiku-4.5}}
  - {text: good morning, want: {rule: default, model: gpt-4o}}
  - name: its first model is down
    request: {messages: [{role: user, content: a haiku}]}
    given: {down: [gpt-5-mini], at: 2026-11-23T03:00:00Z, user: bo}
    want: {model: gpt-4o}
  - {name: pinned, request: {model: gpt-5, messages: [{role: user, content: hi}]}, want: {rule: pinned, model: gpt-5}}
`, nil, "5 passed, 0 failed", ""},
		{"one differs", "cases: [{name: wrong, text: a haiku, want: {model: gpt-4o}}]", nil, "FAIL  wrong  haiku  gpt-5-mini\n    want model gpt-4o, got gpt-5-mini\n0 passed, 1 failed", "1 of 1 cases differ"},
		{"without the shipped rules", "cases: [{text: fix the typo, want: {rule: default}}]", []string{"--own-only"}, "1 passed", ""},
		{"json", "cases: [{text: a haiku, want: {rule: haiku}}]", []string{"-o", "json"}, `"passed": 1`, ""},
		{"an unknown member", "cases:\n  - text: hi\n    wnat: {rule: haiku}\n", nil, "", "^"},
		{"wants nothing", "cases: [{text: hi, want: {}}]", nil, "", "wants at least one"},
		{"text and request", "cases: [{text: hi, request: {}, want: {rule: x}}]", nil, "", "one of them is enough"},
		{"no cases", "cases: []", nil, "", "no cases"},
		{"an id twice", "cases: [{id: a, text: hi, want: {rule: x}}, {id: a, text: hi, want: {rule: x}}]", nil, "", "another case has this id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, notes, err := rulesCommand(t, nil, c.cases, append([]string{"test", "-", "--rules", rules}, c.args...)...)
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("rules test = %v, want %q\n%s", err, c.err, out)
			}
			if !strings.Contains(out, c.want) {
				t.Errorf("rules test prints\n%s\nwant %q", out, c.want)
			}
			if c.want != "" && !strings.Contains(notes, "by-hour") {
				t.Errorf("rules test notes %q, want the plugin that is not here", notes)
			}
		})
	}
	broken := file(t, "broken.yaml", "rules: [{id: a, when: 'tokens >', target: gpt-4o}]")
	if _, _, err := rulesCommand(t, nil, "cases: [{text: hi, want: {rule: x}}]", "test", "-", "--rules", broken); err == nil || !strings.Contains(err.Error(), "rule a: 1:") || !strings.Contains(err.Error(), "^") {
		t.Errorf("rules test of a rule that does not compile = %v, want its place with a caret", err)
	}
}

// Files that the file of cases names are found beside it.
func TestRulesTestNamesItsRules(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"rules.json": `{"data":[{"id":"haiku","name":"Poems","priority":99,"when":"mentions('haiku')","target":"gpt-5-mini","band":"high","system":false,"created_at":"2026-01-01T00:00:00Z"}]}`, "cases.yaml": "rules: [rules.json]\nown_only: true\ncases: [{text: a haiku, want: {rule: haiku}}]"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, _, err := rulesCommand(t, nil, "", "test", filepath.Join(dir, "cases.yaml")); err != nil || !strings.Contains(out, "1 passed, 0 failed") {
		t.Errorf("rules test = %v\n%s", err, out)
	}
}

func TestRulesExplain(t *testing.T) {
	rules := file(t, "rules.yaml", ownRule)
	request := `{"model":"auto","messages":[{"role":"user","content":"fix my haiku"}]}`
	out, _, err := rulesCommand(t, nil, request, "explain", "--request", "-", "--rules", rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"haiku", "matched", "no match", "not reached", "decided by haiku", "gpt-5-mini  openai"} {
		if !strings.Contains(out, want) {
			t.Errorf("rules explain prints\n%s\nwant %q", out, want)
		}
	}
	out, _, err = rulesCommand(t, nil, request, "explain", "--request", "-", "--rules", rules, "-o", "json")
	var doc explainDoc
	if err != nil || json.Unmarshal([]byte(out), &doc) != nil || doc.Source != "haiku" || len(doc.Rules) < 9 {
		t.Errorf("rules explain -o json = %v\n%s", err, out)
	}
	for _, args := range [][]string{{"explain"}, {"explain", "--request", "-", "--id", "x"}, {"explain", "--id", "x", "--rules", rules}, {"explain", "--request", "-", "--rules", rules, "-o", "xml"}} {
		if _, _, err := rulesCommand(t, nil, request, args...); err == nil {
			t.Errorf("rules %q = nil, want an error", args)
		}
	}
}

func TestRulesGraph(t *testing.T) {
	rules := file(t, "rules.yaml", ownRule)
	for format, want := range map[string]string{"svg": "<svg ", "mermaid": "flowchart TD", "json": `"kind": "default"`} {
		out, _, err := rulesCommand(t, nil, "", "graph", "--rules", rules, "-o", format)
		if err != nil || !strings.Contains(out, want) || !strings.Contains(out, "Screenshot Analysis") || !strings.Contains(out, "Poems") {
			t.Errorf("rules graph -o %s = %v, want %q and all rules", format, err, want)
		}
	}
}

// The verbs that ask a server send what it takes and show what it answers.
func TestRulesOfAServer(t *testing.T) {
	answers := map[string]string{
		"GET /api/v1/rules/versions":            `{"data":[{"version":7,"count":3,"note":"spring","by":"acme/ann","created_at":"2026-11-23T04:05:06Z"},{"version":6,"count":2,"created_at":"2026-11-22T04:05:06Z"}]}`,
		"GET /api/v1/rules/versions/7/diff":     `{"from":6,"to":7,"data":[{"rule":"a","change":"changed","members":[{"member":"priority","from":1,"to":2}]},{"rule":"b","change":"added","members":[{"member":"name","to":"x"}]}]}`,
		"POST /api/v1/rules/publish":            `{"version":{"version":8,"count":2},"warnings":[{"kind":"odd","rule":"haiku","message":"looks odd"}]}`,
		"POST /api/v1/rules/versions/6/restore": `{"version":{"version":9,"count":2},"warnings":[],"failing":[{"id":"k","message":"want x"}]}`,
		"POST /api/v1/rules/cases/run":          `{"passed":0,"failed":1,"results":[{"id":"k","name":"K","got":{"rule":"r","code":"rule_rejected"},"message":"want x"}]}`,
		"GET /api/v1/rules/cases":               `{"data":[{"id":"k","name":"K","request":{"model":"auto","messages":[{"role":"user","content":"hi"}]},"given":{"user":"bo"},"want":{"rule":"r"}}]}`,
		"PUT /api/v1/rules/cases/k":             `{}`,
		"DELETE /api/v1/rules/cases/k":          ``,
		"GET /api/v1/rules":                     `{"data":[{"id":"haiku","name":"Poems","priority":99,"when":"mentions('haiku')","target":"gpt-5-mini"},{"id":"q","name":"Q","plugin":"by-hour","account_id":"acme","enabled":false}]}`,
		"POST /api/v1/rules":                    `{"id":"haiku","failing":[{"id":"k"}]}`,
		"POST /api/v1/rules/haiku/enable":       `{"id":"haiku"}`,
		"POST /api/v1/rules/haiku/disable":      `{"id":"haiku"}`,
		"DELETE /api/v1/rules/haiku":            ``,
		"GET /api/v1/rules/graph":               `{"width":10,"height":10,"nodes":[],"edges":[],"legend":{"bands":[],"families":[]}}`,
	}
	var last, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		text, _ := io.ReadAll(r.Body)
		last, body = r.Method+" "+r.URL.RequestURI(), string(text)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	c := &client{url: server.URL, key: "k"}
	rules := file(t, "rules.yaml", "- {id: haiku, name: Poems, when: mentions('haiku'), target: gpt-5-mini}")
	cases := "cases: [{id: k, name: K, text: hi, given: {user: bo}, want: {rule: r}}]"
	for _, tt := range []struct {
		args              []string
		stdin             string
		sent, body, print string
		fails             bool
	}{
		{args: []string{"history", "--account", "a&b"}, sent: "GET /api/v1/rules/versions?account_id=a%26b&limit=20", print: "      7  2026-11-23 04:05:06  acme/ann       3  spring\n      6  2026-11-22 04:05:06  pointsman      2\n"},
		{args: []string{"diff", "7"}, sent: "GET /api/v1/rules/versions/7/diff?", print: "~ a\n    - priority: 1\n    + priority: 2\n+ b\n"},
		{args: []string{"publish", rules, "--note", "n"}, sent: "POST /api/v1/rules/publish", body: `"was":7`, print: "version 8 is in force, with 2 rules\nwarning: haiku: looks odd\n"},
		{args: []string{"publish", rules, "--was", "3", "--override"}, sent: "POST /api/v1/rules/publish", body: `"override":true,"rules":[{"id":"haiku","name":"Poems","when":"mentions('haiku')","target":"gpt-5-mini"}],"was":3`, print: "version 8"},
		{args: []string{"restore", "6"}, sent: "POST /api/v1/rules/versions/6/restore", print: "overridden: case k: want x"},
		{args: []string{"test", "-", "--server", "--rules", rules}, stdin: cases, sent: "POST /api/v1/rules/cases/run", body: `"given":{"user":"bo"}`, print: "FAIL  K     r     rule_rejected", fails: true},
		{args: []string{"cases", "list"}, sent: "GET /api/v1/rules/cases", print: "k     K     r"},
		{args: []string{"cases", "import", "-"}, stdin: cases, sent: "PUT /api/v1/rules/cases/k", body: `"want":{"rule":"r"}`, print: "1 cases are stored"},
		{args: []string{"cases", "delete", "k"}, sent: "DELETE /api/v1/rules/cases/k", print: "done"},
		{args: []string{"list"}, sent: "GET /api/v1/rules", print: "      99  haiku  (all)    yes      gpt-5-mini  mentions('haiku')\n      50  q      acme     no       -           plugin by-hour\n"},
		{args: []string{"list", "-o", "yaml"}, sent: "GET /api/v1/rules", print: "- id: haiku\n  name: Poems\n"},
		{args: []string{"list", "-o", "json"}, sent: "GET /api/v1/rules", print: `"priority": 99`},
		{args: []string{"create", "-", "--override"}, stdin: `{"id":"haiku"}`, sent: "POST /api/v1/rules?override=true", body: `{"id":"haiku"}`, print: `"failing"`},
		{args: []string{"enable", "haiku"}, sent: "POST /api/v1/rules/haiku/enable", print: "haiku"},
		{args: []string{"disable", "haiku", "--override"}, sent: "POST /api/v1/rules/haiku/disable?override=true", print: "haiku"},
		{args: []string{"delete", "haiku", "--override"}, sent: "DELETE /api/v1/rules/haiku?override=true", print: "done"},
		{args: []string{"graph"}, sent: "GET /api/v1/rules/graph", print: "<svg"},
	} {
		out, _, err := rulesCommand(t, c, tt.stdin, tt.args...)
		if (err != nil) != tt.fails || last != tt.sent || !strings.Contains(body, tt.body) || !strings.Contains(out, tt.print) {
			t.Errorf("rules %q = %v, sent %s %s and printed\n%s\nwant %s %s and\n%s", tt.args, err, last, body, out, tt.sent, tt.body, tt.print)
		}
	}
	// What is exported can be run and imported again.
	out, _, err := rulesCommand(t, c, "", "cases", "export", "-")
	if err != nil {
		t.Fatal(err)
	}
	var exported caseFile
	if err := yaml.UnmarshalWithOptions([]byte(out), &exported, yaml.Strict()); err != nil || len(exported.Cases) != 1 || exported.Cases[0].Given.User != "bo" {
		t.Errorf("rules cases export prints %q, %v, want a file of cases", out, err)
	}
	if out, _, err := rulesCommand(t, c, out, "cases", "import", "-"); err != nil {
		t.Errorf("import of an export = %v\n%s", err, out)
	}
}
