package document

import (
	"strconv"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Fault says what is wrong with a member of a document. It is built from the inside out:
// whoever finds it names what is wrong, and each caller puts it below its own member. The
// methods that build it take nil, for nothing is wrong. Immutable once returned as an error.
type Fault struct {
	Param string // the member, as "messages[0].content"; empty for the document itself
	Why   string // predicate of a sentence about Param, or a whole sentence without one; safe to show
	// Uncarried: nothing is wrong with the member, and yet it cannot be taken along.
	Uncarried bool
}

// Error returns the sentence, safe to show to whoever sent the document.
func (f *Fault) Error() string {
	if f.Param == "" {
		return f.Why
	}
	return "'" + f.Param + "' " + f.Why + "."
}

// Under puts the fault below the named member. The receiver may be nil.
func (f *Fault) Under(name string) *Fault {
	switch {
	case f == nil:
	case f.Param == "" || f.Param[0] == '[':
		f.Param = name + f.Param
	default:
		f.Param = name + "." + f.Param
	}
	return f
}

// Item puts the fault below the i-th element. The receiver may be nil.
func (f *Fault) Item(i int) *Fault { return f.Under("[" + strconv.Itoa(i) + "]") }

// Want faults a value that is missing or of another kind; nil when it is of that one.
func (n Node) Want(k abi.Kind) *Fault {
	if n.Kind() == k {
		return nil
	}
	if !n.Exists() {
		return &Fault{Why: "is required and must be " + KindName(k)}
	}
	return &Fault{Why: "must be " + KindName(k) + ", not " + KindName(n.Kind())}
}

// KindName is a kind in a sentence: "an array".
func KindName(k abi.Kind) string {
	switch k {
	case abi.KindNull:
		return "null"
	case abi.KindBool:
		return "a boolean"
	case abi.KindNumber:
		return "a number"
	case abi.KindString:
		return "a string"
	case abi.KindArray:
		return "an array"
	case abi.KindObject:
		return "an object"
	}
	return "missing"
}
