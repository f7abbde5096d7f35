package wasm

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
)

// segment is one of a data section, at a constant.
type segment struct {
	at int32
	b  string
}

func dataSection(all ...segment) []byte {
	b := appendU32(nil, uint32(len(all)))
	for _, s := range all {
		b = append(appendS32(append(b, 0, opI32Const), s.at), opEnd)
		b = append(appendU32(b, uint32(len(s.b))), s.b...)
	}
	return b
}

func TestJoined(t *testing.T) {
	t.Parallel()
	passive := append([]byte{2, 1, 1, 'a'}, dataSection(segment{0, "b"})[1:]...)
	long := append([]byte{2}, slices.Concat(dataSection(segment{0, "a"})[1:], []byte{0, opI32Const, 0x81, 0, opEnd, 1, 'b'})...)
	for _, tc := range []struct {
		name          string
		content, want []byte
	}{
		{"none", dataSection(), dataSection()},
		{"one", dataSection(segment{8, "a"}), dataSection(segment{8, "a"})},
		{"next to each other", dataSection(segment{8, "ab"}, segment{10, "c"}), dataSection(segment{8, "abc"})},
		{"a gap", dataSection(segment{8, "a"}, segment{11, "b"}, segment{13, "c"}), dataSection(segment{8, "a\x00\x00b\x00c"})},
		{"a wide gap", dataSection(segment{0, "a"}, segment{1 + maxGap + 1, "b"}), dataSection(segment{0, "a"}, segment{1 + maxGap + 1, "b"})},
		{"back", dataSection(segment{500, "a"}, segment{0, "b"}, segment{2, "c"}), dataSection(segment{500, "a"}, segment{0, "b\x00c"})},
		{"beyond half of what can be addressed", dataSection(segment{-8, "a"}, segment{-6, "b"}), dataSection(segment{-8, "a\x00b"})},
		{"empty ones", dataSection(segment{8, ""}, segment{8, ""}, segment{9, "a"}), dataSection(segment{8, "\x00a"})},
		{"one into another", dataSection(segment{0, "abcd"}, segment{2, "x"}), nil},
		{"one into a gap", dataSection(segment{4, "x"}, segment{0, "a"}, segment{8, "b"}), nil},
		{"a passive one", passive, nil},
		{"a number longer than it has to be", long, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.want == nil {
				tc.want = tc.content
			}
			if got := joined(tc.content); !bytes.Equal(got, tc.want) {
				t.Errorf("joined(% x) = % x, want % x", tc.content, got, tc.want)
			}
		})
	}
}

// FuzzJoined: memory is the same, whichever segments fill it, and no more than the gaps is added.
func FuzzJoined(f *testing.F) {
	f.Add([]byte{0, 1, 3, 1, 5, 2})
	f.Add([]byte{9, 1, 3, 1, 5, 2, 0, 0, 70, 1})
	f.Fuzz(func(t *testing.T, from []byte) {
		var all []segment
		for i := 0; i+1 < len(from); i += 2 {
			all = append(all, segment{int32(from[i]), string(bytes.Repeat([]byte{'a' + byte(i)}, int(from[i+1]%9)))})
		}
		fill := func(content []byte) (memory [512]byte, n int) {
			if !eachSegment(content, func(at uint64, b []byte) { copy(memory[at:], b); n++ }) {
				t.Fatalf("% x is no data section", content)
			}
			return memory, n
		}
		content := dataSection(all...)
		got := joined(content)
		want, n := fill(content)
		memory, fewer := fill(got)
		if memory != want || fewer > n || len(got) > len(content)+n*maxGap {
			t.Errorf("joined(% x) = % x", content, got)
		}
	})
}

// TestJoinedGuests: our own guests have few segments left.
func TestJoinedGuests(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"anthropic", "google", "openai"} {
		module, err := os.ReadFile(fmt.Sprintf("../../plugins/dist/%s.wasm", name))
		if err != nil {
			t.Skipf("%v: make guests builds it", err)
		}
		s, err := readStructure(module)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range s.sections {
			if part.id != sectionData {
				continue
			}
			c := &cursor{b: joined(part.content)}
			if n := c.u32(); n > 100 {
				t.Errorf("%s has %d data segments, want 100 at the most", name, n)
			}
		}
	}
}
