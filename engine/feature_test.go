package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/pointsman/pointsman/engine/document"
)

func parsed(t testing.TB, body string) *document.Doc {
	t.Helper()
	doc, err := document.Parse([]byte(body), document.Limits{})
	if err != nil {
		t.Fatalf("Parse(%q) = %v", body, err)
	}
	return doc
}

// body is a request with those messages.
func body(messages ...string) string {
	return `{"model":"auto","messages":[` + strings.Join(messages, ",") + `]}`
}

func user(text string) string {
	return `{"role":"user","content":` + string(document.AppendString(nil, text)) + `}`
}

func parts(role string, list ...string) string {
	return `{"role":"` + role + `","content":[` + strings.Join(list, ",") + `]}`
}

func text(s string) string {
	return `{"type":"text","text":` + string(document.AppendString(nil, s)) + `}`
}

const (
	image = `{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}`
	audio = `{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}`
	goGo  = `{"type":"file","file":{"filename":"cmd/main.go","file_data":"AA=="}}`
	pdf   = `{"type":"file","file":{"filename":"report.pdf","file_data":"AA=="}}`
)

func TestFeatureText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"plain", body(user("fix it")), "fix it"},
		{"none", `{"messages":[]}`, ""},
		{"no messages at all", `{}`, ""},
		{"last of several", body(user("one"), `{"role":"assistant","content":"x"}`, user("two")), "two"},
		{"assistant and tool are not users", body(user("one"), `{"role":"assistant","content":"x"}`, `{"role":"tool","tool_call_id":"1","content":"out"}`), "one"},
		{"system and developer are not users", body(user("one"), `{"role":"system","content":"s"}`, `{"role":"developer","content":"d"}`), "one"},
		{"parts are joined by newlines", body(parts("user", text("a"), image, text("b"))), "a\nb"},
		{"an empty part keeps its line", body(parts("user", text(""), text("b"))), "\nb"},
		{"one part", body(parts("user", image, text("b"))), "b"},
		{"escapes are decoded", body(`{"role":"user","content":"a\n\"b\" \u00e9"}`), "a\n\"b\" é"},
		{"image only: the text before it", body(user("what is this?"), parts("user", image)), "what is this?"},
		{"empty content", body(user("one"), user("")), "one"},
		{"blank content", body(user("one"), user(" \n\t\u00a0")), "one"},
		{"null content", body(user("one"), `{"role":"user","content":null}`), "one"},
		{"content of a wrong kind", body(user("one"), `{"role":"user","content":7}`), "one"},
		{"text of a wrong kind", body(user("one"), parts("user", `{"type":"text","text":7}`)), "one"},
		{"reminder before", body(user("<system-reminder>be brief</system-reminder>fix it")), "fix it"},
		{"reminder inside", body(user("fix <system-reminder>x</system-reminder>it")), "fix it"},
		{"two reminders", body(user("<system-reminder>x</system-reminder>a<system-reminder>y</system-reminder>b")), "ab"},
		{"reminder over parts", body(parts("user", text("a<system-reminder>x"), text("y</system-reminder>b"))), "ab"},
		{"reminder as a part of its own", body(parts("user", text("<system-reminder>x</system-reminder>"), text("b"))), "\nb"},
		{"only a reminder: the message before", body(user("fix it"), user("<system-reminder>x</system-reminder>\n")), "fix it"},
		{"reminder without end", body(user("what does <system-reminder> do?")), "what does <system-reminder> do?"},
		{"end without reminder", body(user("a</system-reminder>b")), "a</system-reminder>b"},
		{"other element", body(user("<reminder>x</reminder>")), "<reminder>x</reminder>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := ExtractFeatures(parsed(t, c.body), Hints{})
			if f.Text != c.want {
				t.Errorf("ExtractFeatures(%s).Text = %q, want %q", c.body, f.Text, c.want)
			}
		})
	}
}

// A long agent conversation: the text is found behind more user messages than are
// tracked without allocating.
func TestFeatureTextFarBack(t *testing.T) {
	t.Parallel()
	messages := []string{user("fix the typo")}
	for range 200 {
		messages = append(messages, `{"role":"tool","content":"ok"}`, user("<system-reminder>go on</system-reminder>"))
	}
	f := ExtractFeatures(parsed(t, body(messages...)), Hints{})
	if f.Text != "fix the typo" || f.Messages != 401 {
		t.Errorf("Text, Messages = %q, %d, want %q, 401", f.Text, f.Messages, "fix the typo")
	}
}

func TestFeatureFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       string // those of image audio tools code time stream that are set
	}{
		{"plain", body(user("hello")), ""},
		{"image", body(parts("user", text("x"), image)), "image"},
		{"audio", body(parts("user", text("x"), audio)), "audio"},
		{"image in the turn before", body(parts("user", text("x"), image), user("and now?")), ""},
		{"image sent after the text", body(user("what is this?"), parts("user", image)), "image"},
		{"image alone", body(parts("user", image)), "image"},
		{"image of an earlier turn without text", body(parts("user", image), user("hello")), ""},
		{"image from the assistant", body(user("x"), parts("assistant", image)), ""},
		{"tools", `{"messages":[` + user("x") + `],"tools":[{"type":"function","function":{"name":"f"}}]}`, "tools"},
		{"no tools", `{"messages":[` + user("x") + `],"tools":[]}`, ""},
		{"file with source", body(parts("user", text("x"), goGo)), "code"},
		{"file with prose", body(parts("user", text("x"), pdf)), ""},
		{"file in the turn before", body(parts("user", text("x"), goGo), user("thanks")), ""},
		{"time in metadata", `{"messages":[],"metadata":{"time_sensitive":"true"}}`, "time"},
		{"time in metadata as a boolean", `{"messages":[],"metadata":{"time_sensitive":true}}`, "time"},
		{"time denied", `{"messages":[],"metadata":{"time_sensitive":"false"}}`, ""},
		{"time in another spelling", `{"messages":[],"metadata":{"time_sensitive":"yes"}}`, ""},
		{"priority tier", `{"messages":[],"service_tier":"priority"}`, "time"},
		{"other tier", `{"messages":[],"service_tier":"flex"}`, ""},
		{"stream", `{"messages":[],"stream":true}`, "stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := ExtractFeatures(parsed(t, c.body), Hints{})
			var got []string
			for _, flag := range []struct {
				name string
				set  bool
			}{
				{"image", f.HasImage}, {"audio", f.HasAudio}, {"tools", f.HasTools},
				{"code", f.HasCode}, {"time", f.TimeSensitive}, {"stream", f.Stream},
			} {
				if flag.set {
					got = append(got, flag.name)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("ExtractFeatures(%s) sets %q, want %q", c.body, strings.Join(got, " "), c.want)
			}
		})
	}
}

func TestFeatureHints(t *testing.T) {
	t.Parallel()
	doc := parsed(t, `{"model":"auto","messages":[],"metadata":{"task_type":"body"}}`)
	if f := ExtractFeatures(doc, Hints{}); f.TaskType != "body" || f.Model != "auto" {
		t.Errorf("TaskType, Model = %q, %q, want body, auto", f.TaskType, f.Model)
	}
	if f := ExtractFeatures(doc, Hints{TaskType: "header", TimeSensitive: true}); f.TaskType != "header" || !f.TimeSensitive {
		t.Errorf("TaskType, TimeSensitive = %q, %v, want header, true", f.TaskType, f.TimeSensitive)
	}
}

func TestFeatureSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		chars      int
		tokens     int64
	}{
		{"nothing", `{"messages":[]}`, 0, 0},
		{"one byte is one token", body(user("a")), 1, 1},
		{"four bytes", body(user("abcd")), 4, 1},
		{"five bytes", body(user("abcde")), 5, 2},
		{"chars are code points, tokens bytes", body(user("éééé")), 4, 2},
		{"escapes count decoded", body(`{"role":"user","content":"\u00e9\n"}`), 2, 1},
		{"the sum is rounded, not each", body(user("a"), user("b"), user("c")), 1, 1},
		{"every role counts", body(`{"role":"system","content":"abcd"}`, user("efgh"), `{"role":"assistant","content":"ijkl"}`, `{"role":"tool","content":"mnop"}`), 4, 4},
		{"reminders count as tokens", body(user("<system-reminder>xx</system-reminder>a")), 1, 10},
		{"refusals count", body(user("abcd"), `{"role":"assistant","content":null,"refusal":"abcd"}`), 4, 2},
		{"tool calls count", body(user("abcd"), `{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"fn","arguments":"{}"}}]}`), 4, 2},
		{"an image is a thousand", body(parts("user", text("abcd"), image)), 4, 1_001},
		{"a file is a thousand", body(parts("user", text("abcd"), pdf, goGo)), 4, 2_001},
		{"audio is nothing", body(parts("user", text("abcd"), audio)), 4, 1},
		{"images of all messages", body(parts("user", image), user("abcd"), parts("user", image)), 4, 2_001},
		{"tool schemas by their JSON", `{"messages":[],"tools":[{"a":1},{"b":2}]}`, 0, 4},
		{"499", body(user(strings.Repeat("x", 499))), 499, 125},
		{"100,000 tokens", body(user(strings.Repeat("x", 400_000))), 400_000, 100_000},
		{"100,001 tokens", body(user(strings.Repeat("x", 400_001))), 400_001, 100_001},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := ExtractFeatures(parsed(t, c.body), Hints{})
			if f.Chars != c.chars || f.Tokens != c.tokens {
				t.Errorf("ExtractFeatures(%.200s) = %d chars, %d tokens, want %d, %d", c.body, f.Chars, f.Tokens, c.chars, c.tokens)
			}
		})
	}
}

func TestFeatureNeeds(t *testing.T) {
	t.Parallel()
	schema := `{"messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}}}`
	for _, c := range []struct {
		name, body string
		want       []Capability
	}{
		{"nothing", body(user("x")), nil},
		{"image of an earlier turn", body(parts("user", image), user("x")), []Capability{CapVision}},
		{"audio", body(parts("user", audio)), []Capability{CapAudio}},
		{"file", body(parts("user", pdf)), []Capability{CapFiles}},
		{"tools", `{"messages":[],"tools":[{}]}`, []Capability{CapTools}},
		{"tool calls in history", body(`{"role":"assistant","tool_calls":[{"id":"1"}]}`), []Capability{CapTools}},
		{"tool result in history", body(`{"role":"tool","content":"x"}`), []Capability{CapTools}},
		{"schema", schema, []Capability{CapStructured}},
		{"json object is no schema", `{"messages":[],"response_format":{"type":"json_object"}}`, nil},
		{"all", `{"messages":[` + parts("user", image, audio, pdf) + `],"tools":[{}],"response_format":{"type":"json_schema"}}`,
			[]Capability{CapVision, CapAudio, CapTools, CapStructured, CapFiles}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if f := ExtractFeatures(parsed(t, c.body), Hints{}); !slices.Equal(f.Needs, c.want) {
				t.Errorf("ExtractFeatures(%s).Needs = %v, want %v", c.body, f.Needs, c.want)
			}
		})
	}
}

func TestFeatureCodePoints(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"a", "é", "€", "😀", "aé€😀", "日本語 text", "\x00\x7f"} {
		for n := range 20 {
			s := strings.Repeat(piece, n)
			if got, want := codePoints(s), utf8.RuneCountInString(s); got != want {
				t.Errorf("codePoints(%q) = %d, want %d", s, got, want)
			}
		}
	}
}

func TestFeatureCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"/fast", "/fast"},
		{"/fast what is 2+2", "/fast"},
		{"  \n/fast\tnow", "/fast"},
		{"/fast\nnow", "/fast"},
		{"/fast\u00a0now", "/fast"},
		{"/run-2_x go", "/run-2_x"},
		{"please /fast", ""},
		{"/Fast", ""},
		{"/fast!", ""},
		{"/fast,", ""},
		{"/faster", "/faster"},
		{"/fasté", ""},
		{"/", ""},
		{"/ fast", ""},
		{"//fast", ""},
		{"/etc/passwd", ""},
		{"fast", ""},
		{"", ""},
	} {
		if got := command(c.text); got != c.want {
			t.Errorf("command(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestFeatureCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want bool
	}{
		{"```\nx\n```", true},
		{"look:\n```go\nx := 1\n```", true},
		{"look:\n  > ```go\n> x", true},
		{"inline ```x``` is no block", false},
		{"inline ```x```\n```\nblock", true},
		{"``x``", false},

		{"open main.go", true},
		{"main.go", true},
		{"in (src/app.tsx), please", true},
		{"`lib/x.py`", true},
		{`C:\work\a_b.cpp fails`, true},
		{"see main.go.", true},
		{"see main.go:12", true},
		{"große.rs", true},
		{"main.c", true},
		{"one.txt two.go", true},

		{"open report.pdf", false},
		{"config.json and data.yaml", false},
		{"main.gone", false},
		{"main.go.bak", false},
		{".go", false},
		{"go", false},
		{"foo.go()", false},
		{"I use Node.js and Vue.js", false},
		{"at 10 a.m. in Washington D.C.", false},
		{"D.c", false},
		{"write to bob@main.rs", false},
		{"https://example.com/a/main.go", false},
		{"https://docs.rs/x and www.crates.rs", false},
		{"https://a.io/x.js but also main.go", true},
		{"3.14 and v1.2.3", false},
		{"", false},
		{"...", false},
	} {
		if got := hasFence(c.text) || namesSource(c.text); got != c.want {
			t.Errorf("code in %q = %v, want %v", c.text, got, c.want)
		}
	}
}

// The walk is linear: texts made to be looked at again and again take no longer.
func TestFeatureHostileText(t *testing.T) {
	const size = 1 << 20
	for _, piece := range []string{"a.go.", ".go", "x.c/", "http://a.go/", "a@b.go", "```", "x```", "<system-reminder>", "</system-reminder>", "/", "."} {
		doc := parsed(t, body(user(strings.Repeat(piece, size/len(piece)))))
		best := time.Hour
		for range 3 {
			start := time.Now()
			ExtractFeatures(doc, Hints{})
			best = min(best, time.Since(start))
		}
		// A quadratic walk takes minutes; a linear one 1 to 20 ms, more under -race on a busy machine.
		if best > 20*time.Second {
			t.Errorf("ExtractFeatures(1 MiB of %q) takes %v, want milliseconds", piece, best)
		}
	}
}

func TestFeatureAllocations(t *testing.T) {
	doc := parsed(t, `{"model":"auto","messages":[`+
		`{"role":"system","content":"be brief"},`+user(strings.Repeat("hello there ", 1000))+
		`],"tools":[{"a":1}],"metadata":{"x":"y"}}`)
	if n := testing.AllocsPerRun(100, func() { ExtractFeatures(doc, Hints{}) }); n != 0 {
		t.Errorf("ExtractFeatures of a plain text allocates %v times, want 0", n)
	}
	inBody := doc.Root().Pointer("/messages/1/content").Text()
	if f := ExtractFeatures(doc, Hints{}); unsafe.StringData(f.Text) != unsafe.StringData(inBody) {
		t.Error("Text of a plain text is a copy, want a view of the body")
	}
}

func FuzzFeatures(f *testing.F) {
	f.Add(body(user("/fast fix main.go <system-reminder>x</system-reminder>")))
	f.Add(body(parts("user", text("a"), image, audio, goGo)))
	f.Add(`{"messages":[{"role":"user","content":[{}]}],"tools":{},"metadata":[]}`)
	f.Add(`{"messages":{"role":"user"}}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, body string) {
		doc, err := document.Parse([]byte(body), document.Limits{})
		if err != nil {
			t.Skip()
		}
		got := ExtractFeatures(doc, Hints{})
		if got.Chars > len(got.Text) || got.Tokens < 0 || got.Command != "" && !strings.Contains(got.Text, got.Command) {
			t.Errorf("ExtractFeatures(%q) = %+v", body, got)
		}
		r := &Request{Doc: doc, Features: got}
		if text := r.Context().Get("request").Get("text").Text(); text != got.Text {
			t.Errorf("Context text = %q, want %q", text, got.Text)
		}
	})
}

func BenchmarkExtractFeatures(b *testing.B) {
	for _, size := range []int{300, 10_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			doc := parsed(b, body(`{"role":"system","content":"be brief"}`, user(strings.Repeat("the quick brown fox. ", size/21))))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				ExtractFeatures(doc, Hints{})
			}
		})
	}
}

// Every recorded request of the fixtures has features.
func TestFeaturesOfFixtures(t *testing.T) {
	files, _ := filepath.Glob("../../shared/data/fixtures/openai-chat/*/request.json")
	if len(files) == 0 {
		t.Skip("no ../shared/data/fixtures beside this repository")
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := document.Parse(b, document.Limits{})
		if err != nil {
			t.Errorf("Parse(%s) = %v", name, err)
			continue
		}
		asked := doc.Root().Pointer("/messages/-1/content").Text()
		if f := ExtractFeatures(doc, Hints{}); f.Messages != doc.Root().Get("messages").Len() || !strings.HasSuffix(f.Text, asked) && doc.Root().Pointer("/messages/-1/role").Text() == "user" {
			t.Errorf("ExtractFeatures(%s) = %d messages, text %q, want text %q", name, f.Messages, f.Text, asked)
		}
	}
}
