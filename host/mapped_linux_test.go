package host

import (
	"slices"
	"testing"
)

func TestCleanMappings(t *testing.T) {
	t.Parallel()
	const details = "Size:               8192 kB\nRss:                4096 kB\nPss:                4096 kB\nAnonymous:             0 kB\nSwap:                  0 kB\nLocked:                0 kB\nVmFlags: rd mr mw me sd\n"
	for _, tc := range []struct {
		name, smaps string
		want        []mapping
	}{
		{"nothing", "", nil},
		{"a program", "00401000-00c01000 r-xp 00001000 fd:00 1234                               /usr/bin/pointsman\n" + details, []mapping{{0x401000, 0xc01000}}},
		{"a file that is gone, with a space", "00401000-00c01000 r-xp 00001000 fd:00 1234                               /a b (deleted)\n" + details, []mapping{{0x401000, 0xc01000}}},
		{"what can be written", "00401000-00c01000 rw-p 00001000 fd:00 1234                               /usr/bin/pointsman\n" + details, nil},
		{"what others share", "00401000-00c01000 r--s 00001000 fd:00 1234                               /data/pointsman.db-shm\n" + details, nil},
		{"no file", "00401000-00c01000 r-xp 00000000 00:00 0 \n" + details, nil},
		{"a page was written", "00401000-00c01000 r-xp 00001000 fd:00 1234                               /usr/bin/pointsman\nRss:                4096 kB\nAnonymous:             4 kB\n", nil},
		{"and swapped out", "00401000-00c01000 r-xp 00001000 fd:00 1234                               /usr/bin/pointsman\nRss:                4096 kB\nSwap:                  4 kB\n", nil},
		{"too little", "00401000-00c01000 r-xp 00001000 fd:00 1234                               /usr/bin/pointsman\nRss:                1020 kB\n", nil},
		{"two", "00401000-00c01000 r-xp 00001000 fd:00 1234 /p\n" + details + "7f00c01000-7f00e01000 r--p 00001000 fd:00 1234 /p\n" + details, []mapping{{0x401000, 0xc01000}, {0x7f00c01000, 0x7f00e01000}}},
	} {
		if got := cleanMappings([]byte(tc.smaps)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: cleanMappings() = %x, want %x", tc.name, got, tc.want)
		}
	}
}

// TestUnmap: the program's pages go, and it goes on. It is not parallel: what else runs touches them again.
func TestUnmap(t *testing.T) {
	before := mapped()
	unmap()
	if after := mapped(); before < 8<<20 || after > before/2 {
		t.Errorf("%d bytes of files in memory, then %d, want less than half", before, after)
	}
}
