package wasm

import (
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

func runFixture(t *testing.T, module []byte, text string) FixtureResult {
	t.Helper()
	cases, err := ParseFixtures([]byte("[" + text + "]"))
	if err != nil {
		t.Fatalf("ParseFixtures(%s) = %v", text, err)
	}
	results, err := open(t, cached()).RunFixtures(t.Context(), module, cases)
	if err != nil || len(results) != 1 {
		t.Fatalf("RunFixtures(%s) = %v, %v", text, results, err)
	}
	return results[0]
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	says := rule(seq(i32c(0), i32c(3), call(0), i32c(0), i32c(3), call(1), i32c(0)), "target", "reason")
	says.data = "abc"
	says.schema = `{"type":"object","maxProperties":1}`
	rejects := rule(seq(i32c(451), i32c(0), i32c(3), call(0), i32c(abi.Reject)), "fail")
	rejects.data = "not"
	trap := rule(unreachable)
	sends := adapter(abi.EntryRequest, seq(i32c(0), i32c(2), call(0), i32c(2), i32c(7), call(1), i32c(0)), "http_path", "emit")
	sends.data = `/x{"a":1}`
	streams := adapter(abi.EntryEvent, seq(i32c(2), i32c(7), call(0), i32c(0)), "emit")
	streams.data = `/x{"a":1}`
	fails := adapter(abi.EntryError, seq(i32c(4), i64c(0), call(0), i32c(0)), "classify")
	tests := []struct {
		name    string
		guest   asm
		fixture string
		want    string // the problem; "" for none
	}{
		{"decides", says, `{"name":"a","want":{"verdict":"decided","targets":["abc"],"reason":"abc","tags":{}}}`, ""},
		{"another target", says, `{"name":"a","want":{"targets":["abd"]}}`, "targets is [abc], want [abd]"},
		{"another verdict", says, `{"name":"a","want":{"verdict":"abstain"}}`, "verdict is decided, want abstain"},
		{"too much fuel", says, `{"name":"a","want":{"max_fuel":10}}`, "units of fuel, more than 10"},
		{"enough fuel", says, `{"name":"a","want":{"max_fuel":1000}}`, ""},
		{"rejects", rejects, `{"name":"a","want":{"verdict":"reject","status":451,"message":"not"}}`, ""},
		{"traps", trap, `{"name":"a","want":{"verdict":"decided"}}`, "unreachable"},
		{"config", says, `{"name":"a","entry":"configure","config":{"a":1},"want":{}}`, ""},
		{"config refused", says, `{"name":"a","entry":"configure","config":{"a":1,"b":2},"want":{}}`, "the config is refused"},
		{"entry of a provider", says, `{"name":"a","entry":"request","want":{}}`, `entry "request" is not one of a rule`},
		{"request", sends, `{"name":"a","request":{},"want":{"method":"POST","path":"/x","body":{"a":1.0}}}`, ""},
		{"another body", sends, `{"name":"a","want":{"body":{"a":2}}}`, `body is {"a":1}, want {"a":2}`},
		{"not refused", sends, `{"name":"a","want":{"status":400}}`, "the request is not refused"},
		{"event", streams, `{"name":"a","entry":"event","response":{},"want":{"chunks":[{"a":1}],"body":{"a":1}}}`, ""},
		{"more chunks", streams, `{"name":"a","entry":"event","response":{},"want":{"chunks":[{"a":1},{}]}}`, "1 chunks, want 2"},
		{"error", fails, `{"name":"a","entry":"error","response":"text","want":{"class":"rate_limited"}}`, ""},
		{"another class", fails, `{"name":"a","entry":"error","want":{"class":"auth"}}`, "class is rate_limited, want auth"},
		{"unknown entry", fails, `{"name":"a","entry":"probe","want":{}}`, `entry "probe" is not one of a provider`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runFixture(t, tt.guest.build(t), tt.fixture)
			if problems := strings.Join(got.Problems, "\n"); tt.want == "" && problems != "" || !strings.Contains(problems, tt.want) {
				t.Errorf("problems %q, want %q", problems, tt.want)
			}
			if tt.want == "" && tt.name != "config" && (got.Fuel == 0 || got.Memory != abi.PageSize) {
				t.Errorf("spends %d units and %d bytes", got.Fuel, got.Memory)
			}
		})
	}
}

func TestParseFixtures(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[]`:                                "",
		`{}`:                                "cannot unmarshal",
		`[{"want":{}}]`:                     "fixture 0 has no name",
		`[{"name":"a","wants":{}}]`:         `unknown field "wants"`,
		`[{"name":"a","name":"b"}]`:         "name",
		`[`:                                 "fixtures:",
		strings.Repeat(" ", MaxFixtureFile): "fixtures:",
		strings.Repeat(" ", MaxFixtureFile) + "[]":                                "at most 1048576",
		"[" + strings.Repeat(`{"name":"a"},`, MaxFixtures) + `{"name":"a"}` + "]": "101 fixtures (at most 100)",
	} {
		if _, err := ParseFixtures([]byte(text)); want == "" && err != nil || want != "" && (err == nil || engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), want)) {
			t.Errorf("ParseFixtures(%.40q) = %v, want %q", text, err, want)
		}
	}
}

// TestUploadFixtures: an upload whose own cases fail is refused, and the case named.
func TestUploadFixtures(t *testing.T) {
	t.Parallel()
	l := open(t, Config{})
	module := rule(i32c(0)).build(t)
	for fixtures, want := range map[string]string{
		"":   "",
		`[]`: "",
		`[{"name":"right","want":{"verdict":"decided"}}]`:                                               "",
		`[{"name":"right","want":{"verdict":"decided"}},{"name":"wrong","want":{"verdict":"abstain"}}]`: `fixture "wrong": verdict is decided, want abstain`,
		`[{]`: "fixtures:",
	} {
		err := l.Prepare(t.Context(), engine.PluginVersion{Module: module, Fixtures: []byte(fixtures)})
		if want == "" && err != nil || want != "" && (engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), want)) {
			t.Errorf("Prepare(with %s) = %v, want %q", fixtures, err, want)
		}
	}
}

func TestBenchFixture(t *testing.T) {
	t.Parallel()
	l := open(t, cached())
	bench := func(guest asm, fixture string) (FixtureBench, error) {
		cases, err := ParseFixtures([]byte("[" + fixture + "]"))
		if err != nil {
			t.Fatal(err)
		}
		return l.BenchFixture(t.Context(), guest.build(t), cases[0], 1)
	}
	sends := adapter(abi.EntryRequest, seq(i32c(0), i32c(2), call(0), i32c(2), i32c(7), call(1), i32c(0)), "http_path", "emit")
	sends.data = `/x{"a":1}`
	configured := rule(i32c(0))
	for _, tt := range []struct {
		name, fixture string
		guest         asm
		want          string // of the error
		idle          bool   // nothing is called
	}{
		{"a rule", `{"name":"a","want":{"verdict":"decided"}}`, rule(i32c(0)), "", false},
		{"an adapter", `{"name":"a","request":{},"want":{"path":"/x"}}`, sends, "", false},
		{"a config that only the schema looks at", `{"name":"a","entry":"configure","want":{}}`, configured, "", true},
		{"a case that fails", `{"name":"a","want":{"verdict":"abstain"}}`, rule(i32c(0)), `fixture "a": verdict is decided`, false},
		{"a guest that breaks", `{"name":"a","want":{}}`, rule(unreachable), `fixture "a": `, false},
	} {
		b, err := bench(tt.guest, tt.fixture)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: BenchFixture() = %v, want %q", tt.name, err, tt.want)
			}
			continue
		}
		if err != nil || b.Calls == 0 || b.Took <= 0 || (b.FuelP50 == 0) != tt.idle || b.FuelP99 != b.FuelP50 {
			t.Errorf("%s: BenchFixture() = %+v, %v, want calls of one and the same fuel", tt.name, b, err)
		}
	}
}
