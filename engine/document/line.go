package document

// AppendLine appends JSON as one line. Line ends, which JSON allows between tokens only,
// would end the event of a stream early: they become blanks.
func AppendLine(dst, json []byte) []byte {
	start := len(dst)
	dst = append(dst, json...)
	OneLine(dst[start:])
	return dst
}

// OneLine makes blanks of the line ends in JSON, in place.
func OneLine(json []byte) {
	for i, c := range json {
		if c == '\n' || c == '\r' {
			json[i] = ' '
		}
	}
}
