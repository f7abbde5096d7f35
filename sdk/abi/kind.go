package abi

// Doc numbers, the argument of "doc".
const (
	DocRequest  int32 = 1 // canonical chat body; absent in EntryEvent
	DocContext  int32 = 2
	DocConfig   int32 = 3
	DocResponse int32 = 4 // provider body or event data; text that is not JSON is a string
	DocCall     int32 = 5
)

// Kind is the type of a JSON value, the result of "kind".
type Kind int32

// Kinds of a node. KindAbsent is what every unknown handle answers.
const (
	KindAbsent Kind = 0
	KindNull   Kind = 1
	KindBool   Kind = 2
	KindNumber Kind = 3
	KindString Kind = 4
	KindArray  Kind = 5
	KindObject Kind = 6
)

// Class is what kind of failure a provider reported, the argument of "classify".
type Class int32

// Classes. Zero means unclassified; the host then goes by the HTTP status.
const (
	ClassNone          Class = 0
	ClassInvalid       Class = 1
	ClassAuth          Class = 2
	ClassNotFound      Class = 3
	ClassRateLimited   Class = 4
	ClassQuota         Class = 5
	ClassOverloaded    Class = 6
	ClassServer        Class = 7
	ClassContextLength Class = 8
	ClassContentFilter Class = 9
)

var classNames = [...]string{
	ClassNone: "", ClassInvalid: "invalid", ClassAuth: "auth", ClassNotFound: "not_found",
	ClassRateLimited: "rate_limited", ClassQuota: "quota", ClassOverloaded: "overloaded",
	ClassServer: "server", ClassContextLength: "context_length", ClassContentFilter: "content_filter",
}

// Name is the class as decision records, trials and fixtures write it: "" for ClassNone,
// "failed" for a number that is no class.
func (c Class) Name() string {
	if c < 0 || int(c) >= len(classNames) {
		return "failed"
	}
	return classNames[c]
}

// Retryable reports whether another target may succeed where this one failed.
// Invalid requests and filtered content fail alike everywhere and go back to the caller.
func (c Class) Retryable() bool {
	switch c {
	case ClassInvalid, ClassContentFilter:
		return false
	}
	return true
}

// Log levels, the first argument of "log".
const (
	LevelDebug int32 = 0
	LevelInfo  int32 = 1
	LevelWarn  int32 = 2
	LevelError int32 = 3
)
