package host

import "testing"

func TestMemTotal(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     int64
	}{
		{"Linux", "MemTotal:       16384 kB\nMemFree:         1024 kB\n", 16 << 20},
		{"not the first line", "Version: 1\nMemTotal: 4 kB\n", 4096},
		{"none", "MemFree: 4 kB\n", 0},
		{"no number", "MemTotal: much kB\n", 0},
		{"nothing", "", 0},
	} {
		if got := memTotal(test.in); got != test.want {
			t.Errorf("%s: memTotal(%q) = %d, want %d", test.name, test.in, got, test.want)
		}
	}
}
