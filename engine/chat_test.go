package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine/document"
)

// chat wraps members into a body that is otherwise valid.
func chat(members string) string {
	return `{"model":"auto","messages":[{"role":"user","content":"hi"}]` + members + `}`
}

// message wraps one message into a body.
func message(m string) string { return `{"model":"auto","messages":[` + m + `]}` }

func TestParseChatRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		wantParam  string
		wantText   string // in the message
	}{
		{"array", `[]`, "", "must be a JSON object, not an array"},
		{"null", `null`, "", "not null"},
		{"no model", `{"messages":[{"role":"user","content":"a"}]}`, "model", "'model' is required"},
		{"null model", `{"model":null,"messages":[]}`, "model", "must be a string, not null"},
		{"number model", `{"model":4,"messages":[]}`, "model", "must be a string, not a number"},
		{"blank model", `{"model":"  ","messages":[]}`, "model", "must not be empty"},
		{"long model", `{"model":"` + strings.Repeat("m", 257) + `","messages":[]}`, "model", "at most 256 bytes"},
		{"no messages", `{"model":"auto"}`, "messages", "'messages' is required and must be an array"},
		{"messages object", `{"model":"auto","messages":{}}`, "messages", "must be an array, not an object"},
		{"empty messages", `{"model":"auto","messages":[]}`, "messages", "at least one message"},
		{"too many messages", message(strings.Repeat(`{"role":"user","content":"a"},`, MaxChatMessages) + `{"role":"user","content":"a"}`), "messages", "10001 messages"},

		{"message string", message(`"hi"`), "messages[0]", "must be an object, not a string"},
		{"no role", message(`{"content":"a"}`), "messages[0].role", "is required"},
		{"unknown role", message(`{"role":"robot","content":"a"}`), "messages[0].role", "must be one of 'system', 'developer', 'user', 'assistant', 'tool', 'function', not 'robot'"},
		{"role case", message(`{"role":"User","content":"a"}`), "messages[0].role", "not 'User'"},
		{"role is the list", message(`{"role":"system', 'developer","content":"a"}`), "messages[0].role", "must be one of"},
		{"role number", message(`{"role":1,"content":"a"}`), "messages[0].role", "must be a string"},
		{"second message", message(`{"role":"user","content":"a"},{"role":"user"}`), "messages[1].content", "is required"},
		{"name number", message(`{"role":"user","name":1,"content":"a"}`), "messages[0].name", "must be a string"},
		{"no content", message(`{"role":"user"}`), "messages[0].content", "is required"},
		{"null content", message(`{"role":"user","content":null}`), "messages[0].content", "not null"},
		{"number content", message(`{"role":"user","content":7}`), "messages[0].content", "not a number"},
		{"no parts", message(`{"role":"user","content":[]}`), "messages[0].content", "at least one part"},
		{"part string", message(`{"role":"user","content":["a"]}`), "messages[0].content[0]", "must be an object"},
		{"part without type", message(`{"role":"user","content":[{"text":"a"}]}`), "messages[0].content[0].type", "is required"},
		{"unknown part", message(`{"role":"user","content":[{"type":"video_url"}]}`), "messages[0].content[0].type", "'text', 'image_url', 'input_audio', 'file', not 'video_url'"},
		{"text part without text", message(`{"role":"user","content":[{"type":"text"}]}`), "messages[0].content[0].text", "is required"},
		{"third part", message(`{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"text","text":3}]}`), "messages[0].content[2].text", "must be a string, not a number"},
		{"image as string", message(`{"role":"user","content":[{"type":"image_url","image_url":"http://x"}]}`), "messages[0].content[0].image_url", "must be an object"},
		{"image without url", message(`{"role":"user","content":[{"type":"image_url","image_url":{}}]}`), "messages[0].content[0].image_url.url", "is required"},
		{"image with empty url", message(`{"role":"user","content":[{"type":"image_url","image_url":{"url":""}}]}`), "messages[0].content[0].image_url.url", "must not be empty"},
		{"image detail", message(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"u","detail":2}}]}`), "messages[0].content[0].image_url.detail", "must be a string"},
		{"audio without data", message(`{"role":"user","content":[{"type":"input_audio","input_audio":{"format":"wav"}}]}`), "messages[0].content[0].input_audio.data", "is required"},
		{"audio without format", message(`{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"aaaa"}}]}`), "messages[0].content[0].input_audio.format", "is required"},
		{"file without data", message(`{"role":"user","content":[{"type":"file","file":{"filename":"a.go"}}]}`), "messages[0].content[0].file", "must have 'file_id', 'file_data' or 'file_url'"},
		{"file data number", message(`{"role":"user","content":[{"type":"file","file":{"file_data":1}}]}`), "messages[0].content[0].file.file_data", "must be a string"},
		{"image in a system message", message(`{"role":"system","content":[{"type":"image_url","image_url":{"url":"u"}}]}`), "messages[0].content[0].type", "must be one of 'text', not 'image_url'"},
		{"tool without id", message(`{"role":"tool","content":"a"}`), "messages[0].tool_call_id", "is required"},
		{"tool without content", message(`{"role":"tool","tool_call_id":"c"}`), "messages[0].content", "is required"},
		{"function without name", message(`{"role":"function","content":"a"}`), "messages[0].name", "is required"},
		{"function content", message(`{"role":"function","name":"f","content":[]}`), "messages[0].content", "must be a string"},
		{"assistant without content", message(`{"role":"assistant"}`), "messages[0].content", "unless 'tool_calls'"},
		{"assistant null content", message(`{"role":"assistant","content":null}`), "messages[0].content", "unless 'tool_calls'"},
		{"assistant image", message(`{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"u"}}]}`), "messages[0].content[0].type", "'text', 'refusal'"},
		{"reasoning content", message(`{"role":"assistant","content":"a","reasoning_content":{}}`), "messages[0].reasoning_content", "must be a string"},
		{"thinking blocks", message(`{"role":"assistant","content":"a","thinking_blocks":"x"}`), "messages[0].thinking_blocks", "must be an array"},
		{"tool calls object", message(`{"role":"assistant","tool_calls":{}}`), "messages[0].tool_calls", "must be an array"},
		{"no tool calls", message(`{"role":"assistant","tool_calls":[]}`), "messages[0].tool_calls", "at least one call"},
		{"call without id", message(`{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f","arguments":"{}"}}]}`), "messages[0].tool_calls[0].id", "is required"},
		{"call without type", message(`{"role":"assistant","tool_calls":[{"id":"1"}]}`), "messages[0].tool_calls[0].type", "is required"},
		{"call type", message(`{"role":"assistant","tool_calls":[{"id":"1","type":"tool"}]}`), "messages[0].tool_calls[0].type", "'function', 'custom', not 'tool'"},
		{"call without function", message(`{"role":"assistant","tool_calls":[{"id":"1","type":"function"}]}`), "messages[0].tool_calls[0].function", "is required"},
		{"call arguments object", message(`{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":{}}}]}`), "messages[0].tool_calls[0].function.arguments", "must be a string, not an object"},
		{"custom call without input", message(`{"role":"assistant","tool_calls":[{"id":"1","type":"custom","custom":{"name":"f"}}]}`), "messages[0].tool_calls[0].custom.input", "is required"},
		{"function_call without name", message(`{"role":"assistant","function_call":{"arguments":"{}"}}`), "messages[0].function_call.name", "is required"},

		{"temperature text", chat(`,"temperature":"hot"`), "temperature", "must be a number, not a string"},
		{"temperature high", chat(`,"temperature":2.01`), "temperature", "between 0 and 2"},
		{"temperature low", chat(`,"temperature":-0.1`), "temperature", "between 0 and 2"},
		{"top_p", chat(`,"top_p":1.5`), "top_p", "between 0 and 1"},
		{"frequency_penalty", chat(`,"frequency_penalty":-2.5`), "frequency_penalty", "between -2 and 2"},
		{"presence_penalty", chat(`,"presence_penalty":3`), "presence_penalty", "between -2 and 2"},
		{"n zero", chat(`,"n":0`), "n", "between 1 and 128"},
		{"n half", chat(`,"n":1.5`), "n", "whole number"},
		{"n many", chat(`,"n":129`), "n", "between 1 and 128"},
		{"max_tokens zero", chat(`,"max_tokens":0`), "max_tokens", "at least 1"},
		{"max_tokens negative", chat(`,"max_tokens":-1`), "max_tokens", "at least 1"},
		{"max_tokens text", chat(`,"max_tokens":"9"`), "max_tokens", "must be a number"},
		{"max_tokens huge", chat(`,"max_tokens":1e12`), "max_tokens", "31 bits"},
		{"max_completion_tokens", chat(`,"max_completion_tokens":0`), "max_completion_tokens", "at least 1"},
		{"top_logprobs", chat(`,"top_logprobs":21`), "top_logprobs", "between 0 and 20"},
		{"seed", chat(`,"seed":1e30`), "seed", "64 bits"},
		{"stream text", chat(`,"stream":"true"`), "stream", "must be a boolean, not a string"},
		{"stream number", chat(`,"stream":1`), "stream", "must be a boolean"},
		{"store", chat(`,"store":1`), "store", "must be a boolean"},
		{"user", chat(`,"user":7`), "user", "must be a string"},
		{"stop number", chat(`,"stop":1`), "stop", "a string or an array of strings"},
		{"stop 65", chat(`,"stop":[` + strings.Repeat(`"a",`, 64) + `"a"]`), "stop", "at most 64"},
		{"stop mixed", chat(`,"stop":["a",2]`), "stop[1]", "must be a string"},
		{"stream_options alone", chat(`,"stream_options":{"include_usage":true}`), "stream_options", "only allowed when 'stream' is true"},
		{"stream_options with stream false", chat(`,"stream":false,"stream_options":{}`), "stream_options", "only allowed when 'stream' is true"},
		{"stream_options text", chat(`,"stream":true,"stream_options":"x"`), "stream_options", "must be an object"},
		{"include_usage", chat(`,"stream":true,"stream_options":{"include_usage":"yes"}`), "stream_options.include_usage", "must be a boolean"},
		{"response_format text", chat(`,"response_format":"json"`), "response_format", "must be an object"},
		{"response_format type", chat(`,"response_format":{"type":"xml"}`), "response_format.type", "'text', 'json_object', 'json_schema', not 'xml'"},
		{"json_schema missing", chat(`,"response_format":{"type":"json_schema"}`), "response_format.json_schema", "is required"},
		{"json_schema name", chat(`,"response_format":{"type":"json_schema","json_schema":{"schema":{}}}`), "response_format.json_schema.name", "is required"},
		{"json_schema schema", chat(`,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":[]}}`), "response_format.json_schema.schema", "must be an object"},
		{"tools object", chat(`,"tools":{}`), "tools", "must be an array"},
		{"tool string", chat(`,"tools":["a"]`), "tools[0]", "must be an object"},
		{"tool without type", chat(`,"tools":[{"function":{"name":"f"}}]`), "tools[0].type", "is required"},
		{"tool without function", chat(`,"tools":[{"type":"function"}]`), "tools[0].function", "is required"},
		{"tool name", chat(`,"tools":[{"type":"function","function":{"name":"a b"}}]`), "tools[0].function.name", "letters, digits"},
		{"tool name long", chat(`,"tools":[{"type":"function","function":{"name":"` + strings.Repeat("a", 129) + `"}}]`), "tools[0].function.name", "1 to 128"},
		{"tool parameters", chat(`,"tools":[{"type":"function","function":{"name":"f","parameters":"{}"}}]`), "tools[0].function.parameters", "must be an object"},
		{"tool_choice word", chat(`,"tools":[],"tool_choice":"any"`), "tool_choice", "'none', 'auto', 'required', not 'any'"},
		{"tool_choice number", chat(`,"tools":[],"tool_choice":1`), "tool_choice", "a string or an object"},
		{"tool_choice without tools", chat(`,"tool_choice":"required"`), "tool_choice", "only allowed when 'tools' is given"},
		{"logit_bias", chat(`,"logit_bias":{"50256":101}`), "logit_bias.50256", "between -100 and 100"},
		{"metadata text", chat(`,"metadata":"x"`), "metadata", "must be an object"},
		{"metadata number", chat(`,"metadata":{"session_id":5}`), "metadata.session_id", "must be a string, not a number"},
		{"metadata many", chat(`,"metadata":{` + strings.TrimSuffix(pairs(17), ",") + `}`), "metadata", "at most 16 pairs"},
		{"metadata key", chat(`,"metadata":{"` + strings.Repeat("k", 65) + `":"v"}`), "metadata", "keys of at most 64"},
		{"metadata value", chat(`,"metadata":{"k":"` + strings.Repeat("v", 513) + `"}`), "metadata.k", "at most 512"},
		{"models text", chat(`,"models":"gpt-4o"`), "models", "must be an array"},
		{"models number", chat(`,"models":["gpt-4o",1]`), "models[1]", "must be a string"},
		{"modalities", chat(`,"modalities":["smell"]`), "modalities[0]", "'text', 'audio', 'image', not 'smell'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseChat([]byte(c.body))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("ParseChat(%.80q) = %v, want an *Error", c.body, err)
			}
			if e.Code != CodeInvalid || e.Param != c.wantParam || !strings.Contains(e.Message, c.wantText) {
				t.Errorf("ParseChat(%.80q) = %s, param %q, %q; want %s, param %q, text with %q",
					c.body, e.Code, e.Param, e.Message, CodeInvalid, c.wantParam, c.wantText)
			}
		})
	}
}

// pairs is n members of an object, each followed by a comma.
func pairs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`"k` + itoa(int64(i)) + `":"v",`)
	}
	return b.String()
}

// TestParseChatSyntax: malformed JSON is refused, with its place.
func TestParseChatSyntax(t *testing.T) {
	t.Parallel()
	valid := chat("")
	for _, c := range []struct{ name, body, wantParam string }{
		{"empty", ``, ""},
		{"not JSON", `hello`, ""},
		{"cut", valid[:len(valid)-1], ""},
		{"trailing junk", valid + ` x`, ""},
		{"two values", valid + valid, ""},
		{"BOM", "\xEF\xBB\xBF" + valid, ""},
		{"NaN", chat(`,"temperature":NaN`), ""},
		{"1e999", chat(`,"temperature":1e999`), ""},
		{"invalid UTF-8", message("{\"role\":\"user\",\"content\":\"\xff\"}"), ""},
		{"lone surrogate", message(`{"role":"user","content":"\ud800"}`), ""},
		{"control character", message("{\"role\":\"user\",\"content\":\"a\x00b\"}"), ""},
		{"depth 10,000", chat(`,"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)), ""},
		{"duplicate model", `{"model":"auto","model":"gpt-4o","messages":[{"role":"user","content":"a"}]}`, "model"},
		{"duplicate in other spelling", `{"model":"auto","mode\u006c":"gpt-4o","messages":[]}`, "model"},
		{"duplicate role", message(`{"role":"user","content":"a","role":"system"}`), "messages[0].role"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseChat([]byte(c.body))
			if got := CodeOf(err); got != CodeInvalidJSON {
				t.Fatalf("CodeOf(ParseChat(%.80q)) = %q (%v), want %q", c.body, got, err, CodeInvalidJSON)
			}
			var e *Error
			errors.As(err, &e)
			if !strings.Contains(e.Message, "line 1, column ") {
				t.Errorf("ParseChat(%.80q) says %q, want line and column", c.body, e.Message)
			}
			if c.wantParam != "" && e.Param != c.wantParam {
				t.Errorf("ParseChat(%.80q) has param %q, want %q", c.body, e.Param, c.wantParam)
			}
		})
	}
}

func TestParseChatAccepts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body string }{
		{"smallest", chat("")},
		{"unknown members", chat(`,"x_vendor":{"a":[1,2]},"top_k":40,"min_p":0.1`)},
		{"nulls", chat(`,"temperature":null,"stop":null,"stream":null,"stream_options":null,"tools":null,"tool_choice":null,"metadata":null,"n":null,"user":null,"response_format":null`)},
		{"bounds", chat(`,"temperature":2,"top_p":0,"n":128,"max_tokens":1,"presence_penalty":-2,"frequency_penalty":2.0,"top_logprobs":20,"logprobs":true,"seed":-9223372036854775808`)},
		{"whole number in float form", chat(`,"max_tokens":1e3,"n":2.0`)},
		{"2^53+1", chat(`,"seed":9007199254740993`)},
		{"stream with usage", chat(`,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}`)},
		{"stops", chat(`,"stop":["a","b","c","d"]`)},
		{"empty stop list", chat(`,"stop":[]`)},
		{"tool_choice auto without tools", chat(`,"tool_choice":"auto"`)},
		{"tool_choice object", chat(`,"tools":[{"type":"function","function":{"name":"f_1-x","parameters":{"type":"object"}}}],"tool_choice":{"type":"function","function":{"name":"f_1-x"}}`)},
		{"foreign tool type", chat(`,"tools":[{"type":"web_search"}]`)},
		{"json_schema", chat(`,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{},"strict":true}}`)},
		{"metadata", chat(`,"metadata":{"session_id":"s","time_sensitive":"true"}`)},
		{"16 pairs", chat(`,"metadata":{` + strings.TrimSuffix(pairs(16), ",") + `}`)},
		{"models", chat(`,"models":["gpt-4o","claude-sonnet-4"]`)},
		{"modalities", chat(`,"modalities":["text","audio","image"],"audio":{"voice":"a","format":"wav"}`)},
		{"all roles", message(`{"role":"system","content":"s"},{"role":"developer","content":[{"type":"text","text":"d"}]},` +
			`{"role":"user","name":"bob","content":[{"type":"text","text":""},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"high"}},` +
			`{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},{"type":"file","file":{"file_data":"AAAA","filename":"a.pdf"}}]},` +
			`{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},` +
			`{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"r"},{"type":"image_url","image_url":{"url":"u"}}]},` +
			`{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"refusal","refusal":"no"}],"refusal":null},` +
			`{"role":"assistant","refusal":"no"},{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},` +
			`{"role":"function","name":"f","content":null}`)},
		{"extensions", message(`{"role":"assistant","content":"a","reasoning_content":"r","thinking_blocks":[{"type":"thinking","thinking":"t","signature":"s"}]},{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if doc, err := ParseChat([]byte(c.body)); err != nil {
				t.Errorf("ParseChat(%.120q) = %v, want no error", c.body, err)
			} else if string(doc.Bytes()) != c.body {
				t.Errorf("ParseChat(%.120q) changed the body", c.body)
			}
		})
	}
}

// TestParseChatFixtures: recorded requests that OpenAI itself accepted.
func TestParseChatFixtures(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "shared", "data", "fixtures", "openai-chat")
	folders, err := os.ReadDir(root)
	if err != nil {
		t.Skip("no recorded fixtures beside this checkout: ", err)
	}
	checked := 0
	for _, folder := range folders {
		if strings.Contains(folder.Name(), "error") {
			continue
		}
		body, err := os.ReadFile(filepath.Join(root, folder.Name(), "request.json"))
		if err != nil {
			continue
		}
		checked++
		if _, err := ParseChat(body); err != nil {
			t.Errorf("ParseChat(%s) = %v, want no error", folder.Name(), err)
		}
	}
	if checked == 0 {
		t.Error("no request.json found in the fixtures")
	}
}

func TestNewRequestHints(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, body string
		arrival    Arrival
		want       Hints
		wantParam  string // of the error; "" when there must be none
	}{
		{"none", chat(""), Arrival{}, Hints{}, ""},
		{"body", chat(`,"metadata":{"session_id":"s","task_type":"t","agent_id":"a","time_sensitive":"true","strict":"true"}`), Arrival{},
			Hints{SessionID: "s", TaskType: "t", AgentID: "a", TimeSensitive: true, Strict: true}, ""},
		{"only the word true is true", chat(`,"metadata":{"time_sensitive":"True","strict":"1"}`), Arrival{}, Hints{}, ""},
		{"headers", chat(""), Arrival{Session: "s", Task: "t", Agent: "a"}, Hints{SessionID: "s", TaskType: "t", AgentID: "a"}, ""},
		{"header wins", chat(`,"metadata":{"session_id":"body","task_type":"body"}`), Arrival{Session: "header"}, Hints{SessionID: "header", TaskType: "body"}, ""},
		{"a client's own", chat(""), Arrival{CodeSession: " s-1 "}, Hints{SessionID: "s-1"}, ""},
		{"a hint wins over a client's own", chat(`,"metadata":{"session_id":"body"}`), Arrival{CodeSession: "own"}, Hints{SessionID: "body"}, ""},
		{"a client's own that cannot be used", chat(""), Arrival{CodeSession: strings.Repeat("s", 257)}, Hints{}, ""},
		{"the end user is no session", chat(`,"user":"u-1"`), Arrival{}, Hints{}, ""},
		{"text that turns around", chat(""), Arrival{Session: "a‮b"}, Hints{}, HeaderSession},
		{"long header", chat(""), Arrival{Agent: strings.Repeat("a", 257)}, Hints{}, HeaderAgent},
		{"control character in header", chat(""), Arrival{Session: "a\x1bb"}, Hints{}, HeaderSession},
		{"invalid UTF-8 in header", chat(""), Arrival{Task: "\xff"}, Hints{}, HeaderTask},
		{"newline in body", chat(`,"metadata":{"session_id":"a\nb"}`), Arrival{}, Hints{}, "metadata.session_id"},
		{"long in body", chat(`,"metadata":{"task_type":"` + strings.Repeat("a", 257) + `"}`), Arrival{}, Hints{}, "metadata.task_type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc, err := ParseChat([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			c.arrival.Received = at
			r, err := NewRequest(doc, c.arrival)
			if c.wantParam != "" {
				var e *Error
				if !errors.As(err, &e) || e.Code != CodeInvalid || e.Param != c.wantParam {
					t.Fatalf("NewRequest(%.80q) = %v, want CodeInvalid with param %q", c.body, err, c.wantParam)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Hints != c.want || !r.Received.Equal(at) {
				t.Errorf("NewRequest(%.80q).Hints = %+v, want %+v", c.body, r.Hints, c.want)
			}
		})
	}
}

func TestNewRequest(t *testing.T) {
	t.Parallel()
	doc, err := ParseChat([]byte(chat(`,"stream":true,"stream_options":{"include_usage":true}`)))
	if err != nil {
		t.Fatal(err)
	}
	p := Principal{AccountID: "acme", UserID: "u"}
	r, err := NewRequest(doc, Arrival{ID: "r1", Principal: p})
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != "r1" || r.Principal != p || r.Model != "auto" || !r.Stream || !r.IncludeUsage || r.Doc != doc {
		t.Errorf("NewRequest = %+v, want id r1, model auto, a stream with usage", r)
	}
}

func TestParamOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"/model", "model"},
		{"/messages/0/role", "messages[0].role"},
		{"/messages/12/content/3/image_url/url", "messages[12].content[3].image_url.url"},
		{"/a~1b/c~0d", "a/b.c~d"},
		{"/logit_bias/50256", "logit_bias[50256]"},
		{"/" + strings.Repeat("x", 200), ""},
	} {
		if got := paramOf(c.in); got != c.want {
			t.Errorf("paramOf(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// TestCheckChatAllocates nothing for a valid body: it runs for every request.
func TestCheckChatAllocates(t *testing.T) {
	doc, err := document.Parse([]byte(chat(`,"temperature":1,"stop":["a"],"metadata":{"session_id":"s"},"tools":[{"type":"function","function":{"name":"f"}}]`)), document.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := CheckChat(doc); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("CheckChat allocates %v times, want 0", n)
	}
}

func BenchmarkCheckChat(b *testing.B) {
	body := []byte(message(strings.Repeat(`{"role":"user","content":"a question of ordinary length"},{"role":"assistant","content":"an answer"},`, 20) + `{"role":"user","content":"last"}`))
	doc, err := document.Parse(body, document.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := CheckChat(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzParseChat: no panic, a refusal is always an *Error that is safe to show, and
// an accepted body makes a request or is refused for a hint.
func FuzzParseChat(f *testing.F) {
	for _, s := range []string{
		chat(""), chat(`,"stream":true,"stream_options":{"include_usage":true}`), chat(`,"stop":["a",1]`),
		message(`{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}`),
		message(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]}`),
		chat(`,"metadata":{"session_id":"s"},"response_format":{"type":"json_schema","json_schema":{"name":"n"}}`),
		chat(`,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required","logit_bias":{"1":2}`),
		`{"model":1e999}`, `{"model":"\ud800"}`, `{"a":{"a":1,"a":2}}`, "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := ParseChat(body)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Message == "" || (e.Code != CodeInvalid && e.Code != CodeInvalidJSON) {
				t.Fatalf("ParseChat(%q) = %v, want an *Error with a message", body, err)
			}
			return
		}
		if r, err := NewRequest(doc, Arrival{}); err == nil && (r.Model == "" || r.Doc != doc) {
			t.Fatalf("NewRequest(%q) = %+v, want its model and document", body, r)
		}
		doc.Release()
	})
}
