package adaptertest

import "strings"

// Event is one server-sent event.
type Event struct {
	Name string
	Data string
}

// Events splits a recorded stream. What is not ended by a blank line is no event,
// so a stream may be cut anywhere.
func Events(stream string) []Event {
	stream = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(stream)
	var events []Event
	for {
		block, rest, found := strings.Cut(stream, "\n\n")
		if !found {
			return events
		}
		stream = rest
		var e Event
		var data []string
		for line := range strings.SplitSeq(block, "\n") {
			name, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch name {
			case "event":
				e.Name = value
			case "data":
				data = append(data, value)
			}
		}
		if data != nil {
			e.Data = strings.Join(data, "\n")
			events = append(events, e)
		}
	}
}
