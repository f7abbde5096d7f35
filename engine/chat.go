package engine

import (
	"errors"
	"strconv"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Bounds of a chat body, beside those of the document (document.Limits).
const (
	MaxChatMessages = 10_000
	MaxModelID      = 256 // bytes
	MaxHint         = 256 // bytes of a session, task or agent hint
	maxStops        = 64
	maxMetadata     = 16
	maxMetadataKey  = 64  // code points
	maxMetadataText = 512 // code points
	maxModels       = 16
	maxTools        = 1024
)

// ParseChat reads a chat body into a document and validates it with CheckChat.
// It keeps b, which must not change afterwards.
// Errors: *Error with CodeInvalidJSON and a message with line and column for text
// that is not acceptable JSON (Param names the member where known), and those of CheckChat.
func ParseChat(b []byte) (*document.Doc, error) {
	doc, err := document.Parse(b, document.Limits{})
	if err != nil {
		return nil, jsonError(err)
	}
	if err := CheckChat(doc); err != nil {
		doc.Release()
		return nil, err
	}
	return doc, nil
}

// jsonError says where a body stops being JSON.
func jsonError(err error) *Error {
	var s *document.SyntaxError
	if !errors.As(err, &s) {
		return &Error{Code: CodeInvalidJSON, Message: "The request body is not valid JSON.", Err: err}
	}
	e := Errorf(CodeInvalidJSON, "The request body is not acceptable JSON: line %d, column %d: %s.", s.Line, s.Column, strings.TrimSuffix(s.Reason, "."))
	e.Param = paramOf(s.Pointer)
	return e
}

// paramOf writes a JSON Pointer the way the param member of an error is written:
// /messages/0/role is messages[0].role. An overlong one is cut off at a step.
func paramOf(pointer string) string {
	const longest = 128
	var b strings.Builder
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		if b.Len()+len(step) > longest {
			break
		}
		if _, err := strconv.ParseUint(step, 10, 31); err == nil && b.Len() > 0 {
			b.WriteString("[" + step + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}

// CheckChat validates the canonical chat body: the members that Pointsman or an
// adapter reads must have the shape and range that OpenAI's API reference gives them
// (CreateChatCompletionRequest, specification of 2026-08-21). Members that it does
// not know are left alone and travel on. null counts as absent everywhere but in content.
// Errors: *Error with CodeInvalid, Param naming the member as "messages[0].role".
// It allocates nothing for a valid body.
func CheckChat(doc *document.Doc) error {
	if f := checkChat(doc.Root()); f != nil {
		return &Error{Code: CodeInvalid, Param: f.Param, Message: f.Error()}
	}
	return nil
}

func checkChat(root document.Node) *fault {
	if root.Kind() != abi.KindObject {
		return &fault{Why: "The request body must be a JSON object, not " + document.KindName(root.Kind()) + "."}
	}
	if f := checkModel(root.Get("model")); f != nil {
		return f.Under("model")
	}
	if f := checkMessages(root.Get("messages")); f != nil {
		return f.Under("messages")
	}
	for name, n := range root.Members() {
		if n.Kind() == abi.KindNull {
			continue
		}
		if f := checkOption(name, n); f != nil {
			return f.Under(name)
		}
	}
	if given(root.Get("stream_options")) && !root.Get("stream").Bool() {
		return &fault{Param: "stream_options", Why: "is only allowed when 'stream' is true"}
	}
	if choice := root.Get("tool_choice"); given(choice) && !given(root.Get("tools")) {
		if s := choice.Text(); s != "none" && s != "auto" {
			return &fault{Param: "tool_choice", Why: "is only allowed when 'tools' is given"}
		}
	}
	return nil
}

func checkModel(n document.Node) *fault {
	if f := requireString(n); f != nil {
		return f
	}
	if n.Len() > MaxModelID {
		return wrong("must be at most " + strconv.Itoa(MaxModelID) + " bytes long")
	}
	if strings.TrimSpace(n.Text()) == "" {
		return wrong("must not be empty; use 'auto' to let the routing rules choose")
	}
	return nil
}

// fault is what is wrong with a member, by its place in the part being checked.
type fault = document.Fault

func wrong(why string) *fault { return &fault{Why: why} }

// given reports whether a member is there and not null.
func given(n document.Node) bool { return n.Exists() && n.Kind() != abi.KindNull }

func requireString(n document.Node) *fault { return n.Want(abi.KindString) }

// oneOf faults a string that is not among the quoted, comma-separated choices.
func oneOf(n document.Node, choices string) *fault {
	if f := requireString(n); f != nil {
		return f
	}
	if n.Len() > 64 {
		return wrong("must be one of " + choices)
	}
	s := n.Text()
	for choice := range strings.SplitSeq(choices, ", ") {
		if len(choice) == len(s)+2 && choice[1:len(choice)-1] == s {
			return nil
		}
	}
	return wrong("must be one of " + choices + ", not '" + s + "'")
}
