package host

import (
	"bufio"
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapped returns how many bytes of files the process has in its memory: its own program, guests'
// native code, and what the store maps. 0 where that is not known.
func mapped() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident, shared uint64
	if _, err := fmt.Sscan(string(text), &size, &resident, &shared); err != nil {
		return 0
	}
	return shared * uint64(os.Getpagesize())
}

// unmap lets go of pages that hold what stands in a file, and nothing else: they are there again, from the
// system's cache of files, when they are next touched. A page that was written, as a debugger does to the
// program, keeps its whole mapping.
func unmap() {
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range cleanMappings(text) {
		// Refused for pages that are locked; then they stay.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
}

type mapping struct{ from, to uintptr }

// cleanMappings reads smaps: those of a file, of this process alone, that cannot be written and were not, with at
// least worthUnmapping in memory.
func cleanMappings(smaps []byte) []mapping {
	var all []mapping
	var at mapping
	var clean bool
	var resident uint64
	end := func() {
		if clean && resident >= worthUnmapping {
			all = append(all, at)
		}
	}
	lines := bufio.NewScanner(bytes.NewReader(smaps))
	for lines.Scan() {
		var from, to, offset, kib uint64
		var rights, device, name string
		var inode uint64
		line := lines.Text()
		if n, _ := fmt.Sscanf(line, "%x-%x %s %x %s %d", &from, &to, &rights, &offset, &device, &inode); n == 6 {
			end()
			at, resident = mapping{uintptr(from), uintptr(to)}, 0
			clean = inode != 0 && len(rights) == 4 && rights[1] == '-' && rights[3] == 'p'
		} else if n, _ := fmt.Sscanf(line, "%s %d kB", &name, &kib); n == 2 {
			switch name {
			case "Rss:":
				resident = kib << 10
			case "Anonymous:", "Swap:", "Locked:":
				clean = clean && kib == 0
			}
		}
	}
	end()
	return all
}
