package document

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// prose is n bytes of ordinary English with punctuation, line breaks and some code.
func prose(n int) string {
	const p = `The gateway reads a request once, asks the rules which model should answer it, and
forwards the bytes that matter. "Why not decode it?" someone asks: because most of a request is text
which nobody but the model needs to see. Here is what we measured last week on two small machines:
the median was 41 us, the slowest 1 % took 380 us; nothing was lost. func main() { run(ctx, cfg) } and
so on. Please compare both versions, list the differences in a table, then suggest what to test next.
`
	return strings.Repeat(p, n/len(p)+1)[:n]
}

// chat is a request body of about n bytes whose messages have size bytes each.
func chat(n, size int) []byte {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	body := struct {
		Model       string         `json:"model"`
		Messages    []message      `json:"messages"`
		Temperature float64        `json:"temperature"`
		Stream      bool           `json:"stream"`
		Metadata    map[string]any `json:"metadata"`
	}{Model: "auto", Temperature: 0.7, Stream: true, Metadata: map[string]any{"session_id": "s-81", "task_type": "code"}}
	text := prose(n)
	for i := 0; i < n; i += size {
		role := "user"
		if i/size%2 == 1 {
			role = "assistant"
		}
		body.Messages = append(body.Messages, message{role, text[i:min(n, i+size)]})
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return b
}

func BenchmarkParse(b *testing.B) {
	bodies := []struct {
		name string
		body []byte
	}{
		{"300B", chat(120, 120)},
		{"10KB", chat(10_000, 500)},
		{"100KB", chat(100_000, 10_000)},
		{"100KB-plain", []byte(`{"messages":[{"role":"user","content":"` + strings.Repeat("plain words of a long prompt ", 3500) + `"}]}`)},
		{"100KB-numbers", []byte("[" + strings.Repeat("-12.5e3,", 12_500) + "1]")},
		{"100KB-cjk", []byte(`["` + strings.Repeat("请比较两个版本并列出不同之处", 2400) + `"]`)},
	}
	for _, bb := range bodies {
		b.Run("document/"+bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.body)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := Parse(bb.body, Limits{})
				if err != nil {
					b.Fatal(err)
				}
				d.Release()
			}
		})
		b.Run("encoding-json/"+bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.body)))
			b.ReportAllocs()
			for b.Loop() {
				var v any
				if err := json.Unmarshal(bb.body, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseMillionNames(b *testing.B) {
	var sb strings.Builder
	sb.WriteByte('{')
	for i := range 1_000_000 {
		if i > 0 {
			sb.WriteByte(',')
		}
		fmt.Fprintf(&sb, `"%x":0`, i)
	}
	sb.WriteByte('}')
	body := []byte(sb.String())
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		d, err := Parse(body, Limits{Nodes: 1 << 22})
		if err != nil {
			b.Fatal(err)
		}
		d.Release()
	}
}

// ruleWords is what the words of eight ordinary rules look like.
var ruleWords = []string{
	"screenshot", "image", "diagram", "ui bug", "refactor", "architecture", "design", "security", "audit",
	"vulnerability", "urgent", "quick", "fast", "asap", "/fast", "/deep", "explain", "summarize", "translate",
	"unit test", "write tests", "debug", "stack trace", "regression", "performance", "benchmark", "deploy",
	"kubernetes", "terraform", "sql", "migration", "database", "c++", "rust", "golang", "python", "frontend",
	"css", "proof", "theorem",
}

func BenchmarkWordsScan(b *testing.B) {
	w := NewWords(ruleWords)
	for _, bb := range []struct{ name, text string }{
		{"10KB", prose(10 << 10)},
		{"10KB-french", strings.Repeat("Le système a été vérifié à l'aube, où les élèves étaient déjà là. ", 160)[:10<<10]},
		{"10KB-cjk", strings.Repeat("请比较两个版本并列出不同之处，谢谢。", 200)[:10<<10]},
		{"10KB-mentions", strings.Repeat("debug the stack trace of a unit test fast ", 250)[:10<<10]},
	} {
		b.Run(bb.name, func(b *testing.B) {
			hits := make([]uint64, 1)
			b.SetBytes(int64(len(bb.text)))
			b.ReportAllocs()
			for b.Loop() {
				w.Scan(bb.text, hits)
			}
		})
	}
}

func BenchmarkMentions(b *testing.B) {
	text := prose(10 << 10)
	russian := strings.Repeat("Система была проверена на рассвете, когда ученики уже пришли. ", 200)[:10<<10]
	for _, bb := range []struct{ name, text, phrase string }{
		{"10KB", text, "stack trace"},
		{"10KB-frequent", text, "test rest"},
		{"10KB-one-letter", text, "e"},
		{"10KB-no-needle", text, "ks"},
		{"10KB-cyrillic", russian, "срочно"},
		{"300B", text[:300], "stack trace"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.text)))
			b.ReportAllocs()
			for b.Loop() {
				if Mentions(bb.text, bb.phrase) {
					b.Fatal("found")
				}
			}
		})
	}
}

// readFive is what a rule plugin that reads five features asks.
func readFive(f *Frame, buf []byte) int {
	c := f.Doc(abi.DocContext)
	r := f.Get(c, []byte("request"))
	n := f.Text(f.Get(r, []byte("command")), buf)
	n += int(f.Int(f.Get(r, []byte("tokens"))))
	if f.Bool(f.Get(r, []byte("has_image"))) {
		n++
	}
	if f.Mentions(f.Get(r, []byte("text")), []byte("screenshot")) {
		n++
	}
	if f.Equal(f.Pointer(c, []byte("/caller/team")), []byte("red")) {
		n++
	}
	f.Target([]byte("claude-sonnet-4.5"))
	f.Reason([]byte("short and plain"))
	return n
}

const contextBody = `{"request":{"model":"auto","text":"please fix the failing build","chars":28,"tokens":120,"messages":3,` +
	`"has_image":false,"has_audio":false,"has_tools":true,"has_code":false,"command":"/fast"},` +
	`"caller":{"account":"default","team":"red","user":"u1"},"time":{"unix_ms":1,"hour":3,"weekday":2}}`

func BenchmarkFrameFiveFeatures(b *testing.B) {
	doc, err := Parse([]byte(contextBody), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	var f Frame
	buf := make([]byte, 64)
	in := FrameInput{Context: doc.Root(), Kind: abi.KindRule, Entry: abi.EntryDecide}
	b.ReportAllocs()
	for b.Loop() {
		f.Reset(in)
		readFive(&f, buf)
	}
}

// translate is what an adapter does with a chat body: copy most of it, look at each message.
func translate(f *Frame) {
	r := f.Doc(abi.DocRequest)
	f.Emit([]byte(`{"model":`))
	f.EmitString([]byte("upstream"))
	f.Emit([]byte(`,"messages":[`))
	messages := f.Get(r, []byte("messages"))
	for i := range int32(f.Size(messages)) {
		m := f.At(messages, i)
		if i > 0 {
			f.Emit([]byte(","))
		}
		f.Emit([]byte(`{"role":`))
		f.EmitNode(f.Get(m, []byte("role")))
		f.Emit([]byte(`,"content":[{"type":"text","text":`))
		f.EmitNode(f.Get(m, []byte("content")))
		f.Emit([]byte(`}]}`))
	}
	f.Emit([]byte(`]`))
	f.EmitMembers(r, []byte("model\nmessages\nmetadata"))
	f.Emit([]byte(`}`))
}

func BenchmarkFrameTranslate(b *testing.B) {
	body := chat(10_000, 500)
	doc, err := Parse(body, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	var f Frame
	in := FrameInput{Request: doc.Root(), Kind: abi.KindProvider, Entry: abi.EntryRequest}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		f.Reset(in)
		translate(&f)
	}
	if !json.Valid(f.Output()) {
		b.Fatalf("output %s is not JSON", f.Output())
	}
}

func BenchmarkAppendString(b *testing.B) {
	text := prose(10 << 10)
	dst := make([]byte, 0, 16<<10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		dst = AppendString(dst[:0], text)
	}
}
