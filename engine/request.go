package engine

import (
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// ModelAuto asks for the tenant's rules to choose.
const ModelAuto = "auto"

// Request is one completion as it was asked for: the canonical chat document and
// everything known about its sender. It is read-only once the pipeline has it,
// and lives until its completion or stream is closed.
type Request struct {
	ID        string // x-request-id
	Principal Principal
	Operation string        // abi.OperationChat (also ""), OperationEmbeddings or OperationCountTokens
	Doc       *document.Doc // canonical chat body, already validated by CheckChat; for embeddings OpenAI's body
	// Wire is what the caller speaks: APIChat (also ""), APIMessages or APIResponses.
	Wire API
	// Source is the caller's own body when Wire is not APIChat; nil otherwise.
	Source *document.Doc
	// Headers of the caller that adapters may see (anthropic-beta,
	// openai-beta), lower-case names, each once.
	Headers []Pair
	// Lossy names, in the caller's wire, what of Source the canonical Doc has no place
	// for. Nil when Wire is APIChat.
	Lossy []string
	// WireOnly is set when only a provider that speaks Wire itself can be asked: Doc lacks
	// something that must not be left out. It says what, and is the answer when there is
	// no such target. Targets that do not are skipped.
	WireOnly *Error
	Model    string // what the caller asked for: auto, a catalogue id, or provider/model
	Stream   bool
	// IncludeUsage: the caller wants the usage chunk of a stream (stream_options.include_usage).
	IncludeUsage bool
	Hints        Hints
	Received     time.Time // the one clock reading of this request
	Features     Features  // what rules see; filled by the pipeline
	// Models are those that the caller may use; filled by the pipeline from a shared
	// snapshot: read only. Model.At tells how each is served at Received.
	Models []Model
	// Policy is what holds for the caller; filled by the pipeline. Nil: nothing is set.
	Policy *Policy
	// Budget is what the caller's budgets leave; filled by the pipeline.
	Budget BudgetLeft
	// Session is the conversation so far; filled by the pipeline. Zero when the request
	// names none, or the first turn of one is answered.
	Session Session

	// Recorded is set when the request is made again from a record; see DecisionInputs.Replay.
	Recorded *RecordedText
	// Record asks the Decider for Decision.Found.
	Record bool
	// Explain asks for Meta.Explanation.
	Explain bool
	// TraceParent is the caller's traceparent header, as it came; "": there was none.
	TraceParent string
	// Trace is the request's spans; filled by the pipeline. Nil unless it is traced.
	Trace RequestTrace

	states   modelStates // nil outside the pipeline
	dry      *dryRun     // nil unless the decision is explained
	decider  Decider     // nil: the pipeline's
	proposed struct {    // by a rule plugin, as far as it was taken
		maxTokens int64  // 0: none
		effort    string // "" : none
	}
	context *document.Doc // built on first use; see Context
	brief   *document.Doc // built on first use; see BriefContext
	text    document.Node // of the brief context
	packed  *document.Doc // built on first use; see canonical
}

// operation is Operation without its zero value.
func (r *Request) operation() string {
	if r.Operation == "" {
		return abi.OperationChat
	}
	return r.Operation
}

// Hints are what the caller said about the request, from body metadata or headers.
// A header wins over the body. Empty means unsaid.
type Hints struct {
	SessionID     string
	TaskType      string
	AgentID       string
	TimeSensitive bool
	Strict        bool
}

// Features are what rules and plugins see of the request: the "request" member
// of the context document. Computed once, from the canonical body.
type Features struct {
	Model         string
	Text          string // whole text of the last user message; rules see its first 16 KiB
	Chars         int    // code points of Text
	Tokens        int64  // estimate over all messages and tool schemas
	Messages      int
	Images        int64 // over all messages
	HasImage      bool  // in the last user message
	HasAudio      bool
	HasTools      bool
	HasCode       bool
	Command       string // "/fast", or ""
	TaskType      string
	TimeSensitive bool
	Stream        bool
	// Needs are the capabilities that the whole conversation needs of a target.
	Needs []Capability
	// Metadata is the body's metadata object; absent when there is none.
	Metadata document.Node

	said document.Node // the string of the body that Text is; absent when it is put together
}

// MaxRuleText is how much of Features.Text the rule variable "text" holds, in bytes.
const MaxRuleText = 16 << 10
