package main

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// words are for texts that no system rule is about.
var words = strings.Fields("the quick train left platform nine for a quiet valley where rivers bend under old stone bridges and evening light " +
	"settles on fields of barley while two birds cross slowly from one hedge to another before rain comes over western hills")

// text is about size bytes of them.
func text(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString(words[(i*7+i/31)%len(words)])
		b.WriteByte(' ')
	}
	return b.String()[:size]
}

// chatBody is a request of about size bytes; extra members end with a comma.
func chatBody(size int, extra, word string) []byte {
	const frame = `{"model":"auto",%s"messages":[{"role":"user","content":"%s"}]}`
	room := max(1, size-len(frame)-len(extra)-len(word))
	return fmt.Appendf(nil, frame, extra, word+" "+text(room))
}

// imageBody has one picture of about size bytes, as base64.
func imageBody(size int) []byte {
	picture := make([]byte, size*3/4)
	for i := range picture {
		picture[i] = byte(i * i >> 3)
	}
	copy(picture, "\x89PNG\r\n\x1a\n")
	return fmt.Appendf(nil, `{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"Name the colours."},`+
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,%s"}}]}]}`, base64.StdEncoding.EncodeToString(picture))
}

// toolBody offers ten tools, and is in the middle of using them.
func toolBody() []byte {
	var tools, turns []string
	for i := range 10 {
		tools = append(tools, fmt.Sprintf(`{"type":"function","function":{"name":"tool_%d","description":"%s","parameters":{"type":"object",`+
			`"properties":{"path":{"type":"string","description":"a file"},"line":{"type":"integer","minimum":1}},"required":["path"]}}}`, i, text(120)))
	}
	for i := range 4 {
		turns = append(turns, fmt.Sprintf(`{"role":"assistant","content":null,"tool_calls":[{"id":"call_%d","type":"function","function":{"name":"tool_%d",`+
			`"arguments":"{\"path\":\"src/main.go\"}"}}]},{"role":"tool","tool_call_id":"call_%d","content":"%s"}`, i, i, i, text(400)))
	}
	return fmt.Appendf(nil, `{"model":"auto","tools":[%s],"messages":[{"role":"user","content":"%s Look at the file."},%s]}`,
		strings.Join(tools, ","), wordTools, strings.Join(turns, ","))
}
