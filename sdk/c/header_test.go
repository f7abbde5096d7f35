package c_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// wasmTypes are the types of C that the header may use at the boundary, as letters of abi.Function.
var wasmTypes = map[string]string{
	"pm_node": "i", "int32_t": "i", "char *": "i", "const char *": "i", "int64_t": "I", "double": "F", "void": "",
}

func readHeader(t *testing.T) string {
	t.Helper()
	header, err := os.ReadFile("pointsman.h")
	if err != nil {
		t.Fatal(err)
	}
	return string(header)
}

// TestHeaderDeclaresTheBoundary holds every declaration against sdk/abi, in its order.
func TestHeaderDeclaresTheBoundary(t *testing.T) {
	t.Parallel()
	letters := func(what, types string) string {
		letter, known := wasmTypes[strings.TrimSpace(types)]
		if !known {
			t.Errorf("%s has the type %q", what, types)
		}
		return letter
	}
	var got []abi.Function
	declaration := regexp.MustCompile(`(?m)^PM_IMPORT\((\w+)\) (\w+ \*?)pm_v1_(\w+)\((.*)\);$`)
	for _, m := range declaration.FindAllStringSubmatch(readHeader(t), -1) {
		f := abi.Function{Name: m[1], Result: letters(m[1], m[2])}
		if m[3] != m[1] {
			t.Errorf("%s is called pm_v1_%s", m[1], m[3])
		}
		if m[4] != "void" {
			for param := range strings.SplitSeq(m[4], ", ") {
				f.Params += letters(m[1], strings.TrimRight(param, "abcdefghijklmnopqrstuvwxyz_"))
			}
		}
		got = append(got, f)
	}
	want := abi.Functions()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("%s is not declared", want[i].Name)
		case i >= len(want):
			t.Errorf("%s is declared and not of the boundary", got[i].Name)
		case got[i] != want[i]:
			t.Errorf("function %d is declared as %+v, want %+v", i, got[i], want[i])
		}
	}
	if n := strings.Count(readHeader(t), "\nPM_IMPORT("); n != len(got) {
		t.Errorf("%d declarations, %d of them understood", n, len(got))
	}
}

// TestHeaderNumbers holds every number and name against sdk/abi.
func TestHeaderNumbers(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, m := range regexp.MustCompile(`\b(PM_[A-Z0-9_]+) = (-?\d+)`).FindAllStringSubmatch(readHeader(t), -1) {
		got[m[1]] = m[2]
	}
	for _, m := range regexp.MustCompile(`(?m)^#define (PM_[A-Z0-9_]+) ("\w+"|\d+)`).FindAllStringSubmatch(readHeader(t), -1) {
		got[m[1]] = strings.Trim(m[2], `"`)
	}
	for name, want := range map[string]any{
		"PM_ABI": abi.Version, "PM_DECIDED": abi.Decided, "PM_ABSTAIN": abi.Abstain, "PM_REJECT": abi.Reject, "PM_OK": 0, "PM_BROKEN": abi.Broken,
		"PM_DOC_REQUEST": abi.DocRequest, "PM_DOC_CONTEXT": abi.DocContext, "PM_DOC_CONFIG": abi.DocConfig, "PM_DOC_RESPONSE": abi.DocResponse, "PM_DOC_CALL": abi.DocCall,
		"PM_KIND_ABSENT": abi.KindAbsent, "PM_KIND_NULL": abi.KindNull, "PM_KIND_BOOL": abi.KindBool, "PM_KIND_NUMBER": abi.KindNumber,
		"PM_KIND_STRING": abi.KindString, "PM_KIND_ARRAY": abi.KindArray, "PM_KIND_OBJECT": abi.KindObject,
		"PM_CLASS_INVALID": abi.ClassInvalid, "PM_CLASS_AUTH": abi.ClassAuth, "PM_CLASS_NOT_FOUND": abi.ClassNotFound,
		"PM_CLASS_RATE_LIMITED": abi.ClassRateLimited, "PM_CLASS_QUOTA": abi.ClassQuota, "PM_CLASS_OVERLOADED": abi.ClassOverloaded,
		"PM_CLASS_SERVER": abi.ClassServer, "PM_CLASS_CONTEXT_LENGTH": abi.ClassContextLength, "PM_CLASS_CONTENT_FILTER": abi.ClassContentFilter,
		"PM_LEVEL_DEBUG": abi.LevelDebug, "PM_LEVEL_INFO": abi.LevelInfo, "PM_LEVEL_WARN": abi.LevelWarn, "PM_LEVEL_ERROR": abi.LevelError,
		"PM_CODE_UNSUPPORTED": abi.CodeUnsupported, "PM_OPERATION_CHAT": abi.OperationChat, "PM_OPERATION_EMBEDDINGS": abi.OperationEmbeddings,
		"PM_OPERATION_COUNT_TOKENS": abi.OperationCountTokens, "PM_OPERATION_LIST": abi.OperationList, "PM_EVENT_EOF": abi.EventEOF,
		"PM_MAX_REASON": abi.MaxReason, "PM_MAX_MESSAGE": abi.MaxMessage, "PM_MAX_LOG_LINE": abi.MaxLogLine, "PM_MAX_LOG_LINES": abi.MaxLogLines,
		"PM_MAX_STATE": abi.MaxState, "PM_MAX_TARGETS": abi.MaxTargets, "PM_MAX_TAGS": abi.MaxTags, "PM_MAX_TAG_TEXT": abi.MaxTagText,
		"PM_MAX_LOSSY": abi.MaxLossy, "PM_MAX_HTTP_FIELD": abi.MaxHTTPField, "PM_MAX_HTTP_TEXT": abi.MaxHTTPText,
	} {
		if got[name] != fmt.Sprint(want) {
			t.Errorf("%s is %q, want %v", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("numbers that nothing is held against: %v", got)
	}
	for _, entry := range []string{
		abi.EntryConfigure, abi.EntryDecide, abi.EntryRequest, abi.EntryResponse, abi.EntryEvent, abi.EntryError, abi.EntryProbe,
	} {
		if strings.Count(readHeader(t), entry) == 0 {
			t.Errorf("the header does not describe %s", entry)
		}
	}
	if !strings.Contains(readHeader(t), `import_module("`+abi.Module+`")`) {
		t.Errorf("the header does not import from %s", abi.Module)
	}
}

// TestHeaderIsDocumented: a comment stands above every function.
func TestHeaderIsDocumented(t *testing.T) {
	t.Parallel()
	lines := strings.Split(readHeader(t), "\n")
	functions := 0
	for i, line := range lines {
		if !strings.HasPrefix(line, "PM_IMPORT(") && !strings.HasPrefix(line, "static inline ") {
			continue
		}
		functions++
		if above := strings.TrimSpace(lines[i-1]); !strings.HasSuffix(above, "*/") {
			t.Errorf("line %d: %s has no comment", i+1, line)
		}
	}
	if functions < 2*len(abi.Functions()) {
		t.Errorf("%d functions, want each of %d twice", functions, len(abi.Functions()))
	}
}
