package document

import (
	"errors"

	"github.com/pointsman/pointsman/sdk/abi"
)

// FrameInput is what one entry-point call is made with. The documents must stay as
// they are until the next Reset. Absent nodes and nil members are allowed throughout.
type FrameInput struct {
	Request  Node // doc 1; not shown in abi.EntryEvent
	Context  Node // doc 2
	Config   Node // doc 3
	Response Node // doc 4
	Call     Node // doc 5

	// Rest completes Context, which then lacks its last member, contextRest; nil: it is whole.
	Rest Completer
	// Text is what stands at contextText; absent: what is there. Only with Rest, whose whole
	// document begins as Context does and has the text in its place.
	Text Node

	EventName string                   // of the upstream event; abi.EventEOF at the end
	Status    int                      // HTTP status of the upstream answer
	Field     func(name string) string // header of the upstream answer, any case; nil: there is none

	State  *State  // kept over the events of one response; nil: nothing is kept
	Random *Random // of the attempt; nil: zeros

	// Of a call that is made again from a record: values of Context that were not kept, and
	// whether Request was not. Who looks at one is told that it is absent, and Missed says so.
	Unkept        []Node
	UnkeptRequest bool

	NowMS int64 // the request's time, Unix milliseconds

	Kind      string // abi.KindRule or abi.KindProvider: sets the defaults below
	Entry     string // abi.EntryDecide, …
	MaxOutput int    // bytes emitted; 0: abi.ProviderOutput or abi.RuleOutput
	MaxCalls  int    // host calls; 0: abi.ProviderCalls or abi.RuleHostCalls
}

// Completer makes a document whole whose dearest part was left out until somebody asks for it.
type Completer interface {
	// Whole returns the document with the part. What was there before is in it as it was.
	Whole() Node
}

// contextRest is the member that a Context may leave to Rest, and contextText the string that may
// be in a document of its own.
const (
	contextRest = "models"
	contextText = "/request/text"
)

// Frame is the host side of one entry-point call: every import of the boundary is a
// method of the same name, in Go form. A wasm host calls it with slices of guest memory,
// a native test double with its own; the behaviour is the same.
//
// A Frame is reused: Reset begins a call, the result methods tell what it came to.
// After warm-up a call allocates nothing, except for texts never seen before (the
// strings of results are kept by content; see interner). One goroutine at a time.
//
// Handles are int32. 0 is absent; a handle of an earlier call, and any other number, is
// answered as absent too, and never makes a method panic. Methods neither keep the
// slices they are given nor write beyond them. A method that has no meaning in the entry
// point at hand (target in a provider, flush outside pm_event_v1) does nothing.
//
// A guest that goes over a limit or asks for what is forbidden ends the call: Err is set
// and stays, and every method answers as for absent from then on.
type Frame struct {
	in     FrameInput
	err    error
	missed bool

	incomplete Node // what Context was before it was made whole
	textAt     Node // the place of Text in Context as it was given

	calls, work int // spent

	generation uint32
	refs       []ref    // refs[0] is never used
	docs       [6]int32 // handles of the five documents; 0: not asked for yet
	memo       memo
	parsed     []*parsedText
	parsedUsed int
	parsedSize int // bytes parsed in this call
	inputSize  int // bytes of the five documents

	out     []byte
	cuts    []int // ends of the chunks in out
	chunks  [][]byte
	scratch []byte

	strings interner
	result  result
}

// Errors of a Frame. The host shows their text to the plugin's author.
var (
	ErrCalls   = errors.New("too many host calls")
	ErrWork    = errors.New("too much work in host calls")
	ErrOutput  = errors.New("too much output")
	ErrHandles = errors.New("too many nodes in use")
	ErrParse   = errors.New("too much text parsed")
	ErrState   = errors.New("state too large")
	ErrTargets = errors.New("too many targets")
	ErrTags    = errors.New("too many tags or params")
	ErrLossy   = errors.New("too many lossy fields")
	ErrText    = errors.New("text too long")
	ErrMethod  = errors.New("unknown HTTP method")
	ErrPath    = errors.New("HTTP path not allowed")
	ErrHeader  = errors.New("HTTP header not allowed")
	ErrClass   = errors.New("unknown failure class")
)

// What host calls may cost together, in bytes looked at: fuel meters only the guest.
const (
	workPerCall  = 256 // for each call allowed
	workPerInput = 32  // for each byte of the documents
	parsePerByte = 4   // work of parse, for each byte
	parsedExtra  = 64 << 10
	parsedInput  = 4 // times the documents' size may be parsed in one call
)

// Reset begins a call. Everything that the previous one gave out as a view (Output,
// Chunks) ends here; Reset(FrameInput{}) only lets go of the documents.
func (f *Frame) Reset(in FrameInput) {
	provider := in.Kind == abi.KindProvider
	if in.MaxOutput <= 0 {
		in.MaxOutput = abi.RuleOutput
		if provider {
			in.MaxOutput = abi.ProviderOutput
		}
	}
	if in.MaxCalls <= 0 {
		in.MaxCalls = abi.RuleHostCalls
		if provider {
			in.MaxCalls = abi.ProviderCalls
		}
	}
	f.in = in
	f.err = nil
	f.missed = false
	f.calls = 0
	f.inputSize = 0
	for _, n := range [...]Node{in.Request, in.Context, in.Config, in.Response, in.Call} {
		f.inputSize += len(n.d.Bytes())
	}
	f.textAt = Node{}
	if in.Text.Exists() {
		f.textAt = in.Context.Pointer(contextText)
		f.inputSize += len(in.Text.Raw()) - len(f.textAt.Raw())
	}
	f.work = workPerCall*in.MaxCalls + workPerInput*f.inputSize
	f.resetRefs()
	f.resetParsed()
	f.resetOutput()
	f.result.reset()
}

// Err returns the first violation of this call, or nil. It wraps nothing from outside.
func (f *Frame) Err() error { return f.err }

// Calls returns how many host calls were made since Reset.
func (f *Frame) Calls() int { return f.calls }

// Entry returns the entry point of the call at hand, as it was given to Reset.
func (f *Frame) Entry() string { return f.in.Entry }

// enter counts a host call; false means that the call is over.
func (f *Frame) enter() bool {
	if f.err != nil {
		return false
	}
	f.calls++
	if f.calls > f.in.MaxCalls {
		f.err = ErrCalls
		return false
	}
	return true
}

// Spend takes n bytes of work from the call's budget, for what a host function outside of
// the frame looks at. It ends the call, as Err tells, when that is used up.
func (f *Frame) Spend(n int) { f.spend(n) }

// spend takes n bytes of work from the budget.
func (f *Frame) spend(n int) {
	if f.work -= n; f.work < 0 {
		f.violate(ErrWork)
	}
}

func (f *Frame) violate(err error) {
	if f.err == nil {
		f.err = err
	}
}
