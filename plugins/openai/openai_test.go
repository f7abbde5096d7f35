package openai_test

import (
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// run makes one call of an adapter's entry point.
func run(t testing.TB, in document.FrameInput, entry func() sdk.Result) (*document.Frame, sdk.Result) {
	t.Helper()
	in.Kind, in.NowMS = abi.KindProvider, 1_782_907_200_000
	if in.State == nil {
		in.State = new(document.State)
	}
	in.Random = document.NewRandom("r", 1, "openai")
	var result sdk.Result
	f := sdktest.Call(t, in, func() { result = entry() })
	return f, result
}

func call(t testing.TB, target string) document.Node {
	t.Helper()
	return sdktest.JSON(t, `{"operation":"chat","target":{"upstream_id":"up",`+target+`},"attempt":1}`)
}

const messages = `"messages":[{"role":"user","content":"hi"}]`
