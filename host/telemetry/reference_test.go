package telemetry

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	dto "github.com/prometheus/client_model/go"
)

var update = flag.Bool("update", false, "rewrite generated files")

const observability = "../../examples/deploy/observability"

// registered are our own metrics, by name.
func registered(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := full(MetricsConfig{}).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]*dto.MetricFamily{}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), namespace+"_") {
			own[f.GetName()] = f
		}
	}
	return own
}

// described are the names that the registry can tell, with or without a series.
func described(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, f := range registered(t) {
		names = append(names, f.GetName())
	}
	slices.Sort(names)
	return names
}

func labels(f *dto.MetricFamily) (names []string) {
	for _, one := range f.GetMetric() {
		for _, l := range one.GetLabel() {
			if !slices.Contains(names, l.GetName()) {
				names = append(names, l.GetName())
			}
		}
	}
	return names
}

// TestReference keeps METRICS.md what the registry says.
func TestReference(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString("# Metrics\n\nWhat `/metrics` tells, beside the Go runtime (`go_`) and the process (`process_`). " +
		"`go test ./host/telemetry -run Reference -update` writes this page from the registry.\n\n" +
		"`account` is empty unless `POINTSMAN_METRICS_ACCOUNTS` says otherwise. Names that tenants give are bounded: what has no room counts as `other`, so that sums are always whole.\n\n" +
		"| metric | kind | labels | |\n|---|---|---|---|\n")
	all := registered(t)
	for _, name := range described(t) {
		f := all[name]
		of := make([]string, 0, 4)
		for _, l := range labels(f) {
			of = append(of, "`"+l+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), strings.Join(of, " "), f.GetHelp())
	}
	if *update {
		if err := os.WriteFile("METRICS.md", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("METRICS.md"); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("METRICS.md is not what the registry says (%v): go test ./host/telemetry -run Reference -update", err)
	}
}

// expressions are those of the dashboard and of the alert rules, by where they are.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	text, err := os.ReadFile(filepath.Join(observability, "grafana.json"))
	if err == nil {
		err = json.Unmarshal(text, &dashboard)
	}
	if err != nil {
		t.Fatalf("dashboard: %v", err)
	}
	for _, p := range dashboard.Panels {
		for i, target := range p.Targets {
			found[fmt.Sprintf("panel %s %d", p.Title, i)] = target.Expr
		}
	}
	for _, v := range dashboard.Templating.List {
		if v.Definition != "" {
			found["variable "+v.Name] = v.Definition
		}
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if text, err = os.ReadFile(filepath.Join(observability, "alerts.yaml")); err == nil {
		err = yaml.UnmarshalWithOptions(text, &rules, yaml.Strict())
	}
	if err != nil {
		t.Fatalf("alert rules: %v", err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("alert %q lacks a name, a severity, a summary or what to do", r.Alert)
			}
			found["alert "+r.Alert] = r.Expr
		}
	}
	return found
}

var (
	metricWord = regexp.MustCompile(`\bpointsman_[a-z_]+`)
	selectors  = regexp.MustCompile(`\b(pointsman_[a-z_]+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	grouping   = regexp.MustCompile(`\bby \(([^)]*)\)`)
	constant   = regexp.MustCompile(`= "([a-z_]+)"`)
)

// TestDashboardsAskForWhatThereIs: every metric, label and code that the dashboard and the alert
// rules name exists.
func TestDashboardsAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	all := registered(t)
	family := func(name string) *dto.MetricFamily {
		if f := all[name]; f != nil {
			return f
		}
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if f := all[strings.TrimSuffix(name, part)]; f != nil && f.GetType() == dto.MetricType_HISTOGRAM {
				return f
			}
		}
		return nil
	}
	source, err := os.ReadFile("../../engine/error.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := []string{"ok"}
	for _, m := range constant.FindAllStringSubmatch(string(source), -1) {
		codes = append(codes, m[1])
	}
	found := expressions(t)
	if len(found) < 40 {
		t.Fatalf("%d expressions in %s, want a dashboard and its alerts", len(found), observability)
	}
	used := map[string]bool{}
	for where, expr := range found {
		if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") || strings.Count(expr, `"`)%2 != 0 {
			t.Errorf("%s is not balanced: %s", where, expr)
		}
		known := []string{"le", "job", "instance"}
		for _, name := range metricWord.FindAllString(expr, -1) {
			f := family(name)
			if f == nil {
				t.Errorf("%s asks for %s, which there is not", where, name)
				continue
			}
			used[f.GetName()] = true
			known = append(known, labels(f)...)
			if f.GetType() == dto.MetricType_COUNTER && !strings.Contains(expr, "rate(") && !strings.Contains(expr, "increase(") {
				t.Errorf("%s shows the counter %s as it is", where, name)
			}
		}
		for _, s := range selectors.FindAllStringSubmatch(expr, -1) {
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				if f := family(s[1]); f != nil && !slices.Contains(append([]string{"le", "job", "instance"}, labels(f)...), m[1]) {
					t.Errorf("%s asks %s for the label %s, which it has not", where, s[1], m[1])
				}
				if m[1] != "code" {
					continue
				}
				for code := range strings.SplitSeq(m[3], "|") {
					pattern, err := regexp.Compile("^(?:" + code + ")$")
					if err != nil || !slices.ContainsFunc(codes, pattern.MatchString) {
						t.Errorf("%s asks for the code %s, which there is not", where, code)
					}
				}
			}
		}
		for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
			for label := range strings.SplitSeq(g[1], ",") {
				if label = strings.TrimSpace(label); !slices.Contains(known, label) {
					t.Errorf("%s groups by %s, which none of its metrics has", where, label)
				}
			}
		}
	}
	for _, name := range []string{"requests_total", "request_duration_seconds", "time_to_first_token_seconds", "overhead_seconds", "tokens_total", "cost_usd_total", "rule_evaluations_total", "plugin_calls_total", "plugin_duration_seconds", "plugin_memory_bytes", "provider_circuit_state", "provider_up", "fallbacks_total", "budget_used_ratio", "inflight_requests", "dropped_records_total", "build_info"} {
		if !used[namespace+"_"+name] {
			t.Errorf("nobody looks at %s", name)
		}
	}
}
