package sdktest_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

func TestRunKeepsABrokenLimit(t *testing.T) {
	t.Parallel()
	f := sdktest.Run(document.FrameInput{Kind: abi.KindRule, MaxCalls: 3}, func() {
		for range 4 {
			sdk.NowMS()
		}
	})
	if !errors.Is(f.Err(), document.ErrCalls) {
		t.Errorf("Err() after four of three calls = %v, want %v", f.Err(), document.ErrCalls)
	}
}

func TestRunAfterPanic(t *testing.T) {
	t.Parallel()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Run swallowed the panic of entry")
			}
		}()
		sdktest.Run(document.FrameInput{}, func() { panic("a trap") })
	}()
	f := sdktest.Run(document.FrameInput{}, func() { sdk.Target("next") })
	if got := f.Targets(); len(got) != 1 || got[0] != "next" {
		t.Errorf("Targets() after a panic = %q, want next", got)
	}
}

// Every call sees its own documents, however many tests call at once.
func TestRunHammer(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			text := string(rune('a' + i))
			in := document.FrameInput{Context: sdktest.JSON(t, `{"id":"`+text+`"}`)}
			for range 200 {
				f := sdktest.Call(t, in, func() { sdk.TargetNode(sdk.Context().Get("id")) })
				if got := f.Targets(); len(got) != 1 || got[0] != text {
					t.Errorf("Targets() = %q, want %q", got, text)
				}
			}
		})
	}
	wg.Wait()
}

func TestBody(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       abi.Kind
	}{
		{"json", `{"a":1}`, abi.KindObject},
		{"page", "<html>", abi.KindString},
		{"cut", `{"a":`, abi.KindString},
		{"twice the same name", `{"a":1,"a":2}`, abi.KindString},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := sdktest.Body(tc.text).Kind(); got != tc.want {
				t.Errorf("Body(%q).Kind() = %d, want %d", tc.text, got, tc.want)
			}
		})
	}
}
