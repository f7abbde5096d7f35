package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine/document"
)

func contextRequest(t testing.TB) *Request {
	doc := parsed(t, `{"model":"auto","messages":[`+user("/fast \"quoted\"\n\u0001 é")+`],"tools":[{}],"stream":true,
		"metadata":{"task_type":"coding","n":1.50,"nested":{"deep":[1]}}}`)
	hints := Hints{SessionID: "s-1", TaskType: "coding"}
	return &Request{
		ID: "r-1", Doc: doc, Hints: hints, Features: ExtractFeatures(doc, hints),
		Principal: Principal{AccountID: "acme", TeamID: "core", UserID: "u-1", KeyID: "k-1", KeyName: "laptop"},
		Received:  time.Date(2026, 11, 22, 23, 59, 58, 7e6, time.FixedZone("", 3600)),
		Models: []Model{
			{ID: "gpt-5", Family: "GPT", Tier: "flagship", ProviderID: "openai", PremiumCenti: 100, ContextWindow: 400_000, Enabled: true},
			{ID: "off", Enabled: false},
			{ID: "gone", Enabled: true, RetiresAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
			{ID: "replaced", Enabled: true, PremiumCenti: 33, ContextWindow: 1, RetiresAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Replacement: &Replacement{ContextWindow: 2}},
			{ID: "soon", Enabled: true, ContextWindow: 3, RetiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		},
	}
}

// The whole document, as the boundary's description lists its members.
func TestContext(t *testing.T) {
	t.Parallel()
	model := func(id, family, tier, provider, premium, window string) string {
		return `{"id":"` + id + `","family":"` + family + `","tier":"` + tier + `","provider":"` + provider +
			`","health":"healthy","latency_ms":0,"cost_nano_usd":0,"premium":` + premium +
			`,"remaining_requests":9007199254740991,"remaining_tokens":9007199254740991,"context_window":` + window + `}`
	}
	want := `{"request":{"model":"auto","text":"/fast \"quoted\"\n\u0001 é","chars":18,"tokens":6,"messages":1,` +
		`"has_image":false,"has_audio":false,"has_tools":true,"has_code":false,"command":"/fast","task_type":"coding",` +
		`"time_sensitive":false,"stream":true,"metadata":{"task_type":"coding","n":1.50,"nested":{"deep":[1]}}},` +
		`"caller":{"account":"acme","team":"core","user":"u-1","key":"laptop","agent":"laptop"},` +
		`"session":{"id":"s-1","turn":0,"model":""},"prefer":{"vision":true,"speed":false,"cost":false},` +
		`"budget":{"left_nano_usd":9007199254740991,"left_fraction":1},` +
		`"time":{"unix_ms":1795388398007,"hour":22,"weekday":0},"models":[` +
		model("gpt-5", "GPT", "flagship", "openai", "1", "400000") + `,` +
		model("replaced", "", "", "", "0.33", "2") + `,` +
		model("soon", "", "", "", "0", "3") + `]}`
	r := contextRequest(t)
	if got := string(r.Context().Raw()); got != want {
		t.Errorf("Context() =\n%s\nwant\n%s", got, want)
	}
}

// The brief context and its text are the whole one, in parts.
func TestBriefContext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content string
		copied        bool
	}{
		{"plain", `"hello"`, false},
		{"escapes as we write them", `"a\n\"b\"\\\u0001 é"`, false},
		{"escapes as others do", `"a\/b \u00e9 \u003c"`, true},
		{"hexadecimal in capitals", `"\u001F"`, true},
		{"a longer escape", `"\u000a"`, true},
		{"one part", `[{"type":"text","text":"hello\n"}]`, false},
		{"two parts", `[{"type":"text","text":"hello"},{"type":"text","text":"there"}]`, true},
		{"with a reminder", `"<system-reminder>x</system-reminder>hello"`, true},
		{"nothing", `""`, true},
		{"null", `null`, true},
	}
	for _, tt := range tests {
		doc := parsed(t, `{"model":"auto","messages":[{"role":"user","content":`+tt.content+`}]}`)
		r := &Request{Doc: doc, Features: ExtractFeatures(doc, Hints{})}
		brief, text := r.BriefContext()
		if again, same := r.BriefContext(); again != brief || same != text {
			t.Errorf("%s: BriefContext() made others, want the first again", tt.name)
		}
		if got := brief.Pointer("/request/text").Raw(); string(got) != `""` {
			t.Errorf("%s: the brief context has the text %s, want none", tt.name, got)
		}
		if got, want := string(text.Raw()), string(r.Context().Pointer("/request/text").Raw()); got != want {
			t.Errorf("%s: text = %s, in the whole context %s", tt.name, got, want)
		}
		whole := strings.Replace(string(brief.Raw()), `"text":""`, `"text":`+string(text.Raw()), 1)
		if got, want := whole, strings.Replace(string(r.Context().Raw()), `,"models":[]`, "", 1); got != want {
			t.Errorf("%s: the brief context with the text = %s, want %s", tt.name, got, want)
		}
		if copied := text != r.Features.said; copied != tt.copied {
			t.Errorf("%s: text is a copy: %v, want %v", tt.name, copied, tt.copied)
		}
		if whole, none := r.BriefContext(); none.Exists() || whole != r.Context() {
			t.Errorf("%s: BriefContext() when the whole is there = %s, want that", tt.name, whole.Raw())
		}
	}
}

func TestContextIsBuiltOnce(t *testing.T) {
	r := contextRequest(t)
	first := r.Context()
	r.Features.Text = "changed"
	if again := r.Context(); again != first {
		t.Error("Context() made a second document, want the first again")
	}
	if n := testing.AllocsPerRun(10, func() { r.Context() }); n != 0 {
		t.Errorf("Context() allocates %v times when it is built, want 0", n)
	}
}

func TestReleaseContext(t *testing.T) {
	t.Parallel()
	r := contextRequest(t)
	r.ReleaseContext()
	want := string(r.Context().Raw())
	r.ReleaseContext()
	if got := string(r.Context().Raw()); got != want {
		t.Errorf("Context() after ReleaseContext = %s, want %s", got, want)
	}
}

func TestContextOfNothing(t *testing.T) {
	t.Parallel()
	r := &Request{}
	c := r.Context()
	if c.Pointer("/request/metadata").Len() != 0 || !c.Pointer("/request/metadata").Exists() || c.Get("models").Len() != 0 {
		t.Errorf("Context() of an empty request = %s, want empty metadata and models", c.Raw())
	}
}

// What fits a body fits the context: depth and escapes have room.
func TestContextOfLimits(t *testing.T) {
	t.Parallel()
	depth := document.DefaultDepth - 1
	deep := `{"metadata":` + strings.Repeat(`{"a":`, depth) + `1` + strings.Repeat(`}`, depth) + `,"messages":[]}`
	doc := parsed(t, deep)
	r := &Request{Doc: doc, Features: ExtractFeatures(doc, Hints{})}
	if got := string(r.Context().Pointer("/request/metadata").Raw()); len(got) != depth*6+1 {
		t.Errorf("metadata of depth %d has %d bytes in the context, want %d", depth, len(got), depth*6+1)
	}
}

func TestAgent(t *testing.T) {
	t.Parallel()
	r := &Request{Principal: Principal{KeyName: "laptop"}}
	if got := r.Agent(); got != "laptop" {
		t.Errorf("Agent() = %q, want the key's name", got)
	}
	r.Hints.AgentID = "planner"
	if got := r.Agent(); got != "planner" {
		t.Errorf("Agent() = %q, want planner", got)
	}
}

func BenchmarkContext(b *testing.B) {
	r := contextRequest(b)
	for len(r.Models) < 19 {
		r.Models = append(r.Models, r.Models[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		r.ReleaseContext()
		r.Context()
	}
}
