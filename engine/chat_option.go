package engine

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// checkOption checks one top-level member beside model and messages. n is not null.
func checkOption(name string, n document.Node) *fault {
	switch name {
	case "temperature":
		return number(n, 0, 2)
	case "top_p":
		return number(n, 0, 1)
	case "frequency_penalty", "presence_penalty":
		return number(n, -2, 2)
	case "n":
		return integer(n, 1, 128)
	case "max_tokens", "max_completion_tokens":
		return integer(n, 1, math.MaxInt32)
	case "top_logprobs":
		return integer(n, 0, 20)
	case "seed":
		return integer(n, math.MinInt64, math.MaxInt64)
	case "stream", "logprobs", "parallel_tool_calls", "store":
		return n.Want(abi.KindBool)
	case "user", "service_tier", "reasoning_effort", "verbosity", "safety_identifier", "prompt_cache_key":
		return requireString(n)
	case "stop":
		return checkStop(n)
	case "stream_options":
		return checkStreamOptions(n)
	case "response_format":
		return checkResponseFormat(n)
	case "tools":
		return checkTools(n)
	case "tool_choice":
		return checkToolChoice(n)
	case "logit_bias":
		return checkLogitBias(n)
	case "metadata":
		return checkMetadata(n)
	case "models":
		return checkModels(n)
	case "modalities":
		return checkEach(n, func(e document.Node) *fault { return oneOf(e, "'text', 'audio', 'image'") })
	case "functions":
		return checkEach(n, func(e document.Node) *fault { return e.Want(abi.KindObject) })
	}
	return nil
}

func number(n document.Node, low, high float64) *fault {
	if f := n.Want(abi.KindNumber); f != nil {
		return f
	}
	if v := n.Float(); !(v >= low && v <= high) {
		return wrong("must be between " + strconv.FormatFloat(low, 'g', -1, 64) + " and " + strconv.FormatFloat(high, 'g', -1, 64))
	}
	return nil
}

func integer(n document.Node, low, high int64) *fault {
	if f := n.Want(abi.KindNumber); f != nil {
		return f
	}
	v := n.Float()
	switch {
	case v != math.Trunc(v):
		return wrong("must be a whole number")
	case v >= float64(low) && v <= float64(high):
		return nil
	case high == math.MaxInt64:
		return wrong("must fit into 64 bits")
	case high == math.MaxInt32:
		return wrong("must be at least " + strconv.FormatInt(low, 10) + " and fit into 31 bits")
	}
	return wrong("must be between " + strconv.FormatInt(low, 10) + " and " + strconv.FormatInt(high, 10))
}

func checkEach(list document.Node, check func(document.Node) *fault) *fault {
	if f := list.Want(abi.KindArray); f != nil {
		return f
	}
	for i, e := range list.Elements() {
		if f := check(e); f != nil {
			return f.Item(i)
		}
	}
	return nil
}

func checkStop(n document.Node) *fault {
	switch n.Kind() {
	case abi.KindString:
		return nil
	case abi.KindArray:
	default:
		return wrong("must be a string or an array of strings, not " + document.KindName(n.Kind()))
	}
	if n.Len() > maxStops {
		return wrong("must hold at most " + strconv.Itoa(maxStops) + " strings")
	}
	return checkEach(n, requireString)
}

func checkStreamOptions(n document.Node) *fault {
	if f := n.Want(abi.KindObject); f != nil {
		return f
	}
	for _, name := range [...]string{"include_usage", "include_obfuscation"} {
		if m := n.Get(name); given(m) {
			if f := m.Want(abi.KindBool); f != nil {
				return f.Under(name)
			}
		}
	}
	return nil
}

func checkResponseFormat(n document.Node) *fault {
	if f := n.Want(abi.KindObject); f != nil {
		return f
	}
	kind := n.Get("type")
	if f := oneOf(kind, "'text', 'json_object', 'json_schema'"); f != nil {
		return f.Under("type")
	}
	if kind.Text() != "json_schema" {
		return nil
	}
	schema := n.Get("json_schema")
	if f := schema.Want(abi.KindObject); f != nil {
		return f.Under("json_schema")
	}
	if f := checkName(schema.Get("name"), 64); f != nil {
		return f.Under("name").Under("json_schema")
	}
	if s := schema.Get("schema"); given(s) {
		return s.Want(abi.KindObject).Under("schema").Under("json_schema")
	}
	return nil
}

func checkTools(n document.Node) *fault {
	if f := n.Want(abi.KindArray); f != nil {
		return f
	}
	if n.Len() > maxTools {
		return wrong("must hold at most " + strconv.Itoa(maxTools) + " tools")
	}
	return checkEach(n, checkTool)
}

// checkTool: a function's name and parameters are checked; any other type travels
// on as it is, since providers have their own.
func checkTool(tool document.Node) *fault {
	if f := tool.Want(abi.KindObject); f != nil {
		return f
	}
	kind := tool.Get("type")
	if f := requireString(kind); f != nil {
		return f.Under("type")
	}
	if kind.Text() != "function" {
		return nil
	}
	function := tool.Get("function")
	if f := function.Want(abi.KindObject); f != nil {
		return f.Under("function")
	}
	if f := checkName(function.Get("name"), maxToolName); f != nil {
		return f.Under("name").Under("function")
	}
	if p := function.Get("parameters"); given(p) {
		return p.Want(abi.KindObject).Under("parameters").Under("function")
	}
	return nil
}

// maxToolName is Anthropic's bound, for /v1/messages has the same form inside. OpenAI's is
// 64, as that of a schema's name (API reference, FunctionObject and
// ResponseFormatJsonSchema): what is longer its adapter refuses.
const maxToolName = 128

// checkName: letters, digits, underscores and hyphens, at most so many.
func checkName(n document.Node, longest int) *fault {
	if f := requireString(n); f != nil {
		return f
	}
	ok := n.Len() > 0 && n.Len() <= longest
	if ok {
		for _, c := range []byte(n.Text()) {
			ok = ok && (c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z')
		}
	}
	if !ok {
		return wrong("must be 1 to " + strconv.Itoa(longest) + " letters, digits, underscores or hyphens")
	}
	return nil
}

func checkToolChoice(n document.Node) *fault {
	switch n.Kind() {
	case abi.KindString:
		return oneOf(n, "'none', 'auto', 'required'")
	case abi.KindObject:
		return requireString(n.Get("type")).Under("type")
	}
	return wrong("must be a string or an object, not " + document.KindName(n.Kind()))
}

func checkLogitBias(n document.Node) *fault {
	if f := n.Want(abi.KindObject); f != nil {
		return f
	}
	for token, bias := range n.Members() {
		if f := number(bias, -100, 100); f != nil {
			return f.Under(clipText(token, 64))
		}
	}
	return nil
}

func checkMetadata(n document.Node) *fault {
	if f := n.Want(abi.KindObject); f != nil {
		return f
	}
	if n.Len() > maxMetadata {
		return wrong("must hold at most " + strconv.Itoa(maxMetadata) + " pairs")
	}
	for key, value := range n.Members() {
		if utf8.RuneCountInString(key) > maxMetadataKey {
			return wrong("must have keys of at most " + strconv.Itoa(maxMetadataKey) + " characters")
		}
		if f := requireString(value); f != nil {
			return f.Under(key)
		}
		if value.Len() > maxMetadataText && utf8.RuneCountInString(value.Text()) > maxMetadataText {
			return wrong("must be at most " + strconv.Itoa(maxMetadataText) + " characters long").Under(key)
		}
	}
	return nil
}

// checkModels: the pinned model's fallbacks, an extension of ours.
func checkModels(n document.Node) *fault {
	if f := n.Want(abi.KindArray); f != nil {
		return f
	}
	if n.Len() > maxModels {
		return wrong("must hold at most " + strconv.Itoa(maxModels) + " model ids")
	}
	return checkEach(n, checkModel)
}
