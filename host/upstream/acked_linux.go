package upstream

import "golang.org/x/sys/unix"

// acked returns how many bytes the other side's kernel has ever acknowledged on
// the connection, the SYN among them. ok is false when the system does not tell.
// Source: tcpi_bytes_acked of tcp_info, Linux 4.1 and later; RFC 4898.
func acked(l *line) (n uint64, ok bool) {
	if l.sys == nil {
		return 0, false
	}
	err := l.sys.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			n, ok = info.Bytes_acked, true
		}
	})
	return n, ok && err == nil
}
