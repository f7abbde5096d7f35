// Package sdk is what a plugin written in Go imports. A rule plugin ranks models,
// a provider plugin translates between the canonical chat form and one vendor's wire.
//
// A plugin never parses JSON and never holds a prompt: the host parses each body
// once and the plugin walks it through a [Node], an integer handle, and writes its
// answer with the Emit functions, which splice the host's own bytes. That is why
// a call costs microseconds; reading a whole text into the plugin is possible
// ([Node.Text]) and rarely needed ([Node.Equal], [Node.Mentions] ask the host).
//
// A rule plugin, complete:
//
//	package main
//
//	import "github.com/pointsman/pointsman/sdk"
//
//	func init() { sdk.ServeRule(decide) }
//	func main() {}
//
//	func decide() sdk.Verdict {
//		if !sdk.Context().Pointer("/request/text").Mentions("refactor") {
//			return sdk.Abstain // the next rule decides
//		}
//		sdk.Target("gpt-5.1-codex")
//		sdk.Reason("asks for refactoring")
//		return sdk.Decided
//	}
//
// built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o plugin.wasm .
//
// A call is a pure function of its documents: the host may run any instance for
// any call, so nothing kept in a variable may be relied on. What has to survive
// from one event of a stream to the next goes through [SaveState].
//
// The package is not for the host, and it is not safe for concurrent use: an
// entry point runs on one goroutine, and nothing of it may be used after it returned.
//
// Read node.go first (how to look), then output.go (how to answer), then rule.go
// or adapter.go (what to register). Package sdktest runs a plugin's functions
// under go test. The boundary's names and numbers are in sdk/abi.
package sdk

import "github.com/pointsman/pointsman/sdk/abi"

// Result is how an entry point other than a rule's decision ended.
type Result int32

// Results. Any negative value means that the call has no answer; [Fail] says why.
const (
	OK     Result = 0
	Failed Result = -1
)

// Fail says why the call has no answer and returns [Failed], so that an entry
// point can end with it:
//
//	return sdk.Fail(400, "the model takes no audio")
//
// code is an HTTP status or 0. message is shown to the caller and must hold
// nothing secret; the host cuts it at [abi.MaxMessage] bytes.
func Fail(code int, message string) Result {
	hostFail(int32(code), message)
	return Failed
}

// Log levels.
const (
	LevelDebug = abi.LevelDebug
	LevelInfo  = abi.LevelInfo
	LevelWarn  = abi.LevelWarn
	LevelError = abi.LevelError
)

// Log writes one line to the host's log. The host takes [abi.MaxLogLines] lines a
// call, cuts each at [abi.MaxLogLine] bytes and strips control characters.
// Never log what a user wrote.
func Log(level int32, line string) { hostLog(level, line) }

// NowMS returns the time of the request in milliseconds since 1970 UTC. It is the
// same in every call of one request, so that a decision can be replayed.
func NowMS() int64 { return hostNowMS() }

// Random returns the next number of a sequence seeded by the request, the attempt
// and the plugin: the same request gets the same numbers. All 64 bits are used,
// the sign included. Not for secrets.
func Random() int64 { return hostRandom() }
