// Package main is the guest of engine/wasm's tests: what it does is chosen by the
// member "do" of its config, or of its call.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

func init() {
	sdk.ServeRule(decide)
	sdk.ServeConfigure(configure)
	sdk.ServeAdapter(adapter{})
}

func main() {}

var calls int // what a guest must not rely on

func decide() sdk.Verdict {
	do := sdk.Config().Get("do")
	switch {
	case !do.Exists(), do.Equal("route"):
		return route()
	case do.Equal("text"):
		sdk.Reason(sdk.Context().Pointer("/request/text").Text())
	case do.Equal("print"):
		fmt.Println("one")
		fmt.Fprint(os.Stderr, "two\nthree")
	case do.Equal("clock"):
		start := time.Now()
		time.Sleep(time.Hour)
		sdk.Tag("now", strconv.FormatInt(start.UnixMilli(), 10))
		sdk.Tag("slept", time.Since(start).String())
		sdk.Tag("now_ms", strconv.FormatInt(sdk.NowMS(), 10))
	case do.Equal("random"):
		sdk.Tag("random", strconv.FormatInt(sdk.Random(), 10))
	case do.Equal("files"):
		_, err := os.ReadFile("/etc/passwd")
		sdk.Tag("file", fmt.Sprint(err))
		sdk.Tag("env", fmt.Sprint(len(os.Environ())))
		sdk.Tag("args", fmt.Sprint(len(os.Args)))
		n, err := os.Stdin.Read(make([]byte, 8))
		sdk.Tag("stdin", fmt.Sprint(n, err))
	case do.Equal("count"):
		calls++
		sdk.Reason(strconv.Itoa(calls))
	case do.Equal("panic"):
		panic("by request")
	case do.Equal("block"):
		<-make(chan int)
	case do.Equal("spin"):
		for {
			calls++
		}
	case do.Equal("hoard"):
		var kept [][]byte
		for {
			kept = append(kept, make([]byte, 1<<20))
		}
	case do.Equal("reject"):
		return sdk.RejectWith(403, "not for you")
	}
	return sdk.Decided
}

// route reads five features: what the speed bar is measured with.
func route() sdk.Verdict {
	r := sdk.Context().Get("request")
	switch {
	case r.Get("has_image").Bool():
		sdk.Target("vision")
	case r.Get("tokens").Int() > 100_000:
		sdk.Target("large")
	case r.Get("command").Equal("/fast"):
		sdk.Target("fast")
	case r.Get("text").Mentions("refactor"):
		sdk.Target("coder")
		sdk.Reason("asks for refactoring")
	case r.Get("stream").Bool():
		return sdk.Abstain
	default:
		sdk.Target("standard")
	}
	return sdk.Decided
}

func configure() sdk.Result {
	if sdk.Config().Get("do").Equal("refuse") {
		return sdk.Fail(400, "this will not do")
	}
	return sdk.OK
}

type adapter struct{}

func (adapter) Request() sdk.Result {
	do := sdk.Call().Get("do")
	switch {
	case do.Equal("refuse"):
		return sdk.Fail(422, "no audio")
	case do.Equal("break"):
		return sdk.Failed
	case do.Equal("no path"):
		return sdk.OK
	case do.Equal("garbage"):
		sdk.SetPath("/x")
		sdk.Emit(`{"a":`)
		return sdk.OK
	case do.Equal("steal"):
		sdk.SetPath("/x")
		sdk.SetHeader("Authorization", "Bearer mine")
	case do.Equal("steal own"):
		sdk.SetPath("/x")
		sdk.SetHeader("X-Test-Key", "mine")
	case do.Equal("elsewhere"):
		sdk.SetPath("http://evil.example/")
	}
	sdk.SetPath("/v1/things?x=1")
	sdk.SetHeader("x-version", "2")
	sdk.Lossy("logit_bias")
	sdk.Emit(`{"model":`)
	sdk.EmitNode(sdk.Call().Pointer("/target/upstream_id"))
	sdk.EmitMembers(sdk.Request(), "model")
	sdk.Emit("}")
	return sdk.OK
}

func (adapter) Response() sdk.Result {
	if sdk.Response().Kind() == abi.KindString {
		sdk.Classify(abi.ClassServer, 0)
		return sdk.Fail(502, "not JSON")
	}
	sdk.Emit(`{"status":`)
	sdk.EmitInt(int64(sdk.Status()))
	sdk.Emit(`,"field":`)
	sdk.EmitString(sdk.Field("x-request-id"))
	sdk.Emit(`,"body":`)
	sdk.EmitNode(sdk.Response())
	sdk.Emit("}")
	return sdk.OK
}

// Event gives two chunks for one event: its name, and its data with how many came before.
func (adapter) Event() sdk.Result {
	if sdk.EventName() == "error" {
		sdk.Classify(abi.ClassOverloaded, 1500)
		return sdk.Fail(529, "overloaded")
	}
	if sdk.Response().Equal("silence") {
		return sdk.OK
	}
	if sdk.Response().Equal("garbage") {
		sdk.Emit("nul")
		return sdk.OK
	}
	seen := sdk.LoadState()
	sdk.Emit(`{"name":`)
	sdk.EmitString(sdk.EventName())
	sdk.Emit(`,"request":`)
	sdk.EmitString(strconv.FormatBool(sdk.Request().Exists()))
	sdk.Emit(`}`)
	sdk.Flush()
	sdk.Emit(`{"before":`)
	sdk.EmitInt(int64(len(seen)))
	sdk.Emit(`,"random":`)
	sdk.EmitInt(sdk.Random())
	sdk.Emit(`,"data":`)
	sdk.EmitNode(sdk.Response())
	sdk.Emit(`}`)
	if len(seen) < 100 {
		sdk.SaveState(append(seen, '.'))
	}
	return sdk.OK
}

func (adapter) Error() sdk.Result {
	sdk.Classify(abi.ClassRateLimited, 2000)
	sdk.Emit(`{"error":{"message":`)
	sdk.EmitNode(sdk.Response())
	sdk.Emit(`}}`)
	return sdk.OK
}
