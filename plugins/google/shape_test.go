package google_test

import (
	"encoding/json"
	"testing"
)

// checkShape fails the test for a request that the API refuses whatever it says: no
// turn, turns of one role in a row, a part that is none or two things at once, results
// that are not those of the calls before them, a level beside a budget.
func checkShape(t *testing.T, output string) {
	t.Helper()
	type part struct {
		Text             *string
		InlineData       *struct{ MimeType, Data string }
		FileData         *struct{ FileURI string }
		FunctionCall     *struct{ ID, Name string }
		FunctionResponse *struct {
			ID, Name string
			Response map[string]any
		}
	}
	var request struct {
		Contents []struct {
			Role  string
			Parts []part
		}
		SystemInstruction *struct{ Parts []part }
		Tools             []json.RawMessage
		ToolConfig        *struct{}
		GenerationConfig  *struct {
			StopSequences      []string
			ResponseSchema     map[string]any
			ResponseJSONSchema map[string]any
			ResponseMimeType   string
			ThinkingConfig     *struct{ ThinkingBudget, ThinkingLevel any }
		}
	}
	if err := json.Unmarshal([]byte(output), &request); err != nil {
		t.Errorf("request %.300s: %v", output, err)
		return
	}
	bad := func(why string) { t.Errorf("request %.600s: %s", output, why) }
	if len(request.Contents) == 0 {
		bad("no turn")
	}
	var calls []string
	role := ""
	for _, turn := range request.Contents {
		if turn.Role == role || turn.Role != "user" && turn.Role != "model" || len(turn.Parts) == 0 {
			bad("a turn of role " + turn.Role + " after " + role)
		}
		role = turn.Role
		var made, answered []string
		for _, p := range turn.Parts {
			things := 0
			for _, is := range []bool{p.Text != nil, p.InlineData != nil, p.FileData != nil, p.FunctionCall != nil, p.FunctionResponse != nil} {
				if is {
					things++
				}
			}
			if things != 1 {
				bad("a part that is not one thing")
			}
			if p.FunctionCall != nil {
				made = append(made, p.FunctionCall.ID+" "+p.FunctionCall.Name)
			}
			if p.FunctionResponse != nil {
				if p.FunctionResponse.Response == nil {
					bad("a response without an object")
				}
				answered = append(answered, p.FunctionResponse.ID+" "+p.FunctionResponse.Name)
			}
		}
		if len(answered) != len(calls) {
			bad("as many results as calls are wanted")
		} else {
			for i := range calls {
				if calls[i] != answered[i] {
					bad("a result of " + answered[i] + " for the call " + calls[i])
				}
			}
		}
		calls = made
	}
	if len(calls) > 0 {
		bad("a call without a result")
	}
	if request.SystemInstruction != nil {
		for _, p := range request.SystemInstruction.Parts {
			if p.Text == nil || *p.Text == "" {
				bad("a system instruction that is no text")
			}
		}
	}
	if request.ToolConfig != nil && len(request.Tools) == 0 {
		bad("a tool config without tools")
	}
	if c := request.GenerationConfig; c != nil {
		switch {
		case len(c.StopSequences) > 5:
			bad("too many stop sequences")
		case c.ResponseSchema != nil && c.ResponseJSONSchema != nil, (c.ResponseSchema != nil || c.ResponseJSONSchema != nil) && c.ResponseMimeType != "application/json":
			bad("a schema in two dialects, or without its type")
		case c.ThinkingConfig != nil && c.ThinkingConfig.ThinkingBudget != nil && c.ThinkingConfig.ThinkingLevel != nil:
			bad("a level beside a budget")
		}
	}
}
