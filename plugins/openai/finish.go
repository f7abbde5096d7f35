package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// finishWord puts a server's finish_reason in OpenAI's words; called says that the
// choice holds tool calls, which some servers end with "stop". ok is false when it says
// that the answer was not finished at all: the server gave up.
func finishWord(reason sdk.Node, called bool) (word string, ok bool) {
	switch string(chat.Word(reason)) {
	case "length", "max_tokens", "model_length", "MAX_TOKENS":
		return chat.FinishLength, true
	case "content_filter", "safety", "SAFETY":
		return chat.FinishContentFilter, true
	case "tool_calls", "tool_use":
		return chat.FinishToolCalls, true
	case "function_call":
		return "function_call", true
	case "abort", "error", "insufficient_system_resource":
		return "", false // of vLLM and SGLang, of routers, of DeepSeek
	}
	if called {
		return chat.FinishToolCalls, true
	}
	return chat.FinishStop, true
}

// gaveUp fails an answer that the server itself broke off.
func gaveUp() sdk.Result { return chat.Unreadable("the provider broke the answer off") }

// reasoningOf returns what a message or a delta says under "reasoning" (Ollama and
// later vLLM) and not under the name that the canonical form has; 0 when it does not.
func reasoningOf(message sdk.Node) sdk.Node {
	if text := message.Get("reasoning"); text != 0 && text.Kind() == abi.KindString && message.Get("reasoning_content") == 0 {
		return text
	}
	return 0
}
