package chat

import (
	"math"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestStateKeepsAll(t *testing.T) {
	tests := map[string]progress{
		"empty": {},
		"a stream under way": {
			head: `{"id":"msg_1","choices":[`, started: 3, finished: 1, spoke: 2, counted: 7,
			calls: "\x00\x00\x01\x01\x01\x00\x02\x00", Note: "n",
			Usage: Usage{Known: true, Uncached: 1, CacheRead: 200, CacheWrite: 3, CacheWrite1h: 4, Output: 50_000, Reasoning: 6, ServerCalls: 7, AudioInput: 8, AudioOutput: 9},
		},
		"the largest": {
			head: strings.Repeat("é", maxName), started: math.MaxUint64, finished: math.MaxUint64,
			calls: strings.Repeat("\xff", MaxCalls*callSize), spoke: math.MaxUint64, counted: math.MaxUint64, Usage: Usage{Uncached: 1 << 42, Output: 1 << 42},
		},
	}
	for name, want := range tests {
		b := want.encode(nil)
		if len(b) > abi.MaxState {
			t.Errorf("%s: state of %d bytes, want at most %d", name, len(b), abi.MaxState)
		}
		if got := decode(string(b)); got != want {
			t.Errorf("%s: decode(encode) = %+v, want %+v", name, got, want)
		}
		for cut := range b {
			if got := decode(string(b[:cut])); got != (progress{}) {
				t.Errorf("%s: decode of the first %d bytes = %+v, want none", name, cut, got)
			}
		}
	}
}

func FuzzStateDecode(f *testing.F) {
	whole := progress{head: "a", started: 1 << 63, Usage: Usage{Known: true, Output: 300}}
	f.Add(string(whole.encode(nil)))
	f.Add("")
	f.Add("\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	f.Fuzz(func(t *testing.T, b string) {
		s := decode(b)
		again := decode(string(s.encode(nil)))
		if s != again {
			t.Errorf("decode(%q) = %+v, after another turn %+v", b, s, again)
		}
	})
}
