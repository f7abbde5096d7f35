package anthropic_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
)

// FuzzConversation makes valid chat bodies by chance, which mutated bytes hardly are,
// and holds what the adapter makes of them against what the API refuses.
func FuzzConversation(f *testing.F) {
	for seed := range uint64(400) {
		f.Add(seed)
	}
	ids := []string{"claude-opus-4-8", "claude-sonnet-4-20250514", "claude-haiku-4-5", "claude-3-5-haiku", "claude-fable-5", "glm-5"}
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		body := g.body()
		doc, err := engine.ParseChat([]byte(body))
		if err != nil {
			t.Fatalf("the generator made what the host refuses: %v in %s", err, body)
		}
		doc.Release()
		target := `{"upstream_id":"` + g.pick(ids...) + `","max_output":` + g.pick("0", "2000", "64000") + `,"unsupported":[` + g.pick(``, `"temperature+top_p"`, `"output_config"`) + `]}`
		got := adaptertest.Request(t, anthropic.Adapter{}, target, body)
		if got.Failed {
			if got.Message == "" {
				t.Errorf("Request(%s) is refused without a reason", body)
			}
			return
		}
		if err := checkRequest(got.Output); err != nil {
			t.Errorf("Request(%s) of %s is one that the API refuses: %v\n%s", body, target, err, got.Output)
		}
	})
}

// generator makes pieces of valid chat bodies.
type generator struct{ *rand.Rand }

func (g generator) pick(of ...string) string { return of[g.IntN(len(of))] }

// maybe returns s, or nothing, one time in n.
func (g generator) maybe(n int, s string) string {
	if g.IntN(n) > 0 {
		return ""
	}
	return s
}

func (g generator) body() string {
	var s strings.Builder
	s.WriteString(`{"model":"m","messages":[`)
	s.WriteString(g.maybe(2, `{"role":"system","content":`+g.content(false)+`},`))
	s.WriteString(`{"role":"user","content":` + g.content(true) + g.mark() + `}`)
	for i := range g.IntN(8) {
		switch g.IntN(4) {
		case 0:
			s.WriteString(`,{"role":"user","content":` + g.content(true) + g.mark() + `}`)
		case 1:
			s.WriteString(`,{"role":"` + g.pick("system", "developer") + `","content":` + g.content(false) + `}`)
		case 2:
			s.WriteString(`,{"role":"assistant","content":` + g.content(false) + g.thinking() + `}`)
		case 3:
			g.exchange(&s, i)
		}
	}
	s.WriteString(`]`)
	s.WriteString(g.maybe(2, `,"tools":[`+g.tool("f")+`,`+g.tool("g")+`]`+g.maybe(2, `,"tool_choice":`+g.pick(`"auto"`, `"none"`, `"required"`, `{"type":"function","function":{"name":"f"}}`))+g.maybe(3, `,"parallel_tool_calls":false`)))
	s.WriteString(g.maybe(3, `,"temperature":`+g.pick("0", "0.5", "1", "2")))
	s.WriteString(g.maybe(3, `,"top_p":`+g.pick("0.1", "0.99", "1")))
	s.WriteString(g.maybe(3, `,"max_tokens":`+g.pick("1", "1024", "1025", "5000")))
	s.WriteString(g.maybe(3, `,"stop":`+g.pick(`"x"`, `[" ","x"]`, `["\n"]`)))
	s.WriteString(g.maybe(2, `,"reasoning_effort":"`+g.pick("none", "minimal", "low", "medium", "high", "xhigh")+`"`))
	s.WriteString(g.maybe(3, `,"response_format":`+g.pick(`{"type":"json_object"}`, `{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"minimum":1}}}}}`)))
	s.WriteString(g.maybe(4, `,"stream":true`))
	s.WriteString(`}`)
	return s.String()
}

func (g generator) text() string {
	return g.pick(`"a"`, `"a \n"`, `" "`, `""`, `"\u00a0"`, `"é\ud83d\ude00 b"`)
}

func (g generator) mark() string { return g.maybe(4, `,"cache_control":{"type":"ephemeral"}`) }

func (g generator) content(media bool) string {
	if g.IntN(2) == 0 {
		return g.text()
	}
	var parts []string
	for range 1 + g.IntN(4) {
		part := `{"type":"text","text":` + g.text() + g.mark() + `}`
		if media && g.IntN(2) == 0 {
			part = g.pick(`{"type":"image_url","image_url":{"url":"https://x.test/a"}`, `{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}`,
				`{"type":"file","file":{"file_data":"data:application/pdf;base64,AA=="}`, `{"type":"file","file":{"file_data":"data:text/csv;base64,YSxi"}`) + g.mark() + `}`
		}
		parts = append(parts, part)
	}
	return `[` + strings.Join(parts, ",") + `]`
}

func (g generator) thinking() string {
	return g.maybe(3, `,"reasoning_content":"r","thinking_blocks":[`+g.pick(`{"type":"thinking","thinking":"t","signature":"s"}`, `{"type":"redacted_thinking","data":"d"}`, `{"type":"thinking","thinking":"t","signature":"s","provider":"google"}`)+`]`)
}

func (g generator) tool(name string) string {
	return g.pick(`{"type":"function","function":{"name":"`+name+`"}`, `{"type":"function","function":{"name":"`+name+`","parameters":{"properties":{}}}`) + g.mark() + `}`
}

// exchange writes calls and their results, in any order.
func (g generator) exchange(s *strings.Builder, turn int) {
	n := 1 + g.IntN(3)
	ids := make([]string, n)
	s.WriteString(`,{"role":"assistant","content":` + g.pick(`null`, g.content(false)) + g.thinking() + `,"tool_calls":[`)
	for i := range ids {
		ids[i] = g.pick("call_"+strconv.Itoa(turn*8+i), "f.g:"+strconv.Itoa(i), "toolu_"+strconv.Itoa(i))
		if i > 0 {
			s.WriteString(`,`)
		}
		s.WriteString(`{"id":"` + ids[i] + `","type":"function","function":{"name":"f","arguments":` + g.pick(`""`, `"{}"`, `"{\"a\":1}"`, `"["`) + `}` + g.mark() + `}`)
	}
	s.WriteString(`]}`)
	for _, i := range g.Perm(n) {
		s.WriteString(`,{"role":"tool","tool_call_id":"` + ids[i] + `","content":` + g.content(true) + g.maybe(4, `,"is_error":true`) + g.mark() + `}`)
	}
}
