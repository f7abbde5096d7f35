package main

import (
	"slices"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// The function runs here as plain Go, against the same documents that a host hands to a guest.
func TestDecide(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       sdk.Verdict
		targets    []string
	}{
		{"asks for it", "Please refactor this function.", sdk.Decided, []string{"gpt-5.1-codex"}},
		{"part of a word", "the refactoring is done", sdk.Abstain, nil},
		{"something else", "good morning", sdk.Abstain, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got sdk.Verdict
			f := sdktest.Call(t, document.FrameInput{
				Context: sdktest.JSON(t, `{"request":{"text":"`+tt.text+`"}}`),
			}, func() { got = decide() })
			if got != tt.want || !slices.Equal(f.Targets(), tt.targets) {
				t.Errorf("decide(%q) = %v, %q, want %v, %q", tt.text, got, f.Targets(), tt.want, tt.targets)
			}
		})
	}
}
