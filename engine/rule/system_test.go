package rule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/migrations"
)

// seeded are the system rules as the first start stores them.
func seeded(t testing.TB) []engine.Rule {
	t.Helper()
	b, err := migrations.Catalogue.ReadFile("catalogue/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Rules []struct {
			ID, Name, Description, When, Target string
			Priority                            int
			Fallbacks                           []string
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	var rules []engine.Rule
	for _, r := range file.Rules {
		rules = append(rules, engine.Rule{
			ID: r.ID, Name: r.Name, Description: r.Description, Priority: r.Priority, When: r.When,
			Target: r.Target, Fallbacks: r.Fallbacks, Enabled: true, System: true,
		})
	}
	return rules
}

func TestSystemRulesCompile(t *testing.T) {
	t.Parallel()
	rules := seeded(t)
	if len(rules) != 8 {
		t.Errorf("%d system rules, want 8", len(rules))
	}
	r := New(nil, Config{})
	for _, rule := range rules {
		if err := r.CheckRule(rule); err != nil {
			t.Errorf("CheckRule(%s) = %v", rule.ID, err)
		}
		if p, err := compile(rule.When); err != nil || p.flow == nil {
			t.Errorf("%s is no flow: %q", rule.ID, rule.When)
		}
	}
}

// For each system rule: what must go to it, and what nearly does.
func TestSystemRules(t *testing.T) {
	t.Parallel()
	const (
		screenshot = "screenshot-analysis claude-opus-4.5 gpt-4o"
		document   = "long-document-analysis gemini-2.5-pro claude-opus-4.5"
		realtime   = "real-time-response gemini-3-flash-preview claude-haiku-4.5"
		service    = "customer-service gpt-4o claude-sonnet-4"
		reasoning  = "complex-reasoning claude-opus-4.5 gpt-5"
		browser    = "browser-automation claude-sonnet-4 claude-opus-4.5"
		code       = "complex-code-generation gpt-5.1-codex claude-sonnet-4"
		edits      = "quick-code-edits claude-haiku-4.5 gpt-5-mini"
		none       = "default"
	)
	withImage := `{"role":"user","content":[{"type":"text","text":"hello"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}`
	imageBefore := withImage + `,{"role":"assistant","content":"hm"},` + message("hello again")
	withFile := `{"role":"user","content":[{"type":"text","text":"hello"},{"type":"file","file":{"filename":"a.py","file_data":"AA=="}}]}`
	filler := words(492) // 492 characters, none of them a rule's word
	for _, c := range []struct {
		name string
		text string // of one message, unless messages is set
		// messages and more are parts of the body instead of text.
		messages, more string
		want           string
	}{
		{name: "greeting", text: "good morning", want: none},
		{name: "nothing", messages: "", want: none},

		{name: "image", messages: withImage, want: screenshot},
		{name: "screenshot", text: "what does this screenshot show", want: screenshot},
		{name: "screenshot in capitals", text: "SCREENSHOT attached", want: screenshot},
		{name: "analyze this", text: "please Analyze  This\nfor me", want: screenshot},
		{name: "analyze this over two lines", text: "analyze\nthis", want: screenshot},
		{name: "screenshots", text: "two screenshots", want: none},
		{name: "screenshot_1", text: "screenshot_1", want: none},
		{name: "analyze thistle", text: "analyze thistle", want: reasoning},
		{name: "image of an earlier turn", messages: imageBefore, want: none},

		{name: "document", text: "read the document.", want: document},
		{name: "summarize", text: "Summarize: it rains", want: document},
		{name: "100,001 tokens", text: words(400_001), want: document},
		{name: "in quotes", text: `the "document"`, want: document},
		{name: "100,000 tokens", text: words(400_000), want: none},
		{name: "documents", text: "the documents", want: none},
		{name: "documentation", text: "write documentation", want: none},
		{name: "summarized", text: "it was summarized", want: none},

		{name: "fast", text: "/fast what is 2+2", want: realtime},
		{name: "fast alone", text: " /fast ", want: realtime},
		{name: "time sensitive", text: "hello", more: `,"metadata":{"time_sensitive":"true"}`, want: realtime},
		{name: "priority tier", text: "hello", more: `,"service_tier":"priority"`, want: realtime},
		{name: "fast in mid-sentence", text: "be quick /fast", want: none},
		{name: "faster", text: "/faster please", want: none},
		{name: "fast as a word", text: "fast please", want: none},
		{name: "Fast", text: "/Fast please", want: none},
		{name: "time not sensitive", text: "hello", more: `,"metadata":{"time_sensitive":"false"}`, want: none},

		{name: "help", text: "Help!", want: service},
		{name: "support", text: "I need support", want: service},
		{name: "question", text: "a question: where is it", want: service},
		{name: "support command", text: "/support order 7", want: service},
		{name: "helpful", text: "you are helpful", want: none},
		{name: "helps", text: "that helps", want: none},
		{name: "supported", text: "is that supported", want: none},
		{name: "support in an identifier", text: "is_support_on", want: none},

		{name: "explain", text: "explain gravity", want: reasoning},
		{name: "why", text: "Why?", want: reasoning},
		{name: "analyze", text: "analyze the market", want: reasoning},
		{name: "strategy", text: "our STRATEGY", want: reasoning},
		{name: "explained", text: "as explained", want: none},
		{name: "analyzer", text: "the analyzer", want: none},
		{name: "whyever", text: "whyever not", want: none},

		{name: "automate", text: "automate the login", want: browser},
		{name: "browser", text: "open a browser", want: browser},
		{name: "click", text: "click on it", want: browser},
		{name: "automate command", text: "/automate login", want: browser},
		{name: "browsers", text: "two browsers", want: none},
		{name: "clicked", text: "he clicked", want: none},
		{name: "automate command elsewhere", text: "use /automated", want: none},

		{name: "generate", text: "generate a parser", want: code},
		{name: "create", text: "create a class", want: code},
		{name: "refactor", text: "refactor it", want: code},
		{name: "fenced block", text: "what is\n```\nx\n```", want: code},
		{name: "file name", text: "look at main.go", want: code},
		{name: "file part", messages: withFile, want: code},
		{name: "generated", text: "it was generated", want: none},
		{name: "creates", text: "who creates it", want: none},
		{name: "report.pdf", text: "look at report.pdf", want: none},

		{name: "fix", text: "fix it", want: edits},
		{name: "typo", text: "there is a typo", want: edits},
		{name: "syntax", text: "Syntax?", want: edits},
		{name: "499 characters", text: filler + "xx typo", want: edits},
		{name: "500 characters", text: filler + "xxx typo", want: none},
		{name: "fixed", text: "it is fixed", want: none},
		{name: "prefix", text: "a prefix", want: none},
		{name: "typos", text: "two typos", want: none},

		{name: "two at once: screenshot and fix", text: "fix the screenshot", want: screenshot},
		{name: "two at once: help and why", text: "why does this help", want: service},
		{name: "two at once: command and document", text: "/fast summarize", want: document},
		{name: "two at once: generate and fix", text: "fix and generate", want: code},
		{name: "in another script", text: "日本語 typo 日本語", want: edits},
		{name: "touched by a letter of another script", text: "typoй", want: none},
		{name: "in the answer before", messages: message("hello") + `,{"role":"assistant","content":"fix the typo"}`, want: none},
		{name: "in the system message", messages: `{"role":"system","content":"fix the typo"},` + message("hello"), want: none},
		{name: "in a tool's result", messages: message("hello") + `,{"role":"tool","tool_call_id":"1","content":"fix"}`, want: none},
		{name: "in an earlier turn", messages: message("fix it") + `,{"role":"assistant","content":"done"},` + message("thanks"), want: none},
		{name: "in a reminder", text: "<system-reminder>fix the typo</system-reminder>hello", want: none},
		{name: "behind 16 KiB", text: words(20_000) + " screenshot", want: screenshot},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			messages := c.messages
			if c.text != "" {
				messages = message(c.text)
			}
			req := asked(t, `{"model":"auto","messages":[`+messages+`]`+c.more+`}`)
			d := decided(t, loaded(t, nil, seeded(t)...), req)
			if got := strings.Join(append([]string{d.Source}, d.Models...), " "); got != c.want {
				t.Errorf("Decide(%.80q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
	if n := len(filler + "xx typo"); n != 499 {
		t.Errorf("the filler makes %d characters, want 499", n)
	}
}

const examples = "../../examples/rules"

// readExample is an example without its comment lines.
func readExample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "//") {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, ""))
}

// The system rules stand among the examples word for word.
func TestExamplesOfSystemRules(t *testing.T) {
	t.Parallel()
	for _, rule := range seeded(t) {
		if got := readExample(t, rule.ID+".expr"); got != rule.When {
			t.Errorf("%s.expr = %q, want the seeded %q", rule.ID, got, rule.When)
		}
		b, _ := os.ReadFile(filepath.Join(examples, rule.ID+".expr"))
		if first, _, _ := strings.Cut(string(b), "\n"); !strings.Contains(first, rule.Name) || !strings.Contains(first, rule.Target) || !strings.Contains(first, rule.Fallbacks[0]) {
			t.Errorf("%s.expr begins with %q, want its name, target and fallback", rule.ID, first)
		}
	}
}

// Each further example is tried with requests that it matches and that it does not.
func TestExamples(t *testing.T) {
	t.Parallel()
	at := func(req *engine.Request, hour int) *engine.Request {
		req.Received = time.Date(2026, 11, 24, hour, 0, 0, 0, time.UTC) // a Tuesday
		return req
	}
	agent := func(req *engine.Request, id string) *engine.Request { req.Hints.AgentID = id; return req }
	gemini := func(req *engine.Request, enabled bool) *engine.Request {
		req.Models = append(req.Models, engine.Model{ID: "gemini-2.5-pro", Family: "Gemini", ContextWindow: 1_000_000, Enabled: enabled})
		return req
	}
	plan := func(text, plan string) *engine.Request {
		return asked(t, `{"messages":[`+message(text)+`],"metadata":{"plan":"`+plan+`"}}`)
	}
	loop := func(n int) *engine.Request {
		return asked(t, `{"messages":[`+strings.TrimSuffix(strings.Repeat(message("x")+",", n), ",")+`],"tools":[{}]}`)
	}
	tried := map[string]struct{ yes, no []*engine.Request }{
		"paying-customers.expr": {
			yes: []*engine.Request{plan("hi", "gold"), plan("hi", "platinum")},
			no:  []*engine.Request{plan("hi", "free"), said(t, "hi"), plan(words(300_000), "gold")},
		},
		"night-batch.expr": {
			yes: []*engine.Request{at(said(t, "x"), 3), said(t, "x")}, // received is a Sunday
			no:  []*engine.Request{at(said(t, "x"), 12), at(asked(t, `{"messages":[],"stream":true}`), 3)},
		},
		"agent-loop.expr": {
			yes: []*engine.Request{agent(loop(21), "my-coder-2")},
			no:  []*engine.Request{agent(loop(20), "my-coder-2"), agent(loop(21), "planner"), agent(said(t, "x"), "coder")},
		},
		"low-budget.expr": {no: []*engine.Request{said(t, "x"), said(t, "urgent")}}, // nothing has a budget yet
		"healthy-gemini.expr": {
			yes: []*engine.Request{gemini(said(t, words(900_000)), true)},
			no:  []*engine.Request{gemini(said(t, words(900_000)), false), said(t, words(900_000)), gemini(said(t, "x"), true), gemini(said(t, words(4_100_000)), true)},
		},
		"customer-numbers.expr": {
			yes: []*engine.Request{said(t, "about C-2024-001234."), said(t, "C-2019-999999")},
			no:  []*engine.Request{said(t, "C-2024-0012345"), said(t, "XC-2024-001234"), said(t, "C-1999-001234")},
		},
		"short-translation.expr": {
			yes: []*engine.Request{said(t, "translate: hello"), said(t, "Bitte Übersetze das")},
			no:  []*engine.Request{said(t, "translated"), said(t, "translate "+words(2_000))},
		},
	}
	for _, rule := range seeded(t) {
		tried[rule.ID+".expr"] = struct{ yes, no []*engine.Request }{} // TestSystemRules
	}
	files, err := filepath.Glob(filepath.Join(examples, "*.expr"))
	if err != nil || len(files) != len(tried) {
		t.Errorf("%d examples, want %d: each is tried", len(files), len(tried))
	}
	for _, file := range files {
		name := filepath.Base(file)
		c, ok := tried[name]
		if !ok {
			t.Errorf("%s is not tried", name)
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r := loaded(t, nil, when("x", 1, string(b)))
		for i, req := range slices.Concat(c.yes, c.no) {
			want := "default"
			if i < len(c.yes) {
				want = "x"
			}
			if d := decided(t, r, req); d.Source != want || len(d.Skipped) > 0 {
				t.Errorf("%s of request %d (%.40q) = %q %v, want %q", name, i, req.Features.Text, d.Source, d.Skipped, want)
			}
		}
	}
}
