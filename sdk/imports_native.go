//go:build !wasip1

package sdk

import "unsafe"

// Host is the boundary's functions in Go form, one method for each name of
// sdk/abi. It exists outside wasm only, so that a plugin's functions run under
// go test; sdktest binds one, plugins have no use for it.
type Host interface {
	Doc(which int32) int32
	Parse(node int32) int32
	Find(node int32, s []byte) int32
	Slice(node int32, from int32, to int32) int32
	Pointer(node int32, p []byte) int32
	Get(node int32, key []byte) int32
	At(node int32, i int32) int32
	Key(node int32, i int32, buf []byte) int32
	Size(node int32) int32
	Kind(node int32) int32
	Bool(node int32) int32
	Int(node int32) int64
	Num(node int32) float64
	Text(node int32, buf []byte) int32
	Raw(node int32, buf []byte) int32
	Equal(node int32, s []byte) int32
	Mentions(node int32, phrase []byte) int32
	Emit(s []byte)
	EmitNode(node int32)
	EmitMembers(node int32, except []byte)
	EmitKey(node int32, i int32)
	EmitString(s []byte)
	EmitInt(v int64)
	EmitInner(node int32)
	EmitText(s []byte)
	EmitQuoted(node int32)
	Flush()
	StateLoad(buf []byte) int32
	StateSave(b []byte)
	HTTPMethod(m []byte)
	HTTPPath(p []byte)
	HTTPHeader(name []byte, value []byte)
	EventName(buf []byte) int32
	HTTPStatus() int32
	HTTPField(name []byte, buf []byte) int32
	Target(id []byte)
	TargetNode(node int32)
	Reason(s []byte)
	Tag(key []byte, value []byte)
	Param(key []byte, value []byte)
	Hash(node int32) int64
	Lossy(field []byte)
	Classify(class int32, retryAfterMS int64)
	Fail(code int32, message []byte)
	Log(level int32, line []byte)
	NowMS() int64
	Random() int64
}

// Bind makes h answer the package's calls until the returned function is called.
// It is sdktest's; one host is bound at a time.
func Bind(h Host) (unbind func()) {
	bound = h
	return func() { bound = nil }
}

var bound Host

func current() Host {
	if bound == nil {
		panic("sdk: no host is bound; outside wasm a plugin's functions run inside sdktest.Call")
	}
	return bound
}

func hostDoc(which int32) int32              { return current().Doc(which) }
func hostParse(node int32) int32             { return current().Parse(node) }
func hostFind(node int32, s string) int32    { return current().Find(node, bytes(s)) }
func hostSlice(node, from, to int32) int32   { return current().Slice(node, from, to) }
func hostPointer(node int32, p string) int32 { return current().Pointer(node, bytes(p)) }
func hostGet(node int32, key string) int32   { return current().Get(node, bytes(key)) }
func hostAt(node, i int32) int32             { return current().At(node, i) }
func hostKey(node, i int32, buf unsafe.Pointer, size int32) int32 {
	return current().Key(node, i, view(buf, size))
}
func hostSize(node int32) int32  { return current().Size(node) }
func hostKind(node int32) int32  { return current().Kind(node) }
func hostBool(node int32) int32  { return current().Bool(node) }
func hostInt(node int32) int64   { return current().Int(node) }
func hostNum(node int32) float64 { return current().Num(node) }
func hostText(node int32, buf unsafe.Pointer, size int32) int32 {
	return current().Text(node, view(buf, size))
}
func hostRaw(node int32, buf unsafe.Pointer, size int32) int32 {
	return current().Raw(node, view(buf, size))
}
func hostEqual(node int32, s string) int32               { return current().Equal(node, bytes(s)) }
func hostMentions(node int32, phrase string) int32       { return current().Mentions(node, bytes(phrase)) }
func hostEmit(s string)                                  { current().Emit(bytes(s)) }
func hostEmitNode(node int32)                            { current().EmitNode(node) }
func hostEmitMembers(node int32, except string)          { current().EmitMembers(node, bytes(except)) }
func hostEmitKey(node, i int32)                          { current().EmitKey(node, i) }
func hostEmitString(s string)                            { current().EmitString(bytes(s)) }
func hostEmitInt(v int64)                                { current().EmitInt(v) }
func hostEmitInner(node int32)                           { current().EmitInner(node) }
func hostEmitText(s string)                              { current().EmitText(bytes(s)) }
func hostEmitQuoted(node int32)                          { current().EmitQuoted(node) }
func hostFlush()                                         { current().Flush() }
func hostStateLoad(buf unsafe.Pointer, size int32) int32 { return current().StateLoad(view(buf, size)) }
func hostStateSave(b string)                             { current().StateSave(bytes(b)) }
func hostHTTPMethod(m string)                            { current().HTTPMethod(bytes(m)) }
func hostHTTPPath(p string)                              { current().HTTPPath(bytes(p)) }
func hostHTTPHeader(name, value string)                  { current().HTTPHeader(bytes(name), bytes(value)) }
func hostEventName(buf unsafe.Pointer, size int32) int32 { return current().EventName(view(buf, size)) }
func hostHTTPStatus() int32                              { return current().HTTPStatus() }
func hostHTTPField(name string, buf unsafe.Pointer, size int32) int32 {
	return current().HTTPField(bytes(name), view(buf, size))
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
