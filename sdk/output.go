package sdk

import "unsafe"

// Emit appends s to the output as it stands. It is for syntax and the plugin's own
// constants; text that came from outside goes through [EmitNode], [EmitString]
// or [EmitText], which escape.
func Emit(s string) { hostEmit(s) }

// EmitNode appends the node's JSON exactly as it came; nothing for an absent node.
func EmitNode(n Node) { hostEmitNode(int32(n)) }

// EmitMembers appends an object's members as they came, comma-separated and without
// the braces, leaving out those named; nothing for an empty or absent object. A comma
// goes before the first where one is needed, so the plugin's own members come first
// and nobody has to know whether any is left:
//
//	sdk.Emit(`{"model":"m"`)
//	sdk.EmitMembers(body, "model")
//	sdk.Emit(`}`)
//
// A name that holds a newline cannot be left out.
func EmitMembers(n Node, except ...string) {
	if len(except) == 1 {
		hostEmitMembers(int32(n), except[0])
		return
	}
	list := scratch[:0]
	for i, name := range except {
		if i > 0 {
			list = append(list, '\n')
		}
		list = append(list, name...)
	}
	hostEmitMembers(int32(n), unsafe.String(unsafe.SliceData(list), len(list)))
}

// EmitKey appends the name of an object's i-th member as a JSON string.
func EmitKey(n Node, i int) { hostEmitKey(int32(n), int32(i)) }

// EmitString appends s as a JSON string, quotes and escapes included.
func EmitString(s string) { hostEmitString(s) }

// EmitInt appends v as a JSON number.
func EmitInt(v int64) { hostEmitInt(v) }

// EmitInner appends a string node's content, escaped but without quotes, to
// join several strings into one.
func EmitInner(n Node) { hostEmitInner(int32(n)) }

// EmitText appends s, escaped but without quotes: the counterpart of [EmitInner]
// for the plugin's own text.
func EmitText(s string) { hostEmitText(s) }

// EmitQuoted appends the node's JSON as a JSON string, as tool arguments are written.
func EmitQuoted(n Node) { hostEmitQuoted(int32(n)) }

// Flush ends a chunk of a stream: what was emitted since the last Flush goes to
// the client as one chunk. Only in [Adapter.Event]; what is left when it returns
// is flushed then. Without output it does nothing.
func Flush() { hostFlush() }

// LoadState returns what [SaveState] kept last for this response, empty before.
// The bytes are overwritten by the next LoadState.
func LoadState() []byte {
	size := hostStateLoad(unsafe.Pointer(unsafe.SliceData(state)), int32(cap(state)))
	if int(size) > cap(state) {
		state = make([]byte, 0, size)
		hostStateLoad(unsafe.Pointer(unsafe.SliceData(state)), size)
	}
	return state[:max(size, 0)]
}

// SaveState keeps b, up to [abi.MaxState] bytes, for the next event of the same
// response. b is copied.
func SaveState(b []byte) { hostStateSave(unsafe.String(unsafe.SliceData(b), len(b))) }

var state = make([]byte, 0, 512)
