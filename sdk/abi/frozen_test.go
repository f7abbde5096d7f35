package abi_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

var update = flag.Bool("update", false, "rewrite testdata/v1.txt")

// boundary writes version 1 down: every name and number that a built guest relies on.
func boundary() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("version %d, module %s, manifest section %s", abi.Version, abi.Module, abi.ManifestSection)
	for i, f := range abi.Functions() {
		line("import %d %s (%s) -> (%s)", i, f.Name, f.Params, f.Result)
	}
	for _, name := range []string{
		abi.EntryConfigure, abi.EntryDecide, abi.EntryRequest, abi.EntryResponse,
		abi.EntryEvent, abi.EntryError, abi.EntryProbe, abi.Initialize, abi.Memory,
	} {
		line("export %s", name)
	}
	for _, kind := range []string{abi.KindRule, abi.KindProvider} {
		line("kind %s requires %s", kind, strings.Join(abi.RequiredEntries(kind), " "))
	}
	line("event %s", abi.EventEOF)
	line("results decided=%d abstain=%d reject=%d broken=%d", abi.Decided, abi.Abstain, abi.Reject, abi.Broken)
	line("documents request=%d context=%d config=%d response=%d call=%d",
		abi.DocRequest, abi.DocContext, abi.DocConfig, abi.DocResponse, abi.DocCall)
	line("kinds absent=%d null=%d bool=%d number=%d string=%d array=%d object=%d",
		abi.KindAbsent, abi.KindNull, abi.KindBool, abi.KindNumber, abi.KindString, abi.KindArray, abi.KindObject)
	line("classes invalid=%d auth=%d not_found=%d rate_limited=%d quota=%d overloaded=%d server=%d context_length=%d content_filter=%d",
		abi.ClassInvalid, abi.ClassAuth, abi.ClassNotFound, abi.ClassRateLimited, abi.ClassQuota,
		abi.ClassOverloaded, abi.ClassServer, abi.ClassContextLength, abi.ClassContentFilter)
	line("levels debug=%d info=%d warn=%d error=%d", abi.LevelDebug, abi.LevelInfo, abi.LevelWarn, abi.LevelError)
	line("operations %s %s %s %s, unsupported=%d",
		abi.OperationChat, abi.OperationEmbeddings, abi.OperationCountTokens, abi.OperationList, abi.CodeUnsupported)
	return b.Bytes()
}

// TestBoundaryIsFrozen: what a guest was built against stays. Lines may be added to the
// golden file; one that changes or goes breaks every plugin that exists.
func TestBoundaryIsFrozen(t *testing.T) {
	const golden = "testdata/v1.txt"
	got := boundary()
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the boundary is\n%s\nwant\n%s", got, want)
	}
}
