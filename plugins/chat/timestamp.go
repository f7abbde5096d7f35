package chat

// Timestamp reads a time of RFC 3339 in UTC with whole seconds, as
// "2026-11-22T12:00:07Z", as milliseconds since 1970.
func Timestamp(s string) (ms int64, ok bool) {
	if len(s) != 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != 'Z' {
		return 0, false
	}
	var v [6]int64
	for i, part := range [6]string{s[:4], s[5:7], s[8:10], s[11:13], s[14:16], s[17:19]} {
		if v[i], ok = digits(part); !ok {
			return 0, false
		}
	}
	days := daysSince1970(v[0], v[1], v[2])
	return (((days*24+v[3])*60+v[4])*60 + v[5]) * 1000, true
}

func digits(s string) (n int64, ok bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// Until is how long it is until a time in milliseconds since 1970: 0 when it has
// passed, and never more than a day.
func Until(ms, now int64) int64 { return min(max(ms-now, 0), maxRetryMS) }
