package rule

import (
	"errors"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

func TestCheckRule(t *testing.T) {
	t.Parallel()
	plugins := guests{
		"/p":     says(engine.RuleAnswer{}),
		"/p@1.2": says(engine.RuleAnswer{}),
		"/picky": {configure: func(b []byte) error {
			if string(b) == "{}" {
				return engine.Errorf(engine.CodeInvalid, "config: 'to' is required")
			}
			return nil
		}},
		"/broken": {configure: func([]byte) error { return engine.Errorf(engine.CodePluginFailed, "trap at 0x1") }},
	}
	r := New(plugins, Config{})
	valid := func() engine.Rule {
		return engine.Rule{ID: "my-rule-1", Name: "My rule", Priority: 50, When: "request.stream", Target: "gpt-4o", Fallbacks: []string{"gpt-5"}}
	}
	withPlugin := func(ref, config string) func(*engine.Rule) {
		return func(r *engine.Rule) { r.When, r.Plugin, r.Config = "", ref, []byte(config) }
	}
	for _, c := range []struct {
		name   string
		change func(*engine.Rule)
		param  string // "" is valid; "source" a SourceError
		text   string
	}{
		{"valid", func(*engine.Rule) {}, "", ""},
		{"no id", func(r *engine.Rule) { r.ID = "" }, "id", "1 to 64"},
		{"capital in id", func(r *engine.Rule) { r.ID = "My-rule" }, "id", "lower-case"},
		{"blank in id", func(r *engine.Rule) { r.ID = "my rule" }, "id", "lower-case"},
		{"line end in id", func(r *engine.Rule) { r.ID = "my\r\nrule" }, "id", "lower-case"},
		{"hyphen at the end", func(r *engine.Rule) { r.ID = "rule-" }, "id", "single hyphens"},
		{"two hyphens", func(r *engine.Rule) { r.ID = "my--rule" }, "id", "single hyphens"},
		{"65 characters", func(r *engine.Rule) { r.ID = strings.Repeat("x", 65) }, "id", "1 to 64"},
		{"64 characters", func(r *engine.Rule) { r.ID = strings.Repeat("x", 64) }, "", ""},
		{"reserved id", func(r *engine.Rule) { r.ID = "default" }, "id", "no rule decided"},
		{"reserved id too", func(r *engine.Rule) { r.ID = "pinned" }, "id", "no rule decided"},
		{"no name", func(r *engine.Rule) { r.Name = "" }, "", ""},
		{"129 characters of name", func(r *engine.Rule) { r.Name = strings.Repeat("é", 129) }, "name", "128"},
		{"128 characters of name", func(r *engine.Rule) { r.Name = strings.Repeat("é", 128) }, "", ""},
		{"two lines of name", func(r *engine.Rule) { r.Name = "a\nb" }, "name", "one line"},
		{"long description", func(r *engine.Rule) { r.Description = strings.Repeat("x", 4<<10+1) }, "description", "4 KiB"},
		{"negative priority", func(r *engine.Rule) { r.Priority = -1 }, "priority", "-1 is not"},
		{"priority 0", func(r *engine.Rule) { r.Priority = 0 }, "", ""},
		{"priority 10,000", func(r *engine.Rule) { r.Priority = 10_000 }, "", ""},
		{"priority 10,001", func(r *engine.Rule) { r.Priority = 10_001 }, "priority", "10001 is not"},
		{"neither", func(r *engine.Rule) { r.When = "" }, "when", "needs 'when'"},
		{"both", func(r *engine.Rule) { r.Plugin = "p" }, "plugin", "not both"},
		{"config without plugin", func(r *engine.Rule) { r.Config = []byte("{}") }, "config", "Only a rule with 'plugin'"},
		{"no target", func(r *engine.Rule) { r.Target = "" }, "target", "needs the id"},
		{"target with a line end", func(r *engine.Rule) { r.Target = "a\r\nb" }, "target", "needs the id"},
		{"empty fallback", func(r *engine.Rule) { r.Fallbacks = []string{"a", ""} }, "fallbacks[1]", "id of a model"},
		{"17 fallbacks", func(r *engine.Rule) { r.Fallbacks = make([]string, 17) }, "fallbacks", "at most 16"},
		{"on failure", func(r *engine.Rule) { r.OnFailure = "explode" }, "on_failure", "'skip' or 'refuse'"},
		{"on failure refuse", func(r *engine.Rule) { r.OnFailure = engine.FailureRefuse }, "", ""},
		{"bad text", func(r *engine.Rule) { r.When = "request.strem" }, "source", "1:9"},
		{"plugin", withPlugin("p", ""), "", ""},
		{"plugin with version", withPlugin("p@1.2", `{"a":1}`), "", ""},
		{"plugin with target missing", func(r *engine.Rule) { withPlugin("p", "")(r); r.Target = "" }, "target", "needs the id"},
		{"unknown plugin", withPlugin("q", ""), "plugin", "no rule plugin 'q'"},
		{"unknown version", withPlugin("p@9", ""), "plugin", "no rule plugin 'p@9'"},
		{"strange plugin", withPlugin("p@1@2", ""), "plugin", "name@version"},
		{"empty version", withPlugin("p@", ""), "plugin", "name@version"},
		{"plugin refuses", withPlugin("picky", ""), "config", "'to' is required"},
		{"plugin accepts", withPlugin("picky", `{"to":"x"}`), "", ""},
		{"plugin breaks", withPlugin("broken", ""), "config", "failed while it checked"},
		{"config is no JSON", withPlugin("p", `{`), "config", "not valid JSON"},
		{"config is a list", withPlugin("p", `[]`), "config", "JSON object"},
		{"config of 64 KiB", withPlugin("p", `{"a":"`+strings.Repeat("x", 64<<10-8)+`"}`), "", ""},
		{"config of 64 KiB and one", withPlugin("p", `{"a":"`+strings.Repeat("x", 64<<10-7)+`"}`), "config", "at most 64 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rule := valid()
			c.change(&rule)
			err := r.CheckRule(rule)
			var invalid *engine.Error
			var source *engine.SourceError
			param := ""
			switch {
			case err == nil:
			case errors.As(err, &source):
				param = "source"
			case errors.As(err, &invalid) && invalid.Code == engine.CodeInvalid:
				param = invalid.Param
			default:
				param = "neither kind of error"
			}
			if param != c.param || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("CheckRule(%+v) = %v at %q, want %q at %q", rule, err, param, c.text, c.param)
			}
			if invalid != nil && strings.Contains(invalid.Message, "0x1") {
				t.Errorf("CheckRule shows %q, the plugin's own failure", invalid.Message)
			}
		})
	}
}

// Load leaves out what CheckRule would refuse, says so, and serves the rest.
func TestLoadProblems(t *testing.T) {
	t.Parallel()
	bad := when("bad", 9, "request.strem")
	badConfig := asking("bad-config", 9, "p")
	badConfig.Config = []byte("[")
	twice := when("good", 9, "true")
	shadow := when("hidden", 9, "request.strem")
	shadow.AccountID = "acme"
	off := when("off", 9, "request.strem")
	off.Enabled = false
	r := New(guests{}, Config{})
	problems := r.Load([]engine.Rule{bad, badConfig, when("good", 1, "true"), twice, when("hidden", 9, "true"), shadow, off, {ID: "Empty", Enabled: true}})
	var got []string
	for _, p := range problems {
		got = append(got, p.AccountID+"/"+p.RuleID)
		if p.Err == nil {
			t.Errorf("problem of %s has no error", p.RuleID)
		}
	}
	if want := "/bad /bad-config /good /Empty acme/hidden"; strings.Join(got, " ") != want {
		t.Errorf("Load reports %v, want %s", got, want)
	}
	if d := decided(t, r, said(t, "x")); d.Source != "good" {
		t.Errorf("Decide = %q, want good: a broken shadow still hides", d.Source)
	}
	other := said(t, "x")
	other.Principal.AccountID = "other"
	if d := decided(t, r, other); d.Source != "hidden" {
		t.Errorf("Decide for another account = %q, want hidden", d.Source)
	}
}

// A text that is in force is not compiled again.
func TestLoadKeepsPrograms(t *testing.T) {
	t.Parallel()
	r := loaded(t, nil, when("a", 1, "mentions('x')"), when("b", 2, "mentions('x')"))
	first := r.table.Load()
	r.Load([]engine.Rule{when("c", 1, "mentions('x')"), when("d", 1, "mentions('y')")})
	second := r.table.Load()
	if p := first.global.all().entries[0].program; p != first.global.all().entries[1].program || p != second.global.all().entries[0].program {
		t.Error("the same text was compiled twice")
	}
	if second.programs.made != 2 {
		t.Errorf("%d texts were compiled, want 2", second.programs.made)
	}
}
