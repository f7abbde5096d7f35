package sdk

import (
	"unsafe"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Node is a handle to one value of a host document. The zero Node is "absent":
// every method accepts it, and a node that is absent or of another kind answers
// with the zero value, so a path can be walked without a check on every step.
// A Node is valid until the entry point returns and answers as absent afterwards.
type Node int32

// Request returns the canonical Chat Completions body. It is absent while a
// stream event is translated.
func Request() Node { return Node(hostDoc(abi.DocRequest)) }

// Context returns what the host knows about the request, its caller, the session,
// the budget and the models that may be chosen.
func Context() Node { return Node(hostDoc(abi.DocContext)) }

// Config returns the JSON that the rule or the provider row carries for this plugin.
func Config() Node { return Node(hostDoc(abi.DocConfig)) }

// Response returns the provider's body, or the data of the stream event at hand.
// Data that is not JSON is a string node.
func Response() Node { return Node(hostDoc(abi.DocResponse)) }

// Call returns what this provider call is: operation, target, headers, attempt.
func Call() Node { return Node(hostDoc(abi.DocCall)) }

// Get returns the member of an object.
func (n Node) Get(key string) Node { return Node(hostGet(int32(n), key)) }

// Pointer follows a JSON Pointer (RFC 6901), as "/messages/0/role". An index of
// -1 is the last element. "" is the node itself.
func (n Node) Pointer(p string) Node { return Node(hostPointer(int32(n), p)) }

// At returns the i-th element of an array or the value of the i-th member of an
// object, from 0, in the order of the document.
func (n Node) At(i int) Node { return Node(hostAt(int32(n), int32(i))) }

// Key returns the name of an object's i-th member, "" when there is none.
func (n Node) Key(i int) string {
	size := hostKey(int32(n), int32(i), unsafe.Pointer(&scratch), scratchSize)
	if size <= scratchSize {
		return string(scratch[:max(size, 0)])
	}
	b := make([]byte, size)
	hostKey(int32(n), int32(i), unsafe.Pointer(unsafe.SliceData(b)), size)
	return unsafe.String(unsafe.SliceData(b), size)
}

// Len returns the number of elements of an array, of members of an object, or
// of bytes of a decoded string; 0 for other kinds.
func (n Node) Len() int {
	if n == 0 {
		return 0 // as the host would answer, at the price of a call
	}
	return int(hostSize(int32(n)))
}

// Kind returns the JSON type, [abi.KindAbsent] for an absent node.
func (n Node) Kind() abi.Kind {
	if n == 0 {
		return abi.KindAbsent
	}
	return abi.Kind(hostKind(int32(n)))
}

// Exists reports whether there is a value, null included.
func (n Node) Exists() bool { return n != 0 && n.Kind() != abi.KindAbsent }

// Bool returns a boolean's value, false for other kinds.
func (n Node) Bool() bool { return hostBool(int32(n)) != 0 }

// Int returns a number as an integer: exact for one written as 1e3 or 2.0, else
// cut toward zero and clamped to 64 bits; 0 for other kinds.
func (n Node) Int() int64 { return hostInt(int32(n)) }

// Float returns a number, 0 for other kinds.
func (n Node) Float() float64 { return hostNum(int32(n)) }

// Text returns a copy of the decoded string, "" for other kinds. To compare or
// search, [Node.Equal], [Node.Mentions] and [Node.Find] copy nothing; to answer
// with it, [EmitNode] and [EmitInner] do not either.
func (n Node) Text() string {
	size := hostText(int32(n), unsafe.Pointer(&scratch), scratchSize)
	if size <= scratchSize {
		return string(scratch[:max(size, 0)])
	}
	b := make([]byte, size)
	hostText(int32(n), unsafe.Pointer(unsafe.SliceData(b)), size)
	return unsafe.String(unsafe.SliceData(b), size)
}

// ReadText writes the decoded string into buf and returns how many bytes it has, 0 for other
// kinds. What is longer than buf is not written, only counted: nil asks for the size.
func (n Node) ReadText(buf []byte) (size int) {
	if n == 0 {
		return 0
	}
	return int(hostText(int32(n), unsafe.Pointer(unsafe.SliceData(buf)), int32(len(buf))))
}

// AppendText appends the decoded string to dst and returns the extended slice.
// It allocates only when dst is too short.
func (n Node) AppendText(dst []byte) []byte {
	room := cap(dst) - len(dst)
	size := int(hostText(int32(n), unsafe.Pointer(unsafe.SliceData(dst[len(dst):cap(dst)])), int32(room)))
	if size > room {
		grown := make([]byte, len(dst), len(dst)+size)
		copy(grown, dst)
		dst = grown
		hostText(int32(n), unsafe.Pointer(unsafe.SliceData(dst[len(dst):cap(dst)])), int32(size))
	}
	return dst[:len(dst)+max(size, 0)]
}

// Raw returns a copy of the node's JSON text, "" for an absent node.
func (n Node) Raw() string {
	size := hostRaw(int32(n), unsafe.Pointer(&scratch), scratchSize)
	if size <= scratchSize {
		return string(scratch[:max(size, 0)])
	}
	b := make([]byte, size)
	hostRaw(int32(n), unsafe.Pointer(unsafe.SliceData(b)), size)
	return unsafe.String(unsafe.SliceData(b), size)
}

// Equal reports whether the node is a string equal to s.
func (n Node) Equal(s string) bool { return n != 0 && hostEqual(int32(n), s) != 0 }

// Mentions reports whether the string holds the phrase as whole words, in any
// letter case; a blank in the phrase stands for any run of white space. It is
// the function that rules call.
func (n Node) Mentions(phrase string) bool { return hostMentions(int32(n), phrase) != 0 }

// MentionsNode is [Node.Mentions] with the text of a string node as the phrase, as one of
// the words of a config; false when it is of another kind. It makes no string of it.
func (n Node) MentionsNode(phrase Node) bool {
	size := hostText(int32(phrase), unsafe.Pointer(&scratch), scratchSize)
	if size > scratchSize {
		return n.Mentions(phrase.Text())
	}
	return size > 0 && hostMentions(int32(n), unsafe.String(&scratch[0], size)) != 0
}

// Find returns the byte offset of the first s in the decoded string, -1 when it
// is not there.
func (n Node) Find(s string) int { return int(hostFind(int32(n), s)) }

// Slice returns the bytes [from, to) of the decoded string as a string node,
// usable wherever a string node is. Bounds outside the string are clamped by the
// host, which also never splits a character.
func (n Node) Slice(from, to int) Node { return Node(hostSlice(int32(n), int32(from), int32(to))) }

// Parse returns the content of a string as a document of its own, absent when
// it is not valid JSON.
func (n Node) Parse() Node { return Node(hostParse(int32(n))) }

// Hash returns a hash of the value that stays the same over requests, hosts and
// releases, to split traffic by it; all 64 bits are used, the sign included.
func (n Node) Hash() int64 { return hostHash(int32(n)) }

// scratch receives what the host writes before it is copied to its final size:
// an entry point runs alone, so one buffer serves all calls.
var scratch [scratchSize]byte

const scratchSize = 4 << 10
