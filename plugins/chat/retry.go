package chat

import (
	"strings"

	"github.com/pointsman/pointsman/sdk"
)

// maxRetryMS is the longest wait that is believed: a day.
const maxRetryMS = 24 * 60 * 60 * 1000

// RetryAfterMS reads when to try again from the answer's headers, in milliseconds:
// retry-after-ms, else retry-after in seconds or as an HTTP date (RFC 9110,
// 10.2.3). 0 when they do not say. Only a failed answer's are worth reading:
// Anthropic sends retry-after with successful ones too.
func RetryAfterMS() int64 {
	if ms, ok := decimal(sdk.Field("retry-after-ms"), 1); ok {
		return ms
	}
	field := strings.TrimSpace(sdk.Field("retry-after"))
	if ms, ok := decimal(field, 1000); ok {
		return ms
	}
	if at, ok := httpDate(field); ok {
		return min(max(at-sdk.NowMS(), 0), maxRetryMS)
	}
	return 0
}

// Seconds reads a span written as decimal seconds and an s, as Google writes
// durations ("34.4s"), in milliseconds.
func Seconds(s string) (ms int64, ok bool) {
	s, found := strings.CutSuffix(s, "s")
	if !found {
		return 0, false
	}
	return decimal(s, 1000)
}

// decimal reads a plain decimal number times scale, rounded up, at most a day.
func decimal(s string, scale int64) (ms int64, ok bool) {
	s = strings.TrimSpace(s)
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "" {
		return 0, false
	}
	for _, c := range []byte(whole) {
		if c < '0' || c > '9' {
			return 0, false
		}
		if ms = ms*10 + int64(c-'0')*scale; ms > maxRetryMS {
			ms = maxRetryMS
		}
	}
	rest := false
	for _, c := range []byte(fraction) {
		if c < '0' || c > '9' {
			return 0, false
		}
		scale /= 10
		ms += int64(c-'0') * scale
		rest = rest || scale == 0 && c != '0'
	}
	if rest {
		ms++
	}
	return min(ms, maxRetryMS), true
}

// httpDate reads the fixed form of RFC 9110, 5.6.7, "Sun, 06 Nov 1994 08:49:37 GMT",
// as milliseconds since 1970.
func httpDate(s string) (ms int64, ok bool) {
	if len(s) != 29 || s[3:5] != ", " || s[25:] != " GMT" || s[19] != ':' || s[22] != ':' {
		return 0, false
	}
	month := strings.Index("JanFebMarAprMayJunJulAugSepOctNovDec", s[8:11])
	if month < 0 || month%3 != 0 {
		return 0, false
	}
	var v [5]int64
	for i, part := range [5]string{s[5:7], s[12:16], s[17:19], s[20:22], s[23:25]} {
		n, ok := decimal(part, 1)
		if !ok {
			return 0, false
		}
		v[i] = n
	}
	days := daysSince1970(v[1], int64(month/3)+1, v[0])
	return ((days*24+v[2])*60+v[3])*60_000 + v[4]*1000, true
}

// daysSince1970 counts days of the Gregorian calendar; years begin in March, so
// that the leap day is a year's last.
func daysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}
