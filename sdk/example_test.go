package sdk_test

import (
	"fmt"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// decide sends refactoring to the first coding model that the caller may use. In a
// plugin, init registers it: sdk.ServeRule(decide).
func decide() sdk.Verdict {
	if !sdk.Context().Pointer("/request/text").Mentions("refactor") {
		return sdk.Abstain
	}
	models := sdk.Context().Get("models")
	for i := range models.Len() {
		if m := models.At(i); m.Get("family").Equal("Codex") {
			sdk.TargetNode(m.Get("id"))
			sdk.Reason("asks for refactoring")
			return sdk.Decided
		}
	}
	return sdk.Abstain
}

// A rule plugin's function runs under go test with the documents of a call.
func Example() {
	f := sdktest.Run(document.FrameInput{Context: sdktest.Body(`{
		"request": {"text": "Please refactor this function."},
		"models": [{"id": "gpt-4o", "family": "GPT"}, {"id": "gpt-5.1-codex", "family": "Codex"}]
	}`)}, func() { fmt.Println(decide() == sdk.Decided) })
	fmt.Println(f.Targets(), f.ReasonText())
	// Output:
	// true
	// [gpt-5.1-codex] asks for refactoring
}

// An adapter's entry point emits its answer: constants of its own, and the host's
// bytes where they belong.
func Example_adapter() {
	request := func() sdk.Result {
		sdk.SetPath("/v1/generate")
		sdk.Emit(`{"prompt":"`)
		messages := sdk.Request().Get("messages")
		for i := range messages.Len() {
			sdk.EmitInner(messages.At(i).Get("content"))
			sdk.EmitText("\n")
		}
		sdk.Emit(`"`)
		sdk.EmitMembers(sdk.Request(), "messages")
		sdk.Emit(`}`)
		return sdk.OK
	}
	f := sdktest.Run(document.FrameInput{Request: sdktest.Body(
		`{"messages":[{"content":"Say \"hi\""},{"content":"twice"}],"seed":9007199254740993}`,
	)}, func() { request() })
	_, path, _ := f.HTTP()
	fmt.Println(path)
	fmt.Println(string(f.Output()))
	// Output:
	// /v1/generate
	// {"prompt":"Say \"hi\"\ntwice\n","seed":9007199254740993}
}
