package httpapi

import "encoding/json"

// Bodies of the routes that are written by hand, for the document alone: what the gateway itself
// looks at. The wires have more, which is passed on; so the objects are open.

type open struct{}

type (
	chatBodyOf struct {
		_           open              `json:"-" additionalProperties:"true"`
		Model       string            `json:"model" minLength:"1" doc:"auto: the routing rules choose. An id of the catalogue pins it; provider/model pins both, without a fallback." example:"auto"`
		Messages    []chatMessageOf   `json:"messages" minItems:"1" doc:"The conversation, oldest first."`
		Models      []string          `json:"models,omitempty" doc:"Fallbacks of a pinned model, tried in order. Ours, not OpenAI's."`
		Stream      bool              `json:"stream,omitempty" doc:"Send the answer as server-sent events."`
		StreamOpt   map[string]any    `json:"stream_options,omitempty" doc:"include_usage: a last chunk with the usage."`
		MaxTokens   int64             `json:"max_completion_tokens,omitempty" minimum:"1" doc:"Tokens of the answer at most; max_tokens means the same."`
		Temperature float64           `json:"temperature,omitempty" minimum:"0" maximum:"2" doc:"How freely to choose words."`
		TopP        float64           `json:"top_p,omitempty" minimum:"0" maximum:"1" doc:"Share of likely words to choose from."`
		N           int               `json:"n,omitempty" minimum:"1" maximum:"128" doc:"How many answers."`
		Stop        json.RawMessage   `json:"stop,omitempty" doc:"A text, or up to four, that ends the answer."`
		Tools       []json.RawMessage `json:"tools,omitempty" doc:"Functions that the model may call, as OpenAI describes them."`
		ToolChoice  json.RawMessage   `json:"tool_choice,omitempty" doc:"none, auto, required, or one function."`
		Format      json.RawMessage   `json:"response_format,omitempty" doc:"text, json_object, or json_schema with a schema."`
		Effort      string            `json:"reasoning_effort,omitempty" doc:"How long a reasoning model may think: none, minimal, low, medium, high, xhigh."`
		Metadata    json.RawMessage   `json:"metadata,omitempty" doc:"Texts by name. session_id, task_type, time_sensitive, agent_id and strict are the gateway's; rules see all of them."`
		User        string            `json:"user,omitempty" doc:"An end user of yours, passed on."`
		ServiceTier string            `json:"service_tier,omitempty" doc:"priority counts as time-sensitive."`
	}
	chatMessageOf struct {
		_       open            `json:"-" additionalProperties:"true"`
		Role    string          `json:"role" enum:"system,developer,user,assistant,tool,function" doc:"Who speaks."`
		Content json.RawMessage `json:"content,omitempty" doc:"A text, or a list of parts: text, image_url, input_audio, file."`
	}
	chatAnswerOf struct {
		_       open           `json:"-" additionalProperties:"true"`
		ID      string         `json:"id" doc:"The provider's id of the answer."`
		Object  string         `json:"object" enum:"chat.completion" doc:"Always chat.completion."`
		Created int64          `json:"created" doc:"Unix seconds."`
		Model   string         `json:"model" doc:"The model that was asked for; for auto the one that served."`
		Choices []chatChoiceOf `json:"choices" doc:"The answers."`
		Usage   chatUsageOf    `json:"usage,omitempty" doc:"What it took."`
	}
	chatChoiceOf struct {
		_       open           `json:"-" additionalProperties:"true"`
		Index   int            `json:"index" doc:"From 0."`
		Message map[string]any `json:"message" doc:"role, content, tool_calls, refusal."`
		Finish  string         `json:"finish_reason" enum:"stop,length,tool_calls,content_filter,function_call" doc:"Why it ended."`
	}
	chatUsageOf struct {
		_          open  `json:"-" additionalProperties:"true"`
		Prompt     int64 `json:"prompt_tokens" doc:"Tokens of the prompt."`
		Completion int64 `json:"completion_tokens" doc:"Tokens of the answer."`
		Total      int64 `json:"total_tokens" doc:"Both."`
	}

	messagesBodyOf struct {
		_         open              `json:"-" additionalProperties:"true"`
		Model     string            `json:"model" minLength:"1" doc:"As for a chat; an id of the vendor's own, dated or not, is found too." example:"claude-sonnet-4.5"`
		MaxTokens int64             `json:"max_tokens" minimum:"1" doc:"Tokens of the answer at most."`
		Messages  []messageOf       `json:"messages" minItems:"1" doc:"The conversation, oldest first."`
		System    json.RawMessage   `json:"system,omitempty" doc:"A text, or blocks of text."`
		Stream    bool              `json:"stream,omitempty" doc:"Send the answer as server-sent events."`
		Tools     []json.RawMessage `json:"tools,omitempty" doc:"Tools, as Anthropic describes them."`
		Thinking  json.RawMessage   `json:"thinking,omitempty" doc:"How long the model may think."`
		Metadata  json.RawMessage   `json:"metadata,omitempty" doc:"user_id is passed on; the gateway's names of a chat's metadata work too."`
	}
	messageOf struct {
		_       open            `json:"-" additionalProperties:"true"`
		Role    string          `json:"role" enum:"user,assistant,system" doc:"Who speaks."`
		Content json.RawMessage `json:"content" doc:"A text, or blocks: text, image, document, tool_use, tool_result, thinking."`
	}
	messagesAnswerOf struct {
		_          open             `json:"-" additionalProperties:"true"`
		ID         string           `json:"id" doc:"The answer's id."`
		Type       string           `json:"type" enum:"message" doc:"Always message."`
		Role       string           `json:"role" enum:"assistant" doc:"Always assistant."`
		Model      string           `json:"model" doc:"The model that was asked for; for auto the one that served."`
		Content    []map[string]any `json:"content" doc:"Blocks: text, thinking, tool_use."`
		StopReason *string          `json:"stop_reason" doc:"end_turn, max_tokens, stop_sequence, tool_use, refusal."`
		Usage      map[string]any   `json:"usage" doc:"input_tokens, output_tokens, and what was cached."`
	}

	responsesBodyOf struct {
		_            open              `json:"-" additionalProperties:"true"`
		Model        string            `json:"model" minLength:"1" doc:"As for a chat." example:"auto"`
		Input        json.RawMessage   `json:"input" doc:"A text, or items: messages, calls, results, reasoning."`
		Instructions string            `json:"instructions,omitempty" doc:"What the model is told first."`
		Stream       bool              `json:"stream,omitempty" doc:"Send the answer as server-sent events."`
		MaxTokens    int64             `json:"max_output_tokens,omitempty" minimum:"1" doc:"Tokens of the answer at most."`
		Tools        []json.RawMessage `json:"tools,omitempty" doc:"Functions; tools that OpenAI runs itself go to OpenAI's own models."`
		Reasoning    json.RawMessage   `json:"reasoning,omitempty" doc:"effort and summary."`
		Text         json.RawMessage   `json:"text,omitempty" doc:"format and verbosity."`
		Store        bool              `json:"store,omitempty" doc:"Without effect: nothing is stored."`
		Metadata     json.RawMessage   `json:"metadata,omitempty" doc:"As a chat's."`
	}
	responsesAnswerOf struct {
		_      open             `json:"-" additionalProperties:"true"`
		ID     string           `json:"id" doc:"The answer's id."`
		Object string           `json:"object" enum:"response" doc:"Always response."`
		Status string           `json:"status" enum:"completed,incomplete,failed,in_progress" doc:"How it ended."`
		Model  string           `json:"model" doc:"The model that was asked for; for auto the one that served."`
		Output []map[string]any `json:"output" doc:"Items: messages, calls, reasoning."`
		Usage  map[string]any   `json:"usage,omitempty" doc:"input_tokens, output_tokens, total_tokens."`
	}

	embeddingsBodyOf struct {
		_          open            `json:"-" additionalProperties:"true"`
		Model      string          `json:"model" minLength:"1" doc:"A model of the kind embeddings." example:"text-embedding-3-small"`
		Input      json.RawMessage `json:"input" doc:"A text, a list of up to 2,048 texts, or tokens."`
		Dimensions int             `json:"dimensions,omitempty" minimum:"1" maximum:"65536" doc:"How many numbers each vector has."`
		Encoding   string          `json:"encoding_format,omitempty" enum:"float,base64" doc:"Default float."`
	}
	embeddingsAnswerOf struct {
		_      open             `json:"-" additionalProperties:"true"`
		Object string           `json:"object" enum:"list" doc:"Always list."`
		Model  string           `json:"model" doc:"The model that was asked for."`
		Data   []map[string]any `json:"data" doc:"object, index and embedding of each input."`
		Usage  map[string]any   `json:"usage" doc:"prompt_tokens and total_tokens."`
	}

	countMessagesBodyOf struct {
		_        open              `json:"-" additionalProperties:"true"`
		Model    string            `json:"model" minLength:"1" doc:"As for a message."`
		Messages []messageOf       `json:"messages" minItems:"1" doc:"The conversation."`
		System   json.RawMessage   `json:"system,omitempty" doc:"A text, or blocks of text."`
		Tools    []json.RawMessage `json:"tools,omitempty" doc:"Tools, as Anthropic describes them."`
	}
	countAnswerOf struct {
		Tokens int64 `json:"input_tokens" doc:"Tokens of the prompt."`
	}
	countResponsesBodyOf struct {
		_     open            `json:"-" additionalProperties:"true"`
		Model string          `json:"model" minLength:"1" doc:"As for a response."`
		Input json.RawMessage `json:"input" doc:"A text, or items."`
	}
	countResponsesAnswerOf struct {
		Object string `json:"object" enum:"response.input_tokens" doc:"Always response.input_tokens."`
		Tokens int64  `json:"input_tokens" doc:"Tokens of the prompt."`
	}

	usableModels struct {
		Object string  `json:"object" enum:"list" doc:"Always list."`
		Data   []model `json:"data" doc:"auto first, then the catalogue."`
	}
	stateBody struct {
		Status string `json:"status" enum:"ok,ready,unready" doc:"ok of /healthz; ready or unready of /readyz."`
		Reason string `json:"reason,omitempty" doc:"Why it is not ready."`
	}
	loginBody struct {
		Key string `json:"key" minLength:"1" doc:"An API key."`
	}

	openAIErrorBody struct {
		Error struct {
			Message string  `json:"message" doc:"What went wrong with this request."`
			Type    string  `json:"type" enum:"invalid_request_error,authentication_error,permission_error,not_found_error,rate_limit_error,server_error" doc:"OpenAI's class of it."`
			Param   *string `json:"param" doc:"The member at fault."`
			Code    *string `json:"code" doc:"What went wrong, as a word to branch on."`
		} `json:"error" doc:"The error."`
		Pointsman map[string]any `json:"pointsman,omitempty" doc:"How it was decided, with x-pointsman-explain: true."`
	}
	anthropicErrorBody struct {
		Type  string `json:"type" enum:"error" doc:"Always error."`
		Error struct {
			Type    string `json:"type" enum:"invalid_request_error,authentication_error,billing_error,permission_error,not_found_error,request_too_large,rate_limit_error,timeout_error,api_error,overloaded_error" doc:"Anthropic's class of it."`
			Message string `json:"message" doc:"What went wrong with this request."`
		} `json:"error" doc:"The error."`
		RequestID string         `json:"request_id,omitempty" doc:"The x-request-id of this request."`
		Pointsman map[string]any `json:"pointsman,omitempty" doc:"How it was decided, with x-pointsman-explain: true."`
	}
)
