package rule

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// editorWords is what the dashboard's editor completes rules with.
const editorWords = "../../host/dashboard/web/src/pages/routing/words.json"

// The editor offers what Env has and what the compiler takes; -update rewrites it.
func TestEditorWords(t *testing.T) {
	t.Parallel()
	type variable struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Doc  string `json:"doc"`
	}
	type call struct {
		Call string `json:"call"`
		Doc  string `json:"doc"`
	}
	var words struct {
		Variables []variable `json:"variables"`
		Functions []call     `json:"functions"`
	}
	for _, v := range Variables() {
		words.Variables = append(words.Variables, variable(v))
	}
	for _, f := range functionDocs {
		words.Functions = append(words.Functions, call{f.call, f.doc})
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(words); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(editorWords, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(editorWords)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is out of date: run go test ./engine/rule -run TestEditorWords -update", editorWords)
	}
}
