package sdk_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
	"github.com/pointsman/pointsman/sdk/testdata/every"
)

// The package every calls each function of the SDK. Its answers are the same as Go
// functions on a frame and as a guest in the server's runtime.

var (
	longText = strings.Repeat("abcdefgh", 2000) // longer than the SDK's scratch buffer
	request  = `{"text":"ein zwei","list":[1, "two",{"three":3}],"object":{"in":true},"empty":{},"null":null,"yes":true,` +
		`"big":9007199254740993,"float":2.75,"json":"{\"in\":[7]}","long":"` + longText + `"}`
	wantRequest = `{"whole":` + request + `,"text":"ein zwei","empty":{},"null":null,"yes":true,` +
		`"big":9007199254740993,"float":2.75,"json":"{\"in\":[7]}","in":true` +
		`,"nodes":["config","context","call",{"three":3},"two",[7],"ein zwei\"<guest>\nn z","[1, \"two\",{\"three\":3}]",{"list":0}]` +
		`,"numbers":[10,8,3,0,0,1,2,3,4,5,6,9007199254740993,2,11,4,-1,1,0,1,0,1,0,1,0,1700000000000,1,1,1,0]` +
		`,"texts":["ein zwei","[1, \"two\",{\"three\":3}]","text","","","<ein zwei","ein zwei",48002]}`
)

func field(name string) string {
	switch strings.ToLower(name) {
	case "x-one":
		return "1"
	case "x-long":
		return longText[:5000]
	}
	return ""
}

func TestEveryFunctionNative(t *testing.T) {
	t.Parallel()
	a := every.Adapter{}
	in := document.FrameInput{
		Kind: abi.KindProvider, NowMS: 1_700_000_000_000, Random: document.NewRandom("r", 1, "every"), State: new(document.State),
		Request: sdktest.JSON(t, request), Config: sdktest.JSON(t, `{"c":"config"}`),
		Context: sdktest.JSON(t, `{"x":"context"}`), Call: sdktest.JSON(t, `{"k":"call"}`),
		Response: sdktest.JSON(t, `[1]`), Status: 503, Field: field,
	}
	call := func(entry string, run func() sdk.Result) (*document.Frame, sdk.Result) {
		var result sdk.Result
		in := in
		in.Entry = entry
		f := sdktest.Call(t, in, func() { result = run() })
		return f, result
	}

	f, result := call(abi.EntryRequest, a.Request)
	method, path, headers := f.HTTP()
	if got := string(f.Output()); got != wantRequest || result != sdk.OK {
		t.Errorf("Request() = %d, output\n got %s\nwant %s", result, got, wantRequest)
	}
	if want := [][2]string{{"x-every", "yes"}}; method != "PUT" || path != "/every?x=1" || !reflect.DeepEqual(headers, want) {
		t.Errorf("HTTP() = %q, %q, %q", method, path, headers)
	}
	if got := f.LossyFields(); !reflect.DeepEqual(got, []string{"top_p"}) {
		t.Errorf("LossyFields() = %q, want top_p", got)
	}
	if got := f.Logs(); len(got) != 1 || got[0].Level != sdk.LevelInfo {
		t.Errorf("Logs() = %v, want one line of level info", got)
	}

	f, _ = call(abi.EntryResponse, a.Response)
	if got, want := string(f.Output()), `{"status":503,"fields":["1","",5000],"body":[1]}`; got != want {
		t.Errorf("Response() wrote %s, want %s", got, want)
	}
	if f.Class() != abi.ClassOverloaded || f.RetryAfterMS() != 1500 {
		t.Errorf("Class() = %d after %d ms, want %d after 1500", f.Class(), f.RetryAfterMS(), abi.ClassOverloaded)
	}

	for i, want := range []string{`"long name" ""`, `"long name" "long name"`} {
		in := in
		in.Entry, in.EventName = abi.EntryEvent, "long name"
		f := sdktest.Call(t, in, func() { a.Event() })
		if got := join(f.Chunks()); got != want {
			t.Errorf("Event() %d wrote %s, want %s", i, got, want)
		}
	}

	f, result = call(abi.EntryError, a.Error)
	if code, message, ok := f.Failure(); result != sdk.Failed || code != 418 || message != "no coffee" || !ok {
		t.Errorf("Error() = %d, failure %d %q %v; want 418 no coffee", result, code, message, ok)
	}
}

func join(chunks [][]byte) string {
	texts := make([]string, len(chunks))
	for i, c := range chunks {
		texts[i] = string(c)
	}
	return strings.Join(texts, " ")
}

func TestDecideNative(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text        string
		want        sdk.Verdict
		wantTargets []string
		wantStatus  int32
	}{
		{"go", sdk.Decided, []string{"first", "second"}, 0},
		{"abstain", sdk.Abstain, nil, 0},
		{"reject", sdk.Rejected, nil, 451},
	} {
		t.Run(tc.text, func(t *testing.T) {
			t.Parallel()
			var got sdk.Verdict
			f := sdktest.Call(t, document.FrameInput{
				Kind: abi.KindRule, Entry: abi.EntryDecide,
				Context: sdktest.JSON(t, `{"request":{"text":"`+tc.text+`"},"models":[{"id":"second"}]}`),
			}, func() { got = every.Decide() })
			if got != tc.want || len(f.Targets()) != len(tc.wantTargets) || (tc.wantTargets != nil && !reflect.DeepEqual(f.Targets(), tc.wantTargets)) {
				t.Errorf("Decide(%q) = %d, targets %q, want %d, %q", tc.text, got, f.Targets(), tc.want, tc.wantTargets)
			}
			if status, _, _ := f.Failure(); status != tc.wantStatus {
				t.Errorf("Decide(%q) status = %d, want %d", tc.text, status, tc.wantStatus)
			}
		})
	}
}

// TestEveryFunctionGuest builds package every and runs it in the server's runtime.
func TestEveryFunctionGuest(t *testing.T) {
	t.Parallel()
	library := load(t, `{"name":"every","version":"1.0.0","kind":"provider","abi":1}`)
	adapter, err := library.OpenAdapter("", "every", engine.AdapterAttempt{
		RequestID: "r", Attempt: 1, NowMS: 1_700_000_000_000,
		Request: sdktest.JSON(t, request), Config: sdktest.JSON(t, `{"c":"config"}`),
		Context: sdktest.JSON(t, `{"x":"context"}`), Call: sdktest.JSON(t, `{"k":"call"}`),
	})
	if err != nil {
		t.Fatalf("OpenAdapter() = %v", err)
	}
	defer adapter.Close()
	ctx := t.Context()
	built, err := adapter.Request(ctx)
	if err != nil || string(built.Body) != wantRequest {
		t.Errorf("Request() = %v, body\n got %s\nwant %s", err, built.Body, wantRequest)
	}
	if want := []engine.Pair{{Name: "x-every", Value: "yes"}}; built.Method != "PUT" || built.Path != "/every?x=1" || !reflect.DeepEqual(built.Headers, want) {
		t.Errorf("Request() = %q, %q, %q", built.Method, built.Path, built.Headers)
	}
	answer := &engine.UpstreamResponse{Status: 503, Field: field}
	reply, err := adapter.Response(ctx, answer, []byte(`[1]`))
	if want := `{"status":503,"fields":["1","",5000],"body":[1]}`; err != nil || len(reply.Chunks) != 1 || string(reply.Chunks[0].Bytes()) != want {
		t.Errorf("Response() = %v, %v, want %s", reply.Chunks, err, want)
	}
	if f := reply.Failure; f == nil || f.Class != abi.ClassOverloaded || f.After.Milliseconds() != 1500 {
		t.Errorf("Response() failure = %+v, want overloaded after 1.5 s", f)
	}
	for i, want := range []string{`"long name" ""`, `"long name" "long name"`} {
		reply, err := adapter.Event(ctx, answer, "long name", []byte(`1`))
		var chunks [][]byte
		for _, c := range reply.Chunks {
			chunks = append(chunks, c.Bytes())
		}
		if got := join(chunks); err != nil || got != want {
			t.Errorf("Event() %d = %s, %v, want %s", i, got, err, want)
		}
	}
	if reply, err := adapter.Error(ctx, answer, nil); err != nil || reply.Failure == nil || reply.Failure.Code != 418 || reply.Failure.Message != "no coffee" {
		t.Errorf("Error() = %+v, %v, want failure 418", reply, err)
	}
}

func TestDecideGuest(t *testing.T) {
	t.Parallel()
	library := load(t, `{"name":"every","version":"1.0.0","kind":"rule","abi":1}`)
	rule, err := library.RuleGuest("", "every")
	if err != nil {
		t.Fatalf("RuleGuest() = %v", err)
	}
	for _, tc := range []struct {
		text string
		want engine.RuleAnswer
	}{
		{"go", engine.RuleAnswer{
			Verdict: engine.VerdictDecided, Targets: []string{"first", "second"}, Reason: "because",
			Tags: []engine.Pair{{Name: "colour", Value: "red"}}, Params: []engine.Pair{{Name: "max_tokens", Value: "5"}},
		}},
		{"abstain", engine.RuleAnswer{Verdict: engine.VerdictAbstain}},
		{"reject", engine.RuleAnswer{Verdict: engine.VerdictReject, Status: 451, Message: "not here"}},
	} {
		var got engine.RuleAnswer
		err := rule.Decide(t.Context(), &engine.RuleCall{
			Context: sdktest.JSON(t, `{"request":{"text":"`+tc.text+`"},"models":[{"id":"second"}]}`),
		}, &got)
		if got.Fuel <= 0 {
			t.Errorf("Decide(%q) spends %d units of fuel, want some", tc.text, got.Fuel)
		}
		got.Fuel = 0
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("Decide(%q) = %+v, %v, want %+v", tc.text, got, err, tc.want)
		}
	}
	if err := rule.Configure(t.Context(), []byte(`{"good":1}`)); err != nil {
		t.Errorf("Configure(good) = %v, want nil", err)
	}
	if err := rule.Configure(t.Context(), []byte(`{"bad":1}`)); engine.CodeOf(err) != engine.CodeInvalid {
		t.Errorf("Configure(bad) = %v, want %s", err, engine.CodeInvalid)
	}
}

// load builds the guest with that manifest and opens a library that holds it.
func load(t *testing.T, manifest string) *wasm.Library {
	t.Helper()
	dir := t.TempDir()
	manifestPath, out := filepath.Join(dir, "manifest.json"), filepath.Join(dir, "every.wasm")
	if err := os.WriteFile(manifestPath, []byte(manifest), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := wasm.BuildGo(t.Context(), "testdata/every/guest", manifestPath, out); err != nil {
		t.Fatalf("BuildGo() = %v", err)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	checkImports(t, module)
	m, err := wasm.ReadManifest(module)
	if err != nil {
		t.Fatalf("ReadManifest() = %v", err)
	}
	library, err := wasm.Open(t.Context(), wasm.Config{})
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	t.Cleanup(func() {
		if err := library.Close(context.Background()); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	err = library.Sync(t.Context(), []engine.PluginVersion{{
		Name: m.Name, Version: m.Version, Kind: m.Kind, Manifest: m, Active: true, Module: module, Size: int64(len(module)),
	}}, func(context.Context, engine.PluginVersion) ([]byte, error) { return module, nil })
	if err != nil {
		t.Fatalf("Sync() = %v", err)
	}
	return library
}

// checkImports reads the guest's import section: it names every function of the
// boundary and no other of its module. Their types, and the exports, are checked by
// the library, which refuses a module that has others.
func checkImports(t *testing.T, module []byte) {
	t.Helper()
	imported := importNames(t, module)
	for _, f := range abi.Functions() {
		if !imported[f.Name] {
			t.Errorf("the guest does not import %s", f.Name)
		}
		delete(imported, f.Name)
	}
	if len(imported) > 0 {
		t.Errorf("imports that are not of the boundary: %v", imported)
	}
}

// importNames returns what a module imports from the boundary's module. In the binary
// format (WebAssembly core specification, 5.5) a section is an id, a size and
// its content; an import of a function is two names, a zero and a type's index.
func importNames(t *testing.T, module []byte) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	number := func(b *[]byte) int {
		v, n := binary.Uvarint(*b)
		if n <= 0 {
			t.Fatal("the module ends within a number")
		}
		*b = (*b)[n:]
		return int(v)
	}
	cut := func(b *[]byte, n int) []byte {
		if n > len(*b) {
			t.Fatal("the module ends within a section")
		}
		part := (*b)[:n]
		*b = (*b)[n:]
		return part
	}
	rest := module[8:]
	for len(rest) > 0 {
		id := cut(&rest, 1)[0]
		section := cut(&rest, number(&rest))
		if id != 2 {
			continue
		}
		for range number(&section) {
			from, name := string(cut(&section, number(&section))), string(cut(&section, number(&section)))
			if kind := cut(&section, 1)[0]; kind != 0 {
				t.Fatalf("import %s.%s is no function", from, name)
			}
			number(&section)
			if from == abi.Module {
				names[name] = true
			}
		}
	}
	return names
}

func TestMentionsNode(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 1000) // longer than the SDK's scratch buffer
	doc := sdktest.JSON(t, `{"text":"Ein ZWEI  drei","words":["zwei drei","zw","",5,null],"long":"`+long+`end"}`)
	sdktest.Call(t, document.FrameInput{Context: doc}, func() {
		text, words := sdk.Context().Get("text"), sdk.Context().Get("words")
		for i, want := range []bool{true, false, false, false, false, false} {
			if got := text.MentionsNode(words.At(i)); got != want {
				t.Errorf("MentionsNode(%s) = %v, want %v", words.At(i).Raw(), got, want)
			}
		}
		if long := sdk.Context().Get("long"); !long.MentionsNode(long) {
			t.Error("MentionsNode() of a long text in itself = false, want true")
		}
	})
}
