package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReportRewritesTheTable(t *testing.T) {
	dir := t.TempDir()
	readme := filepath.Join(dir, "README.md")
	if err := os.MkdirAll(filepath.Join(dir, "host", "bench"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(readme, []byte("before\n"+tableBegin+"\nstale\n"+tableEnd+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &report{o: options{write: dir, rounds: 3, each: time.Second}, idle: 50 << 20, peak: 700 << 20, after: 54 << 20, held: wantedStreams, start: 250 * time.Millisecond}
	r.add(&result{scenario: scenario{what: "300 B", bar: 2.5}, fast: cost{20, 30, 22}, std: cost{90, 80, 88}, ours: cost{50, 60, 55}, ratio: cost{2.5, 2, 2.4}})
	r.plots = []plot{{title: "Body size", axis: "bytes", points: []point{{300, 20, 80, 50}, {1024, 21, 82, 55}}}}
	if err := r.write(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n", "\nafter\n",
		"| 300 B | 22.0 (20.0–30.0) | 88.0 (80.0–90.0) | 55.0 (50.0–60.0) | 2.40 × | 0.62 × | ≤ 2.5 ×: holds |",
		"| memory, 10000 streams open | | | 700 MiB | ≤ 640 MiB for 10,000: **missed** |",
		"| start, guests compiled before | | | 250 ms | ≤ 300 ms: holds |",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("README = %s\nwant in it %q", text, want)
		}
	}
	if strings.Contains(string(text), "stale") {
		t.Error("the old table is still there")
	}
	drawn, err := os.ReadFile(filepath.Join(dir, "host", "bench", "growth.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for dec := xml.NewDecoder(strings.NewReader(string(drawn))); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("growth.svg is not XML: %v", err)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		of   cost
		want float64
	}{{nil, 0}, {cost{3}, 3}, {cost{4, 2}, 3}, {cost{9, 1, 5}, 5}} {
		if got := tt.of.median(); got != tt.want {
			t.Errorf("median of %v = %v, want %v", tt.of, got, tt.want)
		}
	}
}

func TestRoundUp(t *testing.T) {
	for v, want := range map[float64]float64{0.5: 1, 1: 1, 3: 4, 81: 100, 400: 400, 401: 800} {
		if got := roundUp(v); got != want {
			t.Errorf("roundUp(%v) = %v, want %v", v, got, want)
		}
	}
}

// A body has the size that its scenario is named after, and is JSON that chooses nothing.
func TestBodies(t *testing.T) {
	for _, size := range []int{300, 10 << 10, 100 << 10} {
		if got := len(chatBody(size, "", "bench")); got < size-8 || got > size+8 {
			t.Errorf("len(chatBody(%d)) = %d", size, got)
		}
	}
}
