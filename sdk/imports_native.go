//go:build !wasip1

package sdk

import (
	"unsafe"

	"github.com/pointsman/pointsman/engine/document"
)

// Bind makes f answer the package's calls until the returned function is called.
// It exists outside wasm only and is sdktest's; one frame is bound at a time.
func Bind(f *document.Frame) (unbind func()) {
	bound = f
	return func() { bound = nil }
}

var bound *document.Frame

func current() *document.Frame {
	if bound == nil {
		panic("sdk: no host is bound; outside wasm a plugin's functions run inside sdktest.Call")
	}
	return bound
}

func hostDoc(which int32) int32              { return current().Doc(which) }
func hostParse(node int32) int32             { return current().Parse(node) }
func hostFind(node int32, s string) int32    { return int32(current().Find(node, bytes(s))) }
func hostSlice(node, from, to int32) int32   { return current().Slice(node, from, to) }
func hostPointer(node int32, p string) int32 { return current().Pointer(node, bytes(p)) }
func hostGet(node int32, key string) int32   { return current().Get(node, bytes(key)) }
func hostAt(node, i int32) int32             { return current().At(node, i) }
func hostKey(node, i int32, buf unsafe.Pointer, size int32) int32 {
	return int32(current().Key(node, i, view(buf, size)))
}
func hostSize(node int32) int32  { return int32(current().Size(node)) }
func hostKind(node int32) int32  { return int32(current().Kind(node)) }
func hostBool(node int32) int32  { return truth(current().Bool(node)) }
func hostInt(node int32) int64   { return current().Int(node) }
func hostNum(node int32) float64 { return current().Num(node) }
func hostText(node int32, buf unsafe.Pointer, size int32) int32 {
	return int32(current().Text(node, view(buf, size)))
}
func hostRaw(node int32, buf unsafe.Pointer, size int32) int32 {
	return int32(current().Raw(node, view(buf, size)))
}
func hostEqual(node int32, s string) int32 { return truth(current().Equal(node, bytes(s))) }
func hostMentions(node int32, phrase string) int32 {
	return truth(current().Mentions(node, bytes(phrase)))
}
func hostEmit(s string)                         { current().Emit(bytes(s)) }
func hostEmitNode(node int32)                   { current().EmitNode(node) }
func hostEmitMembers(node int32, except string) { current().EmitMembers(node, bytes(except)) }
func hostEmitKey(node, i int32)                 { current().EmitKey(node, i) }
func hostEmitString(s string)                   { current().EmitString(bytes(s)) }
func hostEmitInt(v int64)                       { current().EmitInt(v) }
func hostEmitInner(node int32)                  { current().EmitInner(node) }
func hostEmitText(s string)                     { current().EmitText(bytes(s)) }
func hostEmitQuoted(node int32)                 { current().EmitQuoted(node) }
func hostFlush()                                { current().Flush() }
func hostStateLoad(buf unsafe.Pointer, size int32) int32 {
	return int32(current().StateLoad(view(buf, size)))
}
func hostStateSave(b string)            { current().StateSave(bytes(b)) }
func hostHTTPMethod(m string)           { current().HTTPMethod(bytes(m)) }
func hostHTTPPath(p string)             { current().HTTPPath(bytes(p)) }
func hostHTTPHeader(name, value string) { current().HTTPHeader(bytes(name), bytes(value)) }
func hostEventName(buf unsafe.Pointer, size int32) int32 {
	return int32(current().EventName(view(buf, size)))
}
func hostHTTPStatus() int32 { return current().HTTPStatus() }
func hostHTTPField(name string, buf unsafe.Pointer, size int32) int32 {
	return int32(current().HTTPField(bytes(name), view(buf, size)))
}
func hostTarget(id string)                         { current().Target(bytes(id)) }
func hostTargetNode(node int32)                    { current().TargetNode(node) }
func hostReason(s string)                          { current().Reason(bytes(s)) }
func hostTag(key, value string)                    { current().Tag(bytes(key), bytes(value)) }
func hostParam(key, value string)                  { current().Param(bytes(key), bytes(value)) }
func hostHash(node int32) int64                    { return current().Hash(node) }
func hostLossy(field string)                       { current().Lossy(bytes(field)) }
func hostClassify(class int32, retryAfterMS int64) { current().Classify(class, retryAfterMS) }
func hostFail(code int32, message string)          { current().Fail(code, bytes(message)) }
func hostLog(level int32, line string)             { current().Log(level, bytes(line)) }
func hostNowMS() int64                             { return current().NowMS() }
func hostRandom() int64                            { return current().Random() }

// bytes views a string without copying it; hosts only read it.
func bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// view is the buffer that a guest passes by address and capacity.
func view(buf unsafe.Pointer, size int32) []byte { return unsafe.Slice((*byte)(buf), size) }

func truth(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
