package graph_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/graph"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var families = map[string]string{
	"gpt-4o": "GPT", "gpt-5-mini": "GPT", "claude-opus-4.5": "Claude", "gemini-2.5-pro": "Gemini", "gpt-5.1-codex": "Codex",
	"raptor-mini-preview": "Raptor", "llama": "Llama",
}

func models(id string) (engine.Model, bool) {
	family, ok := families[id]
	m := engine.Model{ID: id, Family: family}
	if id == "claude-opus-4.5" {
		m.DisplayName = "Claude Opus 4.5"
	}
	return m, ok
}

func at(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC) }

// input is a ladder that has something of everything.
func input() graph.Input {
	return graph.Input{
		AccountID: "acme", Models: models, Default: []string{"gpt-4o", "gpt-5-mini"},
		PluginVersion: func(r engine.Rule) string {
			if r.Plugin == "by-hour" {
				return "1.2.0"
			}
			return ""
		},
		Rules: []engine.Rule{
			{ID: "screenshot-analysis", Name: "Screenshot Analysis", Priority: 100, Enabled: true, System: true, When: `has_image or mentions("screenshot", "analyze this")`, Target: "claude-opus-4.5", Fallbacks: []string{"gpt-4o"}},
			{ID: "long", Name: "Long documents, contracts and everything else that goes on and on for pages", Priority: 95, Enabled: true, System: true,
				When: "tokens > 100_000 ||\n  mentions(\"document\", \"summarize\") || // and more\n (task_type == 'legal' and not has_code)", Target: "gemini-2.5-pro", Fallbacks: []string{"claude-opus-4.5", "gpt-4o", "gone", "raptor-mini-preview"}},
			{AccountID: "acme", ID: "hours", Name: "Night shift", Priority: 92, Enabled: true, Plugin: "by-hour", Target: "raptor-mini-preview", Only: true, TeamID: "operations"},
			{AccountID: "acme", ID: "code", Name: "Code", Priority: 86, Enabled: true, When: `has_code && metadata["repository"] contains "a string that is so long that it can not stand on a single line of the box, whatever we do" && chars < 500`, Target: "gpt-5.1-codex"},
			{ID: "code", Name: "Complex Code Generation", Priority: 85, Enabled: true, System: true, When: `has_code`, Target: "gpt-5.1-codex", Fallbacks: []string{"llama"}},
			{AccountID: "acme", ID: "off", Name: "日本語の規則 <b>&amp;</b>", Priority: 10, When: `text contains "</text><script>alert(1)</script>"`, Target: "gpt-5-mini"},
			{AccountID: "rival", ID: "secret", Name: "Not to be seen", Priority: 99, Enabled: true, When: "true", Target: "gpt-4o"},
		},
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is drawn now: look at it after go test -update", path)
	}
}

func TestPictures(t *testing.T) {
	t.Parallel()
	g := graph.New(input())
	text, err := json.MarshalIndent(g, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "ladder.json", append(text, '\n'))
	golden(t, "ladder.svg", g.SVG())
	golden(t, "ladder.mmd", g.Mermaid())
}

func rules(g graph.Graph) (list []string) {
	for _, n := range g.Nodes {
		if n.Kind == graph.KindRule {
			list = append(list, n.Account+"/"+n.Rule+":"+string(n.State))
		}
	}
	return list
}

// The order is that in which a request is tried against the rules.
func TestOrder(t *testing.T) {
	t.Parallel()
	tie := func(account, id string, created int) engine.Rule {
		return engine.Rule{AccountID: account, ID: id, Priority: 50, Enabled: true, When: "true", Target: "gpt-4o", CreatedAt: at(created)}
	}
	for _, c := range []struct {
		name string
		in   graph.Input
		want string
	}{
		{"priority, then the account's, then the older", graph.Input{AccountID: "acme", Rules: []engine.Rule{tie("", "g", 1), tie("acme", "b", 5), tie("acme", "a", 6), {ID: "top", Priority: 51, Enabled: true, When: "true"}}},
			"/top:active acme/b:active acme/a:active /g:active"},
		{"own rules only", graph.Input{AccountID: "acme", OwnOnly: true, Rules: []engine.Rule{tie("", "g", 1), tie("acme", "b", 5)}}, "acme/b:active /g:left_out"},
		{"a disabled rule shadows too", graph.Input{AccountID: "acme", Rules: []engine.Rule{tie("", "g", 1), {AccountID: "acme", ID: "g", Priority: 1}}}, "/g:shadowed acme/g:disabled"},
		{"the global rules", graph.Input{Rules: []engine.Rule{tie("", "g", 1), tie("acme", "b", 5)}}, "/g:active"},
		{"none", graph.Input{AccountID: "acme"}, ""},
	} {
		if got := strings.Join(rules(graph.New(c.in)), " "); got != c.want {
			t.Errorf("%s: New() has %s, want %s", c.name, got, c.want)
		}
	}
}

func TestNoNodesOverlap(t *testing.T) {
	t.Parallel()
	in := input()
	in.Rules[0].Fallbacks = slices.Repeat([]string{"gpt-4o"}, 16)
	in.Rules[3].When = strings.Repeat(`mentions("one more") or `, 40) + "false"
	g := graph.New(in)
	for i, a := range g.Nodes {
		if a.X < 0 || a.Y < 0 || a.X+a.W > g.Width || a.Y+a.H > g.Height {
			t.Errorf("%s is at %d, %d with %d × %d, outside of %d × %d", a.ID, a.X, a.Y, a.W, a.H, g.Width, g.Height)
		}
		for _, b := range g.Nodes[i+1:] {
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s and %s overlap", a.ID, b.ID)
			}
		}
	}
	ids := map[string]bool{}
	for _, n := range g.Nodes {
		if ids[n.ID] || n.Label == "" {
			t.Errorf("node %q is there twice, or has no label", n.ID)
		}
		ids[n.ID] = true
	}
	for _, e := range g.Edges {
		if !ids[e.From] || !ids[e.To] {
			t.Errorf("edge from %s to %s, which are not both there", e.From, e.To)
		}
	}
}

// elements are the names of a picture's elements; it fails for what is no XML.
func elements(t *testing.T, svg []byte) map[string]int {
	t.Helper()
	seen := map[string]int{}
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return seen
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok {
			seen[e.Name.Local]++
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || strings.HasSuffix(a.Name.Local, "href") {
					t.Fatalf("<%s> has the attribute %s", e.Name.Local, a.Name.Local)
				}
			}
		}
	}
}

var drawn = []string{"svg", "style", "defs", "marker", "pattern", "path", "rect", "g", "title", "text"}

func FuzzPictures(f *testing.F) {
	f.Add("name", `a or "b]" and (c || d)`, "plugin@1", "team", "gpt-4o")
	f.Add("</text><script>", `"</style>" // c`, "", "\"]:::x\nclick r callback", "]]>\x00\xff")
	f.Add("", `((((((`, "", "", "")
	f.Add("`**x**`", "let x = 1; x or true", "", "end", "subgraph")
	f.Fuzz(func(t *testing.T, name, when, plugin, team, model string) {
		r := engine.Rule{AccountID: "a", ID: "r", Name: name, When: when, Plugin: plugin, TeamID: team, Target: model, Fallbacks: []string{name, team}, Enabled: true}
		g := graph.New(graph.Input{AccountID: "a", Rules: []engine.Rule{r}, Default: []string{model}, Models: func(id string) (engine.Model, bool) {
			return engine.Model{ID: id, DisplayName: team, Family: name}, true
		}})
		for element := range elements(t, g.SVG()) {
			if !slices.Contains(drawn, element) {
				t.Errorf("SVG() has <%s>", element)
			}
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(string(g.Mermaid()), "\n"), "\n") {
			if line != "flowchart TD" && !strings.HasPrefix(line, "    ") || strings.Count(line, `"`)%2 != 0 || strings.Count(line, `"`) > 2 {
				t.Errorf("Mermaid() has the line %q", line)
			}
		}
		if _, err := json.Marshal(g); err != nil {
			t.Error(err)
		}
	})
}
