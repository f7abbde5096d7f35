package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Who mistypes is told how the verb is used, and the exit code is not 0.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"rules lst":             "there is no verb \"lst\" in `pointsman rules`; is it list",
		"rules cases nothing":   "there is no verb \"nothing\" in `pointsman rules cases`",
		"rool":                  "there is no verb \"rool\" in `pointsman`",
		"chat":                  "Usage: pointsman chat MESSAGE",
		"rules diff":            "Usage: pointsman rules diff VERSION [TO]",
		"keys list extra":       `"extra" is too much: pointsman keys list takes no arguments`,
		"keys create --name ci": "Usage: pointsman keys create NAME",
		"keys list -o xml":      "it is table, json, yaml",
		"apply":                 "pointsman apply -f DIR",
		"keys list --url x":     `is "x": write it as http://127.0.0.1:8080`,
	} {
		root := newRoot()
		root.SetArgs(strings.Fields(line))
		root.SetOut(new(strings.Builder))
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("pointsman %s = %v, want %q", line, err, want)
		}
	}
}

// Every verb that lists or shows something of a server does so in the three forms.
func TestForms(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"apply", "config show", "doctor", "keys list", "keys create", "keys rotate", "plugin list", "plugin logs", "plugin push", "plugin stats",
		"rules list", "rules check", "rules create", "rules diff", "rules disable", "rules enable", "rules explain", "rules history", "rules test", "rules cases list",
	} {
		cmd, _, err := newRoot().Find(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range listForms {
			if err := cmd.Flags().Set("output", f); err != nil {
				t.Errorf("%s -o %s: %v", line, f, err)
			}
		}
		if err := cmd.Flags().Set("output", "text"); err == nil {
			t.Errorf("%s -o text is taken, want it refused", line)
		}
	}
}

// What a server finds wrong is printed whole, and the forms are of the same answer.
func TestClientPrints(t *testing.T) {
	answer, status := "", http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/v1/") {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	t.Setenv("POINTSMAN_URL", server.URL+"/v1") // as the first start prints it for clients of models
	t.Setenv("POINTSMAN_KEY", "pm_x")
	rule := file(t, "rule.yaml", "id: r\nname: R\nwhen: |\n  true\n")
	for _, tt := range []struct {
		line, answer string
		status       int
		want         []string
	}{
		{"keys create ci --scopes nope", `{"detail":"validation failed","errors":[{"message":"expected value to be one of \"read\"","location":"body.scopes[0]"}]}`, 422, []string{"validation failed", `scopes[0]: expected value`}},
		{"keys list", `{"detail":"Incorrect API key provided."}`, 401, []string{"Incorrect", "The key in POINTSMAN_KEY is none of the server at " + server.URL}},
		{"keys create ci", `{"id":"k","scopes":["read"],"secret":"pm_y"}`, 201, []string{`"secret": "pm_y"`}},
		{"keys create ci -o yaml", `{"id":"k","scopes":["read"],"secret":"pm_y"}`, 201, []string{"secret: pm_y"}},
		{"keys create ci -o table", `{"id":"k","scopes":["read"],"secret":"pm_y","n":1}`, 201, []string{"secret  pm_y", "scopes  [read]", "n       1"}},
		{"rules check " + rule, `{"valid":true,"warnings":[]}`, 200, []string{`"valid": true`}},
		{"rules check -o table " + rule, `{"valid":true,"warnings":[]}`, 200, []string{"valid     true", "warnings  -"}},
		{"rules history -o yaml", `{"data":[{"version":1}]}`, 200, []string{"- version: 1"}},
		{"rules cases list -o yaml", `{"data":[{"id":"c"}]}`, 200, []string{"- id: c"}},
		{"rules cases list", `{"data":[]}`, 200, []string{"There are no stored cases."}},
		{"rules diff 2 -o yaml", `{"from":1,"to":2,"data":[]}`, 200, []string{"from: 1\nto: 2"}},
		{"rules diff 2", `{"from":1,"to":2,"data":[]}`, 200, []string{"version 1 to version 2\nno rule differs"}},
		{"rules delete r", "", 204, []string{"done"}},
		{"plugin logs p@1.0.0 -o yaml", `{"data":[],"dropped":0}`, 200, []string{"dropped: 0"}},
		{"plugin logs p@1.0.0 --json", `{"data":[],"dropped":0}`, 200, []string{`"dropped": 0`}},
		{"plugin stats p@1.0.0 -o yaml", `{"calls":3}`, 200, []string{"calls: 3"}},
	} {
		answer, status = tt.answer, tt.status
		out, err := command(t, strings.Fields(tt.line)...)
		if err != nil {
			out += err.Error()
		}
		if (err != nil) != (tt.status >= 400) {
			t.Errorf("%s = %v\n%s", tt.line, err, out)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s prints %q, want %q", tt.line, out, want)
			}
		}
	}
}
