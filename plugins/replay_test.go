package plugins_test

// The replay suite: recorded exchanges with providers are run through every adapter,
// natively (sdk/sdktest) and as wasm (engine/wasm), and what comes out is compared
// with what the recording says.
//
// To add an adapter, write one file, <plugin>_replay_test.go, that registers a suite:
//
//	var _ = register(suite{
//		plugin:  "anthropic",           // folder of plugins/, and the manifest's name
//		adapter: anthropic.Adapter{},
//		api:     "messages",            // call.target.api of its exchanges
//		facts:   anthropicFacts,        // recording → what a correct answer must say
//		ended:   anthropicEnded,        // do these events hold the wire's own end?
//		exchanges: []exchange{
//			{folder: "anthropic/01-text", canonical: anthropicCanonical, target: `"max_output":64000`},
//			{folder: "anthropic/02-stream-text", canonical: anthropicCanonical},
//			{folder: "anthropic/33-error-401-bad-key", class: abi.ClassAuth},
//			{folder: "testdata/hello"},
//		},
//	})
//
// and nothing else: the loops below build each request, answer it from the recording,
// cut every stream at every byte, and check the failures' classes.
//
// A folder of the first form is looked for in ../shared/data/fixtures beside the
// repository; where that is absent the exchange is skipped. "testdata/…" is
// plugins/<plugin>/testdata/…, written by us: chat.json (canonical request), then
// response.json or stream.sse (stream.json: a json-array stream), and, for an error or
// headers, meta.json {"status":429,"response_headers":{"retry-after":"2"}}. What the
// adapter makes of those is compared with plugins/testdata/golden, which
// go test -update rewrites.
//
// facts and ended must read the recording with encoding/json and know nothing
// of the adapter: they are the other side of the comparison.

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// suite is one adapter with its exchanges.
type suite struct {
	plugin    string
	adapter   sdk.Adapter
	api       string // of every exchange that names none
	facts     func(t testing.TB, r *recording) facts
	ended     func(t testing.TB, r *recording, events []event) bool
	exchanges []exchange
}

// exchange is one recorded request with its answer.
type exchange struct {
	folder string
	api    string // call.target.api; "" means the suite's
	// operation of the call, "chat" when empty. The answer of another is compared with
	// answer, JSON; that of our own testdata with its golden file only.
	operation, answer string
	config            string // the provider's config document, JSON; "" for none
	upstream          string // the model's id at the provider; "": as recorded
	target            string // more members of call.target, as `"max_output":64000,"unsupported":["top_p"]`
	// framing of a stream: "sse" (default) or "json-array".
	framing string

	// canonical makes the chat body from a recorded provider request. Nil: the
	// request is not checked (testdata's chat.json always is, against the golden file).
	canonical func(t testing.TB, recorded map[string]any) map[string]any
	// expect changes the recorded request into the one that the adapter must build,
	// where the two may differ for a reason. Nil: they are equal up to the order of members.
	expect func(recorded map[string]any)

	// Of an error, with its HTTP status or inside a stream: the class, and the delay.
	class   abi.Class
	afterMS int64
}

// facts is what an answer says, whatever its wire: that of the first choice.
type facts struct {
	Text, Reasoning, Refusal string
	Signed                   []string // signatures of thinking, and hidden thinking, in order
	Calls                    []call
	Finish                   string
	Usage                    usage
}

// call is a tool call. Signature is Gemini's, Input a custom tool's in place of Arguments.
type call struct{ ID, Name, Arguments, Signature, Input string }

// usage is the five counters; Known is false when the answer has none.
type usage struct {
	Known                                                      bool
	Prompt, Completion, Cached, CacheWrite, WriteHr, Reasoning int64
}

var suites []suite

func register(s suite) struct{} {
	suites = append(suites, s)
	return struct{}{}
}

// TestReplay runs every exchange of every suite with every runner.
func TestReplay(t *testing.T) {
	for _, s := range suites {
		t.Run(s.plugin, func(t *testing.T) {
			if len(s.exchanges) == 0 {
				t.Fatal("the suite has no exchange")
			}
			for _, r := range runners {
				t.Run(r.name, func(t *testing.T) {
					for _, x := range s.exchanges {
						t.Run(x.folder, func(t *testing.T) {
							t.Parallel()
							replay(t, r, &s, &x)
						})
					}
				})
			}
		})
	}
}

// Every adapter that is built has a suite.
func TestSuites(t *testing.T) {
	t.Parallel()
	guests, err := filepath.Glob("*/guest")
	if err != nil || len(guests) == 0 {
		t.Fatalf("no folder with a guest: %v", err)
	}
	for _, guest := range guests {
		if !slices.ContainsFunc(suites, func(s suite) bool { return s.plugin == filepath.Dir(guest) }) {
			t.Errorf("%s has no suite of exchanges", guest)
		}
	}
}

func replay(t *testing.T, r runner, s *suite, x *exchange) {
	rec := readRecording(t, s, x)
	if rec.canonical != nil {
		checkRequest(t, r, s, x, rec)
	}
	switch {
	case rec.status >= 400:
		checkError(t, r, s, x, rec)
	case rec.stream:
		checkStream(t, r, s, x, rec)
		checkCuts(t, r, s, rec)
	case rec.body != nil:
		checkResponse(t, r, s, x, rec)
	default:
		t.Fatalf("%s holds no answer", x.folder)
	}
}

// checkRequest compares the request that the adapter builds with the recorded one.
func checkRequest(t *testing.T, r runner, s *suite, x *exchange, rec *recording) {
	got := r.with(t, s, rec, session.request)
	if got.failed || got.err != nil {
		t.Fatalf("request of %s = failure %q, %v; want a body", x.folder, got.message, got.err)
	}
	if len(got.chunks) != 1 {
		t.Fatalf("request of %s has %d outputs, want 1", x.folder, len(got.chunks))
	}
	if !strings.HasPrefix(got.path, "/") {
		t.Errorf("path of %s = %q, want one that starts with /", x.folder, got.path)
	}
	if !rec.shared {
		golden(t, s, x, "request", map[string]any{
			"path": got.path, "body": json.RawMessage(got.chunks[0]), "lossy": got.lossy,
		})
		return
	}
	want := rec.request
	if x.expect != nil {
		x.expect(want)
	}
	if body := decode(t, got.chunks[0]); !reflect.DeepEqual(body, any(want)) {
		t.Errorf("request of %s:\n got %s\nwant %s", x.folder, encode(body), encode(want))
	}
}

// checkResponse compares a whole answer.
func checkResponse(t *testing.T, r runner, s *suite, x *exchange, rec *recording) {
	got := r.with(t, s, rec, func(o session) reply { return o.response(rec.body) })
	if got.failed || got.err != nil || len(got.chunks) != 1 {
		t.Fatalf("response of %s = %d outputs, failure %q, %v; want one output", x.folder, len(got.chunks), got.message, got.err)
	}
	if !rec.shared {
		golden(t, s, x, "response", json.RawMessage(got.chunks[0]))
	}
	if x.operation != "" {
		if body := decode(t, got.chunks[0]); rec.shared && !reflect.DeepEqual(body, decode(t, []byte(x.answer))) {
			t.Errorf("response of %s = %s, want %s", x.folder, got.chunks[0], x.answer)
		}
		return
	}
	checkFacts(t, x, completionFacts(t, got.chunks[0]), s.facts(t, rec))
}

// checkStream compares a whole stream.
func checkStream(t *testing.T, r runner, s *suite, x *exchange, rec *recording) {
	events := rec.events(t, rec.body)
	if len(events) == 0 {
		t.Fatalf("%s holds no event", x.folder)
	}
	got := r.play(t, s, rec, with(events, eof)...)
	if got.err != nil {
		t.Fatalf("stream of %s: %v", x.folder, got.err)
	}
	if x.class != abi.ClassNone {
		if !got.failed || got.class != x.class || got.afterMS != x.afterMS {
			t.Errorf("stream of %s: failed %v, class %d after %d ms; want a failure of class %d after %d ms",
				x.folder, got.failed, got.class, got.afterMS, x.class, x.afterMS)
		}
		return
	}
	if got.failed {
		t.Fatalf("stream of %s failed: class %d, %q", x.folder, got.class, got.message)
	}
	if !rec.shared {
		chunks := make([]json.RawMessage, len(got.chunks))
		for i, c := range got.chunks {
			chunks[i] = json.RawMessage(c)
		}
		golden(t, s, x, "stream", chunks)
	}
	checkFacts(t, x, streamFacts(t, got.chunks), s.facts(t, rec))
}

// checkError compares a failed answer's class, and that it became an error object.
func checkError(t *testing.T, r runner, s *suite, x *exchange, rec *recording) {
	got := r.with(t, s, rec, func(o session) reply { return o.fail(rec.body) })
	if got.err != nil || len(got.chunks) != 1 {
		t.Fatalf("error of %s = %d outputs, %v; want one", x.folder, len(got.chunks), got.err)
	}
	if got.class != x.class || got.afterMS != x.afterMS {
		t.Errorf("error of %s: class %d after %d ms, want class %d after %d ms",
			x.folder, got.class, got.afterMS, x.class, x.afterMS)
	}
	var body struct {
		Error struct {
			Message, Type string
		}
	}
	if err := json.Unmarshal(got.chunks[0], &body); err != nil || body.Error.Message == "" || body.Error.Type == "" {
		t.Errorf("error of %s = %s, want an OpenAI error object (%v)", x.folder, got.chunks[0], err)
	}
	if !rec.shared {
		golden(t, s, x, "error", json.RawMessage(got.chunks[0]))
	}
}

func checkFacts(t *testing.T, x *exchange, got, want facts) {
	t.Helper()
	for i := range want.Calls {
		if want.Calls[i].Input != "" {
			continue
		}
		// Members have no order, and where the provider gives no id one is made.
		want.Calls[i].Arguments = encode(decode(t, []byte(want.Calls[i].Arguments)))
		if i >= len(got.Calls) {
			break
		}
		got.Calls[i].Arguments = encode(decode(t, []byte(got.Calls[i].Arguments)))
		if want.Calls[i].ID == "" && got.Calls[i].ID != "" {
			want.Calls[i].ID = got.Calls[i].ID
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("answer of %s:\n got %+v\nwant %+v", x.folder, got, want)
	}
}

// golden compares what an adapter made of our own testdata with the file kept of it.
func golden(t *testing.T, s *suite, x *exchange, part string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatalf("encode %s of %s: %v", part, x.folder, err)
	}
	text = append(text, '\n')
	name := filepath.Join("testdata", "golden", s.plugin, filepath.Base(x.folder)+"."+part+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("golden file: %v (go test -update writes it)", err)
	}
	if string(text) != string(want) {
		t.Errorf("%s of %s differs from %s:\n got %s\nwant %s", part, x.folder, name, text, want)
	}
}

func decode(t testing.TB, b []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("not JSON: %v in %.300s", err, b)
	}
	return v
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}
