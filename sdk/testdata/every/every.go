// Package every is a plugin that calls every function of the SDK and reports what
// it was told, so that a test can compare a guest with its native twin.
package every

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Adapter reports what the functions of a provider say.
type Adapter struct{}

// Request reads the request document and writes back what it found.
func (Adapter) Request() sdk.Result {
	r := sdk.Request()
	sdk.SetMethod("PUT")
	sdk.SetPath("/every?x=1")
	sdk.SetHeader("x-every", "yes")
	sdk.Lossy("top_p")

	sdk.Emit(`{"whole":`)
	sdk.EmitNode(r)
	sdk.EmitMembers(r, "object", "list", "long")
	sdk.EmitMembers(r.Get("object"), "none of them")
	sdk.EmitMembers(r.Get("empty"))
	sdk.Emit(`,"nodes":[`)
	sdk.EmitNode(sdk.Config().Get("c"))
	sdk.Emit(`,`)
	sdk.EmitNode(sdk.Context().Get("x"))
	sdk.Emit(`,`)
	sdk.EmitNode(sdk.Call().Get("k"))
	sdk.Emit(`,`)
	sdk.EmitNode(r.Pointer("/list/-1"))
	sdk.Emit(`,`)
	sdk.EmitNode(r.Get("list").At(1))
	sdk.Emit(`,`)
	sdk.EmitNode(r.Get("json").Parse().Get("in"))
	sdk.Emit(`,"`)
	sdk.EmitInner(r.Get("text"))
	sdk.EmitText("\"<guest>\n")
	sdk.EmitInner(r.Get("text").Slice(2, 5))
	sdk.Emit(`",`)
	sdk.EmitQuoted(r.Get("list"))
	sdk.Emit(`,{`)
	sdk.EmitKey(r, 1)
	sdk.Emit(`:0}],"numbers":[`)
	for _, v := range []int64{
		int64(r.Len()), int64(r.Get("text").Len()), int64(r.Get("list").Len()), int64(r.Get("absent").Len()),
		int64(r.Get("absent").Kind()), int64(r.Get("null").Kind()), int64(r.Get("yes").Kind()), int64(r.Get("big").Kind()),
		int64(r.Get("text").Kind()), int64(r.Get("list").Kind()), int64(r.Kind()),
		r.Get("big").Int(), r.Get("float").Int(), int64(r.Get("float").Float() * 4),
		int64(r.Get("text").Find("zwei")), int64(r.Get("text").Find("drei")),
		truth(r.Get("yes").Bool()), truth(r.Get("null").Bool()), truth(r.Get("null").Exists()), truth(r.Get("absent").Exists()),
		truth(r.Get("text").Equal("ein zwei")), truth(r.Get("text").Equal("ein")),
		truth(r.Get("text").Mentions("ZWEI")), truth(r.Get("text").Mentions("zw")),
		sdk.NowMS(), truth(r.Hash() == r.Hash()), truth(r.Hash() != r.Get("text").Hash()), truth(sdk.Random() != sdk.Random()),
	} {
		sdk.EmitInt(v)
		sdk.Emit(`,`)
	}
	sdk.Emit(`0],"texts":[`)
	for _, s := range []string{
		r.Get("text").Text(), r.Get("list").Raw(), r.Key(0), r.Key(99), r.Get("big").Text(),
		string(r.Get("text").AppendText([]byte("<"))), string(r.Get("text").AppendText(make([]byte, 0, 64))),
	} {
		sdk.EmitString(s)
		sdk.Emit(`,`)
	}
	sdk.EmitInt(int64(len(r.Get("long").Text()) + len(r.Get("long").Raw()) + len(r.Get("long").AppendText(nil))))
	sdk.Emit(`]}`)
	sdk.Log(sdk.LevelInfo, "every function was called")
	return sdk.OK
}

// Response reports the status and the header fields, and classifies.
func (Adapter) Response() sdk.Result {
	sdk.Emit(`{"status":`)
	sdk.EmitInt(int64(sdk.Status()))
	sdk.Emit(`,"fields":[`)
	sdk.EmitString(sdk.Field("X-One"))
	sdk.Emit(`,`)
	sdk.EmitString(sdk.Field("x-none"))
	sdk.Emit(`,`)
	sdk.EmitInt(int64(len(sdk.Field("x-long"))))
	sdk.Emit(`],"body":`)
	sdk.EmitNode(sdk.Response())
	sdk.Emit(`}`)
	sdk.Classify(abi.ClassOverloaded, 1500)
	return sdk.OK
}

// Event writes one chunk with the event's name, and one with the state that the event
// before left: all names so far, joined.
func (Adapter) Event() sdk.Result {
	sdk.EmitString(sdk.EventName())
	sdk.Flush()
	state := sdk.LoadState()
	sdk.EmitString(string(state))
	sdk.SaveState(append(append([]byte(nil), state...), sdk.EventName()...))
	return sdk.OK
}

// Error fails.
func (Adapter) Error() sdk.Result { return sdk.Fail(418, "no coffee") }

// Decide uses what a rule has.
func Decide() sdk.Verdict {
	text := sdk.Context().Pointer("/request/text")
	switch {
	case text.Equal("reject"):
		return sdk.RejectWith(451, "not here")
	case text.Equal("abstain"):
		return sdk.Abstain
	}
	sdk.Target("first")
	sdk.TargetNode(sdk.Context().Pointer("/models/0/id"))
	sdk.Reason("because")
	sdk.Tag("colour", "red")
	sdk.Param("max_tokens", "5")
	return sdk.Decided
}

// Configure refuses a config with the member "bad".
func Configure() sdk.Result {
	if sdk.Config().Get("bad").Exists() {
		return sdk.Fail(400, "bad is bad")
	}
	return sdk.OK
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
