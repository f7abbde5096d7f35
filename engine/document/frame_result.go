package document

import (
	"github.com/pointsman/pointsman/sdk/abi"
)

// LogLine is a line that a guest logged: valid UTF-8, control characters stripped.
type LogLine struct {
	Level int32 // abi.LevelDebug to abi.LevelError
	Text  string
}

// result is what a call came to besides its output.
type result struct {
	targets []string
	reason  string
	tags    [][2]string
	params  [][2]string
	lossy   []string

	class        abi.Class
	retryAfterMS int64

	failed  bool
	code    int32
	message string

	logs    []LogLine
	dropped int

	method, path string
	headers      [][2]string
}

func (r *result) reset() {
	*r = result{
		targets: r.targets[:0], tags: r.tags[:0], params: r.params[:0], lossy: r.lossy[:0],
		logs: r.logs[:0], headers: r.headers[:0],
	}
}

// maxRetryAfterMS bounds what a provider may make us wait: a day.
const maxRetryAfterMS = 24 * 60 * 60 * 1000

// Target adds a model to the end of the ranking. An empty id is ignored.
func (f *Frame) Target(id []byte) {
	if f.enterRule() {
		f.target(id)
	}
}

// TargetNode is Target with a string's text; any other kind is ignored.
func (f *Frame) TargetNode(h int32) {
	if !f.enterRule() {
		return
	}
	r := f.ref(h)
	if r.kind() != abi.KindString {
		return
	}
	if _, size := r.content(); size > abi.MaxTagText {
		f.violate(ErrText)
		return
	}
	f.target(f.text(r))
}

func (f *Frame) target(id []byte) {
	switch {
	case len(id) == 0:
	case len(id) > abi.MaxTagText:
		f.violate(ErrText)
	case len(f.result.targets) == abi.MaxTargets:
		f.violate(ErrTargets)
	default:
		f.result.targets = append(f.result.targets, f.clean(id, abi.MaxTagText))
	}
}

// Reason says why the rule decided so; the last one counts. Cut to abi.MaxReason bytes.
func (f *Frame) Reason(text []byte) {
	if f.enterRule() {
		f.result.reason = f.clean(text, abi.MaxReason)
	}
}

// Tag labels the decision record; a key that was set before gets the new value. Key
// and value are cut to abi.MaxTagText bytes; an empty key is ignored.
func (f *Frame) Tag(key, value []byte) {
	if f.enterRule() {
		f.result.tags = f.pair(f.result.tags, key, value)
	}
}

// Param proposes a request parameter, as Tag sets a tag. Which are heeded is the pipeline's business.
func (f *Frame) Param(key, value []byte) {
	if f.enterRule() {
		f.result.params = f.pair(f.result.params, key, value)
	}
}

func (f *Frame) pair(pairs [][2]string, key, value []byte) [][2]string {
	if len(key) == 0 {
		return pairs
	}
	k, v := f.clean(key, abi.MaxTagText), f.clean(value, abi.MaxTagText)
	for i := range pairs {
		if pairs[i][0] == k {
			pairs[i][1] = v
			return pairs
		}
	}
	if len(pairs) == abi.MaxTags {
		f.violate(ErrTags)
		return pairs
	}
	return append(pairs, [2]string{k, v})
}

// Lossy names a field that the adapter could not carry. Cut to abi.MaxTagText bytes;
// empty ones and repetitions are ignored.
func (f *Frame) Lossy(field []byte) {
	if !f.enterProvider() || len(field) == 0 {
		return
	}
	name := f.clean(field, abi.MaxTagText)
	for _, l := range f.result.lossy {
		if l == name {
			return
		}
	}
	if len(f.result.lossy) == abi.MaxLossy {
		f.violate(ErrLossy)
		return
	}
	f.result.lossy = append(f.result.lossy, name)
}

// Classify says what kind of failure the provider reported; the last one counts.
// retryAfterMS is clamped to 0 … one day; 0 means unsaid.
func (f *Frame) Classify(class int32, retryAfterMS int64) {
	if !f.enterProvider() {
		return
	}
	if c := abi.Class(class); c < abi.ClassInvalid || c > abi.ClassContentFilter {
		f.violate(ErrClass)
		return
	}
	f.result.class = abi.Class(class)
	f.result.retryAfterMS = min(max(retryAfterMS, 0), maxRetryAfterMS)
}

// Fail records a code and a message that is safe to show, cut to abi.MaxMessage bytes;
// the last one counts. What a code means is the entry point's business.
func (f *Frame) Fail(code int32, message []byte) {
	if f.enter() {
		r := &f.result
		r.failed, r.code, r.message = true, code, f.clean(message, abi.MaxMessage)
	}
}

// Log keeps a line, cut to abi.MaxLogLine bytes; lines after the first
// abi.MaxLogLines are dropped and counted. Levels outside the known ones become the nearest.
func (f *Frame) Log(level int32, line []byte) {
	if !f.enter() {
		return
	}
	if len(f.result.logs) == abi.MaxLogLines {
		f.result.dropped++
		return
	}
	level = min(max(level, abi.LevelDebug), abi.LevelError)
	f.result.logs = append(f.result.logs, LogLine{level, f.clean(line, abi.MaxLogLine)})
}

// The results of the call. Slices are valid until the next Reset, strings for good.

// Targets returns the ranking, best first.
func (f *Frame) Targets() []string { return f.result.targets }

// ReasonText returns the last reason.
func (f *Frame) ReasonText() string { return f.result.reason }

// Tags returns the tags in the order in which their keys were first set.
func (f *Frame) Tags() [][2]string { return f.result.tags }

// Params returns the proposed parameters in the order in which their keys were first set.
func (f *Frame) Params() [][2]string { return f.result.params }

// LossyFields returns the fields that could not be carried.
func (f *Frame) LossyFields() []string { return f.result.lossy }

// Class returns the failure's class, abi.ClassNone when classify was not called.
func (f *Frame) Class() abi.Class { return f.result.class }

// RetryAfterMS returns when to try again, 0 when unsaid.
func (f *Frame) RetryAfterMS() int64 { return f.result.retryAfterMS }

// Failure returns what fail was called with; ok is false when it was not.
func (f *Frame) Failure() (code int32, message string, ok bool) {
	return f.result.code, f.result.message, f.result.failed
}

// Logs returns the lines that were kept.
func (f *Frame) Logs() []LogLine { return f.result.logs }

// LogsDropped returns how many lines came after the last that was kept.
func (f *Frame) LogsDropped() int { return f.result.dropped }

// HTTP returns the provider request's method, path and headers; "" for what was not set.
func (f *Frame) HTTP() (method, path string, headers [][2]string) {
	return f.result.method, f.result.path, f.result.headers
}
