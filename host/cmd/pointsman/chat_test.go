package main

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestPrintDeltas(t *testing.T) {
	t.Parallel()
	event := func(data string) string { return "data: " + data + "\n\n" }
	text := func(s string) string { return event(`{"choices":[{"delta":{"content":"` + s + `"}}]}`) }
	tests := []struct {
		name, stream, want, wantErr string
	}{
		{"whole", text("Hel") + ": ping\n\n" + text("lo") + event("[DONE]"), "Hello\n", ""},
		{"usage has no choices", text("Hi") + event(`{"choices":[],"usage":{}}`) + event("[DONE]"), "Hi\n", ""},
		{"cut", text("Hel"), "Hel\n", "cut off"},
		{"nothing", "", "\n", "cut off"},
		{"an error event", text("Hel") + event(`{"error":{"message":"provider broke"}}`), "Hel\n", "provider broke"},
		{"no JSON", event("x"), "\n", "read stream"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := printDeltas(&out, iotest.OneByteReader(strings.NewReader(tt.stream)))
			if out.String() != tt.want || (err != nil) != (tt.wantErr != "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("printDeltas(%q) = %q, %v, want %q and an error with %q", tt.stream, out.String(), err, tt.want, tt.wantErr)
			}
		})
	}
	broken := errors.New("connection reset")
	if err := printDeltas(&strings.Builder{}, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("printDeltas of a broken stream = %v, want %v", err, broken)
	}
}

func TestNewLogger(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]string{"": "info", "info": "info", "debug": "debug", "error": "error", "loud": "info"} {
		if got := newLogger(level).GetLevel().String(); got != want {
			t.Errorf("newLogger(%q) logs from %s on, want %s", level, got, want)
		}
	}
}
