package plugins_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// recording is an exchange as it was read from its folder.
type recording struct {
	folder    string
	shared    bool           // from ../shared; otherwise our own testdata
	canonical []byte         // chat body; nil: the request is not checked
	request   map[string]any // as recorded; nil where none was
	upstream  string         // the model's id where the recorded URL names it
	status    int
	fields    map[string]string // response headers, names in lower case
	body      []byte
	stream    bool
	framing   string

	callNode                document.Node            // document of the attempt
	requestNode, configNode document.Node            // may be absent
	nodes                   map[string]document.Node // event data, parsed
}

// node parses the data of an event, once however often it is replayed.
func (r *recording) node(data string) document.Node {
	n, ok := r.nodes[data]
	if !ok {
		n = sdktest.Body(data)
		r.nodes[data] = n
	}
	return n
}

// field is the header accessor of an answer.
func (r *recording) field(name string) string { return r.fields[strings.ToLower(name)] }

// sharedFixtures is where recorded exchanges are kept, outside the repository.
const sharedFixtures = "../../shared/data/fixtures"

func readRecording(t *testing.T, s *suite, x *exchange) *recording {
	t.Helper()
	rec := &recording{folder: x.folder, status: 200, framing: x.framing, fields: map[string]string{}, nodes: map[string]document.Node{}}
	if rec.framing == "" {
		rec.framing = "sse"
	}
	dir := filepath.Join(s.plugin, x.folder)
	if !strings.HasPrefix(x.folder, "testdata/") {
		if _, err := os.Stat(sharedFixtures); errors.Is(err, fs.ErrNotExist) {
			t.Skipf("recorded exchanges are not at %s; the suite's own testdata is replayed", sharedFixtures)
		}
		rec.shared = true
		dir = filepath.Join(sharedFixtures, x.folder)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("exchange %s: %v", x.folder, err)
	}
	readMeta(t, rec, readFile(t, dir, "meta.json"))
	rec.body = readFile(t, dir, "response.json")
	for _, name := range []string{"stream.sse", "stream.json"} {
		if b := readFile(t, dir, name); b != nil {
			rec.body, rec.stream = b, true
		}
	}
	rec.stream = rec.stream || rec.framing == "json-array"
	if b := readFile(t, dir, "request.json"); b != nil {
		rec.request, _ = decode(t, b).(map[string]any)
	}
	rec.canonical = readFile(t, dir, "chat.json")
	if rec.canonical == nil && x.canonical != nil {
		if rec.request == nil {
			t.Fatalf("exchange %s has no recorded request", x.folder)
		}
		rec.canonical = []byte(encode(x.canonical(t, rec.request)))
	}
	rec.callNode = sdktest.JSON(t, callDocument(s, x, rec))
	if rec.canonical != nil {
		rec.requestNode = sdktest.JSON(t, string(rec.canonical))
	}
	if x.config != "" {
		rec.configNode = sdktest.JSON(t, x.config)
	}
	return rec
}

func readMeta(t *testing.T, rec *recording, b []byte) {
	t.Helper()
	if b == nil {
		return
	}
	var meta struct {
		URL     string            `json:"url"`
		Status  int               `json:"status"`
		Headers map[string]string `json:"response_headers"`
	}
	if err := json.Unmarshal(b, &meta); err != nil {
		t.Fatalf("meta of %s: %v", rec.folder, err)
	}
	if meta.Status != 0 {
		rec.status = meta.Status
	}
	if _, model, ok := strings.Cut(meta.URL, "/models/"); ok {
		rec.upstream, _, _ = strings.Cut(model, ":")
	}
	for name, value := range meta.Headers {
		rec.fields[strings.ToLower(name)] = value
	}
}

// callDocument is the document "call": the recorded model is the upstream id.
func callDocument(s *suite, x *exchange, rec *recording) string {
	api, upstream := x.api, "test-model"
	if api == "" {
		api = s.api
	}
	if model, ok := rec.request["model"].(string); ok {
		upstream = model
	} else if rec.upstream != "" {
		upstream = rec.upstream
	}
	if x.upstream != "" {
		upstream = x.upstream
	}
	more := ""
	if x.target != "" {
		more = "," + x.target
	}
	operation := x.operation
	if operation == "" {
		operation = "chat"
	}
	return `{"operation":"` + operation + `","target":{"id":"m","upstream_id":` + strconv.Quote(upstream) + `,"api":"` + api + `"` + more +
		`},"headers":{},"attempt":1}`
}

func readFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return b
}
