//go:build linux && amd64 && !purego

package document

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// beforeFault returns n bytes of memory behind which any access is a fault.
func beforeFault(t *testing.T, n int) []byte {
	t.Helper()
	page := unix.Getpagesize()
	pages := (n + page - 1) / page
	all, err := unix.Mmap(-1, 0, (pages+1)*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(all) })
	if err := unix.Mprotect(all[pages*page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return all[pages*page-n : pages*page]
}

// Go code and the processor's vectors find the same, in text of every length that ends where memory does.
func TestVectorsAgree(t *testing.T) {
	if !vectors {
		t.Skip("this processor has no AVX2")
	}
	defer func() { vectors = true }()
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{
		"a", "B", "ab", "Abc", "debug", "DEBUG", "stack trace", " ", "  ", "\t", "-", "_", "9", ":", "@", "[", "`", "{", "\x7f", "\x00", "\x1f",
		"\"", "\\n", "é", "É", "ſ", "K", "ß", "…", "漢", "\xc5", "\xff", "c++", "/fast", "plain words of no rule ",
	}
	phrases := []string{"debug", "stack trace", "ab", "a", "c++", "/fast", "é", "sk", "über alles", "9", "漢字", "a-b", "kasten", "\xff"}
	for n := range 400 {
		text := beforeFault(t, n)
		for at := 0; at < n; {
			at += copy(text[at:], parts[r.IntN(len(parts))])
		}
		used := phrases[:1+r.IntN(len(phrases))]
		w := NewWords(used)
		each := func(with bool) string {
			vectors = with
			hits := make([]uint64, 1)
			w.Scan(unsafe.String(unsafe.SliceData(text), n), hits)
			found := []any{hits[0]}
			for _, p := range used {
				if needle, ok := loadLetters().needleOf(p); ok {
					found = append(found, needle.next(text, 0), needle.next(text, n/2))
				}
			}
			for i := 0; i < n; i += 7 {
				end, drop, reason := scanString(text, i)
				found = append(found, end, drop, reason)
			}
			return fmt.Sprint(found...)
		}
		if with, without := each(true), each(false); with != without {
			t.Fatalf("in %q of %q, vectors find\n%s, want\n%s", text, used, with, without)
		}
	}
}

// Of text without any phrase the filter lets little through: the rest is for nothing.
func TestBeginFilterIsSparse(t *testing.T) {
	if !vectors {
		t.Skip("this processor has no AVX2")
	}
	text := append([]byte(prose(64<<10)), 0, 0)
	w, m, starts := NewWords(ruleWords), blockMasks{}, 0
	for i := 0; i+64 < len(text); i += 64 {
		scanBlocks(&text[i], 64, &w.begin, &m)
		for b := m.starts; b != 0; b &= b - 1 {
			starts++
		}
	}
	if words := len(bytes.Fields(text)); starts > words/3 {
		t.Errorf("%d of %d words may begin a phrase, want less than a third", starts, words)
	}
}
