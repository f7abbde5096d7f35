package plugins_test

import (
	"encoding/json"
	"testing"
)

// canonicalUsage is OpenAI's usage object with the members that the host reads.
type canonicalUsage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Total      int64 `json:"total_tokens"`
	Input      struct {
		Cached  int64 `json:"cached_tokens"`
		Write   int64 `json:"cache_write_tokens"`
		WriteHr int64 `json:"cache_write_1h_tokens"`
	} `json:"prompt_tokens_details"`
	Output struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

func (u *canonicalUsage) facts(t testing.TB) usage {
	t.Helper()
	if u == nil {
		return usage{}
	}
	if u.Prompt > 0 && u.Total == 0 && u.Completion == 0 {
		return usage{} // of the prompt alone: see chat.Stream.SendPrompt
	}
	if u.Total != u.Prompt+u.Completion {
		t.Errorf("usage %+v: the total is not the sum", *u)
	}
	return usage{true, u.Prompt, u.Completion, u.Input.Cached, u.Input.Write, u.Input.WriteHr, u.Output.Reasoning}
}

// canonicalText is a message of an answer, or a delta of a chunk.
type canonicalText struct {
	Role      string  `json:"role"`
	Content   *string `json:"content"`
	Reasoning *string `json:"reasoning_content"`
	Refusal   *string `json:"refusal"`
	Thinking  []struct {
		Type, Signature, Data, Provider string
	} `json:"thinking_blocks"`
	ToolCalls []struct {
		Index        *int
		ID, Type     string
		Function     struct{ Name, Arguments string }
		Custom       struct{ Name, Input string }
		ExtraContent struct {
			Google struct {
				Signature string `json:"thought_signature"`
			}
		} `json:"extra_content"`
	} `json:"tool_calls"`
}

func (m canonicalText) addTo(f *facts) {
	for _, part := range []struct {
		to   *string
		text *string
	}{{&f.Text, m.Content}, {&f.Reasoning, m.Reasoning}, {&f.Refusal, m.Refusal}} {
		if part.text != nil {
			*part.to += *part.text
		}
	}
	for _, block := range m.Thinking {
		f.Signed = append(f.Signed, block.Signature+block.Data)
	}
	for _, piece := range m.ToolCalls {
		at := len(f.Calls)
		if piece.Index != nil {
			at = *piece.Index
		}
		for len(f.Calls) <= at {
			f.Calls = append(f.Calls, call{})
		}
		c := &f.Calls[at]
		c.ID += piece.ID
		c.Name += piece.Function.Name
		c.Arguments += piece.Function.Arguments
		c.Name += piece.Custom.Name
		c.Input += piece.Custom.Input
		c.Signature += piece.ExtraContent.Google.Signature
	}
}

// completionFacts reads a chat.completion.
func completionFacts(t testing.TB, b []byte) facts {
	t.Helper()
	var answer struct {
		ID, Object string
		Created    int64
		Choices    []struct {
			Index   int
			Message canonicalText
			Finish  string `json:"finish_reason"`
		}
		Usage *canonicalUsage
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("not a chat.completion: %v in %s", err, b)
	}
	if answer.Object != "chat.completion" || answer.ID == "" || answer.Created <= 0 || len(answer.Choices) == 0 {
		t.Fatalf("not a chat.completion: %s", b)
	}
	first := answer.Choices[0]
	if first.Message.Role != "assistant" {
		t.Errorf("role = %q, want assistant", first.Message.Role)
	}
	f := facts{Finish: first.Finish, Usage: answer.Usage.facts(t)}
	first.Message.addTo(&f)
	return f
}

// streamFacts reads chat.completion.chunks.
func streamFacts(t testing.TB, chunks [][]byte) facts {
	t.Helper()
	var f facts
	for _, b := range chunks {
		var chunk struct {
			Object  string
			Choices []struct {
				Index  int
				Delta  canonicalText
				Finish *string `json:"finish_reason"`
			}
			Usage *canonicalUsage
		}
		if err := json.Unmarshal(b, &chunk); err != nil {
			t.Fatalf("not a chunk: %v in %s", err, b)
		}
		if chunk.Object != "chat.completion.chunk" || chunk.Choices == nil {
			t.Fatalf("not a chunk: %s", b)
		}
		for _, c := range chunk.Choices {
			if c.Index != 0 {
				continue
			}
			if f.Finish != "" && c.Delta.Content != nil && *c.Delta.Content != "" {
				t.Errorf("content after the finish reason: %s", b)
			}
			for _, piece := range c.Delta.ToolCalls {
				if first := piece.Index != nil && *piece.Index == len(f.Calls); first && (piece.ID == "" || piece.Function.Name+piece.Custom.Name == "") {
					t.Errorf("a call begins without id or name: %s", b)
				}
			}
			c.Delta.addTo(&f)
			if c.Finish != nil {
				if f.Finish != "" {
					t.Errorf("a second finish reason: %s", b)
				}
				f.Finish = *c.Finish
			}
		}
		if chunk.Usage != nil {
			f.Usage = chunk.Usage.facts(t)
		}
	}
	return f
}
