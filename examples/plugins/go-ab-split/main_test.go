package main

import (
	"fmt"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// run decides for a context and returns the model; the request's id seeds its sequence.
func run(t *testing.T, config, context, requestID string) string {
	t.Helper()
	f := sdktest.Call(t, document.FrameInput{
		Config: sdktest.JSON(t, config), Context: sdktest.JSON(t, context), Random: document.NewRandom(requestID, 0, "go-ab-split"),
	}, func() {
		if got := decide(); got != sdk.Decided {
			t.Errorf("decide(%s) = %v, want decided", context, got)
		}
	})
	if len(f.Targets()) != 1 {
		t.Fatalf("decide(%s) ranks %q, want one model", context, f.Targets())
	}
	return f.Targets()[0]
}

func config(experiment, sticky string) string {
	return fmt.Sprintf(`{"experiment":%q,"sticky":%q,"variants":[
		{"name":"old","model":"a","weight":3},{"name":"off","model":"never","weight":0},{"name":"new","model":"b","weight":1}]}`, experiment, sticky)
}

// Of 4,000 users a quarter goes to b, give or take: the hash has no seed, so the count
// is always the same.
func TestShares(t *testing.T) {
	for _, sticky := range []string{"user", "session", "none"} {
		got := map[string]int{}
		for i := range 4000 {
			got[run(t, config("one", sticky), fmt.Sprintf(`{"caller":{"user":"u%d"},"session":{"id":"s%d"}}`, i, i), fmt.Sprint("r", i))]++
		}
		if b := got["b"]; b < 900 || b > 1100 || got["never"] != 0 || got["a"]+b != 4000 {
			t.Errorf("by %s: shares %v, want about 3000 a and 1000 b", sticky, got)
		}
	}
}

// New weights move users from the variant that loses to the one that gains, and no others.
func TestWeightsMoveFew(t *testing.T) {
	const more = `{"experiment":"one","variants":[{"name":"old","model":"a","weight":1},{"name":"new","model":"b","weight":1}]}`
	moved := map[string]int{}
	for i := range 4000 {
		who := fmt.Sprintf(`{"caller":{"user":"u%d"}}`, i)
		moved[run(t, config("one", "user"), who, "r")+run(t, more, who, "r")]++
	}
	if n := moved["ab"]; moved["ba"] != 0 || n < 900 || n > 1100 {
		t.Errorf("from 3:1 to 1:1 moves %v, want about 1000 from a to b and none back", moved)
	}
}

// A user stays whatever the request, and two experiments part their users independently.
func TestSticky(t *testing.T) {
	both := map[string]int{}
	for i := range 4000 {
		who := fmt.Sprintf(`{"caller":{"user":"u%d"}}`, i)
		one := run(t, config("one", "user"), who, "r1")
		if again := run(t, config("one", "user"), who, "r2"); again != one {
			t.Fatalf("%s goes to %s, then to %s", who, one, again)
		}
		both[one+run(t, config("two", "user"), who, "r1")]++
	}
	// 1/16 of the users are in the smaller share of both.
	if n := both["bb"]; n < 200 || n > 300 {
		t.Errorf("shares of two experiments %v, want about 250 bb", both)
	}
}

// Who cannot be told apart is drawn by the request, the same in a replay.
func TestReplay(t *testing.T) {
	seen := map[string]bool{}
	for i := range 100 {
		id := fmt.Sprint("r", i)
		first := run(t, config("one", "user"), `{"caller":{"user":""}}`, id)
		if again := run(t, config("one", "user"), `{}`, id); again != first {
			t.Errorf("request %s goes to %s, and its replay to %s", id, first, again)
		}
		seen[first] = true
	}
	if !seen["a"] || !seen["b"] {
		t.Errorf("100 requests saw %v, want both models", seen)
	}
}
