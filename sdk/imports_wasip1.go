//go:build wasip1

package sdk

import "unsafe"

// The host functions, in the order of sdk/abi. A string is passed as its address
// and length; the host reads it during the call and keeps neither.

//go:wasmimport pointsman_v1 doc
func hostDoc(which int32) int32

//go:wasmimport pointsman_v1 parse
func hostParse(node int32) int32

//go:wasmimport pointsman_v1 find
//go:noescape
func hostFind(node int32, s string) int32

//go:wasmimport pointsman_v1 slice
func hostSlice(node, from, to int32) int32

//go:wasmimport pointsman_v1 pointer
//go:noescape
func hostPointer(node int32, p string) int32

//go:wasmimport pointsman_v1 get
//go:noescape
func hostGet(node int32, key string) int32

//go:wasmimport pointsman_v1 at
func hostAt(node, i int32) int32

//go:wasmimport pointsman_v1 key
//go:noescape
func hostKey(node, i int32, buf unsafe.Pointer, size int32) int32

//go:wasmimport pointsman_v1 size
func hostSize(node int32) int32

//go:wasmimport pointsman_v1 kind
func hostKind(node int32) int32

//go:wasmimport pointsman_v1 bool
func hostBool(node int32) int32

//go:wasmimport pointsman_v1 int
func hostInt(node int32) int64

//go:wasmimport pointsman_v1 num
func hostNum(node int32) float64

//go:wasmimport pointsman_v1 text
//go:noescape
func hostText(node int32, buf unsafe.Pointer, size int32) int32

//go:wasmimport pointsman_v1 raw
//go:noescape
func hostRaw(node int32, buf unsafe.Pointer, size int32) int32

//go:wasmimport pointsman_v1 equal
//go:noescape
func hostEqual(node int32, s string) int32

//go:wasmimport pointsman_v1 mentions
//go:noescape
func hostMentions(node int32, phrase string) int32

//go:wasmimport pointsman_v1 emit
//go:noescape
func hostEmit(s string)

//go:wasmimport pointsman_v1 emit_node
func hostEmitNode(node int32)

//go:wasmimport pointsman_v1 emit_members
//go:noescape
func hostEmitMembers(node int32, except string)

//go:wasmimport pointsman_v1 emit_key
func hostEmitKey(node, i int32)

//go:wasmimport pointsman_v1 emit_string
//go:noescape
func hostEmitString(s string)

//go:wasmimport pointsman_v1 emit_int
func hostEmitInt(v int64)

//go:wasmimport pointsman_v1 emit_inner
func hostEmitInner(node int32)

//go:wasmimport pointsman_v1 emit_text
//go:noescape
func hostEmitText(s string)

//go:wasmimport pointsman_v1 emit_quoted
func hostEmitQuoted(node int32)

//go:wasmimport pointsman_v1 flush
func hostFlush()

//go:wasmimport pointsman_v1 state_load
//go:noescape
func hostStateLoad(buf unsafe.Pointer, size int32) int32

//go:wasmimport pointsman_v1 state_save
//go:noescape
func hostStateSave(b string)

//go:wasmimport pointsman_v1 http_method
//go:noescape
func hostHTTPMethod(m string)

//go:wasmimport pointsman_v1 http_path
//go:noescape
func hostHTTPPath(p string)

//go:wasmimport pointsman_v1 http_header
//go:noescape
func hostHTTPHeader(name, value string)

//go:wasmimport pointsman_v1 event_name
//go:noescape
func hostEventName(buf unsafe.Pointer, size int32) int32

//go:wasmimport pointsman_v1 http_status
func hostHTTPStatus() int32

//go:wasmimport pointsman_v1 http_field
//go:noescape
func hostHTTPField(name string, buf unsafe.Pointer, size int32) int32

//go:wasmimport pointsman_v1 target
//go:noescape
func hostTarget(id string)

//go:wasmimport pointsman_v1 target_node
func hostTargetNode(node int32)

//go:wasmimport pointsman_v1 reason
//go:noescape
func hostReason(s string)

//go:wasmimport pointsman_v1 tag
//go:noescape
func hostTag(key, value string)

//go:wasmimport pointsman_v1 param
//go:noescape
func hostParam(key, value string)

//go:wasmimport pointsman_v1 hash
func hostHash(node int32) int64

//go:wasmimport pointsman_v1 lossy
//go:noescape
func hostLossy(field string)

//go:wasmimport pointsman_v1 classify
func hostClassify(class int32, retryAfterMS int64)

//go:wasmimport pointsman_v1 fail
//go:noescape
func hostFail(code int32, message string)

//go:wasmimport pointsman_v1 log
//go:noescape
func hostLog(level int32, line string)

//go:wasmimport pointsman_v1 now_ms
func hostNowMS() int64

//go:wasmimport pointsman_v1 random
func hostRandom() int64
