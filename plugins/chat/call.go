package chat

import (
	"strconv"
	"unsafe"

	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Call is a call of a function that the assistant made in an earlier turn. Every
// one that [Request.Messages] returns is answered by a tool message.
type Call struct {
	// ID is the caller's id where every wire takes it: 1 to 64 of [a-zA-Z0-9_-],
	// the only one of the conversation. Any other is replaced, in the same way in
	// every request that holds it.
	ID   string
	Name sdk.Node // text

	Free  bool     // of a custom tool: Input stands for the arguments
	Input sdk.Node // text; 0 when it is empty

	arguments sdk.Node
	node      sdk.Node
	raw       []byte // the id as it came
	hash      uint64 // of raw
	answer    int    // index in the list of messages; -1 before it is found
}

// calls and ids are the memory of a request's calls: handles, and ids as text. ids
// only grows while a request is read, so that parts of it stay valid.
var (
	calls = make([]Call, 0, 32)
	ids   = make([]byte, 0, 2<<10)
)

const (
	maxID    = 64
	keepIDs  = 64 << 10
	callCost = 32  // host calls for a call, reading and writing
	sameID   = 256 // calls back that an id is compared with
)

// readCalls reads an assistant message's tool_calls. ok is false after a refusal.
func (r *Request) readCalls(m *Message, list sdk.Node) (ok bool) {
	m.firstCall = len(calls)
	for i := range list.Len() {
		if r.left -= callCost; r.left < 0 {
			Refuse("messages", "there are more tool calls than can be carried")
			return false
		}
		node := list.At(i)
		function := node.Get("function")
		name := function.Get("name")
		custom := r.FreeText && name == 0 && node.Get("type").Equal("custom")
		if custom {
			function = node.Get("custom")
			name = function.Get("name")
		}
		if !IsText(name) {
			Refuse(At(m.Index)+".tool_calls["+strconv.Itoa(i)+"]", "only calls of functions, each with a name, are carried to this provider")
			return false
		}
		c := Call{Name: name, arguments: function.Get("arguments"), node: node, answer: -1}
		if custom {
			c.Free, c.Input = true, textNode(function.Get("input"))
		}
		c.raw = keepID(node.Get("id"))
		c.identify(m.Index, i)
		calls = append(calls, c)
		m.callCount++
	}
	return true
}

// keepID copies an id to where it stays until the next request.
func keepID(id sdk.Node) []byte {
	if size := id.Len(); cap(ids)-len(ids) < size {
		ids = make([]byte, 0, max(2*cap(ids), size))
	}
	start := len(ids)
	ids = id.AppendText(ids)
	return ids[start:len(ids):len(ids)]
}

// identify makes the id that the wires get. Ids of other vendors hold dots and
// colons, are empty, or begin anew with every turn.
func (c *Call) identify(message, position int) {
	c.hash = hashID(c.raw)
	made, again := c.hash, len(c.raw) == 0
	for i := len(calls) - 1; i >= 0 && i >= len(calls)-sameID && !again; i-- {
		again = calls[i].hash == c.hash
	}
	if again {
		made = (made ^ uint64(message)) * 1099511628211
		made = (made ^ uint64(position)) * 1099511628211
	}
	id := c.raw
	if again || !plainID(id) {
		start := len(ids)
		ids = strconv.AppendUint(append(ids, "call_"...), made, 36)
		id = ids[start:len(ids):len(ids)]
	}
	c.ID = unsafe.String(unsafe.SliceData(id), len(id))
}

// hashID is FNV-1a.
func hashID(id []byte) uint64 {
	hash := uint64(14695981039346656037)
	for _, b := range id {
		hash = (hash ^ uint64(b)) * 1099511628211
	}
	return hash
}

// ShortID stands for an id that is too long for a wire, or for none: the same in
// every request. It is for wires whose calls and results are not matched here.
func ShortID(id sdk.Node) string {
	return "call_" + strconv.FormatUint(hashID(id.AppendText(nil)), 36)
}

func plainID(id []byte) bool {
	for _, b := range id {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '-':
		default:
			return false
		}
	}
	return len(id) > 0 && len(id) <= maxID
}

// Arguments returns the arguments as an object; 0 when there are none. Arguments
// that are not a JSON object, as a model sometimes writes, are reported as lost.
func (r *Request) Arguments(c *Call) sdk.Node {
	object := c.arguments
	if object.Kind() == abi.KindString {
		if object.Len() == 0 {
			return 0
		}
		if object = object.Parse(); object == 0 {
			r.Lossy(lostArguments)
			return 0
		}
	}
	switch object.Kind() {
	case abi.KindObject:
		return object
	case abi.KindAbsent, abi.KindNull:
	default:
		r.Lossy(lostArguments)
	}
	return 0
}

const lostArguments = "messages[].tool_calls[].function.arguments"

// Extra returns what else was said about the call, as extra_content: a provider's
// own words, which only it can read again.
func (c *Call) Extra(provider string) sdk.Node { return c.node.Get("extra_content").Get(provider) }

// Calls returns the calls of an assistant message, none for any other.
func (m *Message) Calls() []Call { return calls[m.firstCall : m.firstCall+m.callCount] }

// Answer returns the tool message that answers the call; messages is the list that
// [Request.Messages] gave.
func (c *Call) Answer(messages []Message) *Message { return &messages[c.answer] }

// pairing matches tool messages with the calls before them. A wire with turns wants
// all the results of a turn in the next, and refuses calls and results that miss the other.
type pairing struct {
	first, count int // in calls: those of the last assistant message
	left         int // of them that are not answered
	next         int // where the search begins: results mostly come in order
	message      int // of the assistant, in the request
}

func (p *pairing) begin(m *Message) {
	*p = pairing{first: m.firstCall, count: m.callCount, left: m.callCount, message: m.Index}
}

// answer takes a tool message, the at-th of the list. ok is false after a refusal.
func (p *pairing) answer(m *Message, id []byte, at int) (ok bool) {
	for i := range p.count {
		c := &calls[p.first+(p.next+i)%p.count]
		if c.answer < 0 && string(c.raw) == string(id) {
			c.answer = at
			p.left--
			p.next = (p.next + i + 1) % p.count
			return true
		}
	}
	Refuse(At(m.Index)+".tool_call_id", "no call that is open there has the id '"+shown(id)+"'")
	return false
}

// closed reports whether every call is answered, or refuses.
func (p *pairing) closed() (ok bool) {
	if p.left == 0 {
		return true
	}
	for _, c := range calls[p.first : p.first+p.count] {
		if c.answer < 0 {
			Refuse(At(p.message)+".tool_calls", "the call '"+shown(c.raw)+"' is not answered by the tool messages after it")
			break
		}
	}
	return false
}

func shown(id []byte) string { return string(id[:min(len(id), maxID)]) }
