package wasm

import (
	"errors"
	"strings"

	"github.com/tetratelabs/wazero/sys"

	"github.com/pointsman/pointsman/engine/document"
)

// trapKind is in what way a guest failed. The text is shown in statistics.
type trapKind int

const (
	trapOther       trapKind = iota
	trapUnreachable          // a panic or an abort, in most languages
	trapFuel
	trapDeadline
	trapMemory // an access outside its memory, by itself or by what it passed
	trapStack
	trapHostCalls // too many, or too much work in them
	trapOutput    // too much, or not what was due
	trapExit
	trapKinds
)

var trapNames = [trapKinds]string{
	"other", "unreachable", "out_of_fuel", "deadline", "bad_access", "stack", "host_calls", "output", "exit",
}

// trapOf tells the kind by the error of a call.
func trapOf(err error) trapKind {
	var exit *sys.ExitError
	switch {
	case errors.Is(err, errFuel):
		return trapFuel
	case errors.Is(err, errOverdue):
		return trapDeadline
	case errors.Is(err, errBounds):
		return trapMemory
	case errors.Is(err, document.ErrCalls), errors.Is(err, document.ErrWork), errors.Is(err, document.ErrHandles), errors.Is(err, document.ErrParse):
		return trapHostCalls
	case errors.Is(err, document.ErrOutput), errors.Is(err, errJSON):
		return trapOutput
	case errors.As(err, &exit):
		return trapExit
	}
	text := err.Error()
	for _, known := range []struct {
		words string
		kind  trapKind
	}{
		{"unreachable", trapUnreachable}, {"out of bounds", trapMemory}, {"stack overflow", trapStack},
	} {
		if strings.Contains(text, "wasm error: "+known.words) {
			return known.kind
		}
	}
	return trapOther
}
