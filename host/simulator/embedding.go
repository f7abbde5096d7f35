package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
)

// Members of the embeddings requests (OpenAI's OpenAPI, 2026-08; Gemini API
// discovery, 2025-12).
var (
	embeddingMembers    = members("model", "input", "encoding_format", "dimensions", "user")
	embedContentMembers = members("model", "content", "taskType", "title", "outputDimensionality")
)

// Bounds of what a request may embed, OpenAI's and Google's.
const (
	maxInputs         = 2048
	maxGoogleRequests = 100
	maxDimensions     = 3072
)

// dimensionsOf is the length of a model's vectors when nothing else is asked for.
func dimensionsOf(model string) int {
	switch model {
	case "text-embedding-3-large", "gemini-embedding-001":
		return 3072
	case "text-embedding-3-small", "text-embedding-ada-002":
		return 1536
	}
	return 64
}

// vector is a unit vector that depends on the text alone.
func vector(text string, dimensions int) []float32 {
	state := uint64(14695981039346656037)
	for _, c := range []byte(text) {
		state = (state ^ uint64(c)) * 1099511628211
	}
	raw, sum := make([]float64, dimensions), 0.0
	for i := range raw {
		state = state*6364136223846793005 + 1442695040888963407
		raw[i] = float64(int64(state)>>11) / (1 << 52)
		sum += raw[i] * raw[i]
	}
	out := make([]float32, dimensions)
	for i, v := range raw {
		out[i] = float32(v / math.Sqrt(sum))
	}
	return out
}

// embeddings answers POST /v1/embeddings.
func (s *Simulator) embeddings(x *exchange) {
	x.row.Model = text(x.body["model"])
	inputs, p := x.checkEmbeddings()
	if p != nil {
		x.fail(*p)
		return
	}
	all := ""
	for _, in := range inputs {
		all += in.text
	}
	if !x.prepare(all) {
		return
	}
	dimensions := number(x.body["dimensions"])
	if dimensions == 0 {
		dimensions = dimensionsOf(x.row.Model)
	}
	count, data := 0, []any{}
	for i, in := range inputs {
		count += in.tokens
		var value any = vector(in.text, dimensions)
		if x.body["encoding_format"] == "base64" {
			value = littleEndian(vector(in.text, dimensions))
		}
		data = append(data, fields{"object", "embedding", "index", i, "embedding", value})
	}
	x.row.Prompt, x.row.Chunks = count, 1
	x.openAIHeaders()
	answer := fields{"object", "list", "data", data, "model", x.row.Model}
	if !x.fault.NoUsage {
		answer = answer.with("usage", fields{"prompt_tokens", count, "total_tokens", count})
	}
	x.json(answer)
}

// littleEndian is a vector as OpenAI writes it in base64: 4 bytes a number.
func littleEndian(v []float32) string {
	b := make([]byte, 0, 4*len(v))
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// embedded is one thing to embed: text, or token numbers in place of it.
type embedded struct {
	text   string
	tokens int
}

// checkEmbeddings refuses what the real server refuses, and returns the inputs.
func (x *exchange) checkEmbeddings() ([]embedded, *problem) {
	model, strict := x.row.Model, x.provider == "openai"
	bad := func(param, format string, args ...any) *problem {
		return &problem{Status: 400, Param: param, Message: fmt.Sprintf(format, args...)}
	}
	unknown := unknownMember(x.body, embeddingMembers)
	format, dimensions := x.body["encoding_format"], x.body["dimensions"]
	switch {
	case model == "":
		return nil, bad("", "you must provide a model parameter")
	case strict && unknown != "":
		return nil, bad("", "Unrecognized request argument supplied: %s", unknown)
	case !knows(x.provider, model, x.created):
		return nil, &problem{Status: 404, Code: "model_not_found", Message: "The model `" + model + "` does not exist or you do not have access to it."}
	case strict && !embeds(model):
		return nil, &problem{Status: 403, Message: "You are not allowed to generate embeddings from this model"}
	case format != nil && format != "float" && format != "base64":
		return nil, bad("encoding_format", "Invalid value for 'encoding_format': expected 'float' or 'base64'.")
	case dimensions != nil && (number(dimensions) < 1 || number(dimensions) > maxDimensions):
		return nil, bad("dimensions", "Invalid value for 'dimensions'.")
	case strict && dimensions != nil && model == "text-embedding-ada-002":
		return nil, bad("dimensions", "This model does not support specifying dimensions.")
	case x.body["input"] == nil:
		return nil, bad("input", "Missing required parameter: 'input'.")
	}
	inputs := embeddedInputs(x.body["input"])
	if len(inputs) == 0 || len(inputs) > maxInputs {
		return nil, bad("input", "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.")
	}
	for _, in := range inputs {
		if in.tokens == 0 {
			return nil, bad("input", "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.")
		}
	}
	return inputs, nil
}

// embeddedInputs reads the four forms of an input; none for any other.
func embeddedInputs(input any) []embedded {
	one := func(v any) embedded {
		switch v := v.(type) {
		case string:
			return embedded{v, tokens(len(v))}
		case []any:
			for _, n := range v {
				if _, ok := n.(float64); !ok {
					return embedded{}
				}
			}
			b, _ := json.Marshal(v)
			return embedded{string(b), len(v)}
		}
		return embedded{}
	}
	all, isList := input.([]any)
	if !isList || len(all) == 0 {
		if _, ok := input.(string); ok {
			return []embedded{one(input)}
		}
		return nil
	}
	if _, ok := all[0].(float64); ok {
		return []embedded{one(input)}
	}
	var out []embedded
	for _, v := range all {
		out = append(out, one(v))
	}
	return out
}

// embedGoogle answers :embedContent and :batchEmbedContents.
func (s *Simulator) embedGoogle(x *exchange, method string) {
	batch := method == "batchEmbedContents"
	requests, known := []any{x.body}, embedContentMembers
	if batch {
		requests, known = list(x.body["requests"]), members("requests")
	}
	fail := func(format string, args ...any) { x.fail(problem{Status: 400, Message: fmt.Sprintf(format, args...)}) }
	if name := unknownMember(x.body, known); name != "" {
		fail("Invalid JSON payload received. Unknown name %q: Cannot find field.", name)
		return
	}
	if !knows(x.provider, x.row.Model, x.created) || !embeds(x.row.Model) {
		x.fail(notFoundGoogle(x.row.Model, method))
		return
	}
	if len(requests) == 0 || len(requests) > maxGoogleRequests {
		fail("* BatchEmbedContentsRequest.requests: at least one and at most %d requests can be in one batch\n", maxGoogleRequests)
		return
	}
	all, embeddings := "", []any{}
	for i, r := range requests {
		request := camel(object(r))
		name := unknownMember(request, embedContentMembers)
		dimensions := number(request["outputDimensionality"])
		said := partsText(object(request["content"]))
		switch model := text(request["model"]); {
		case name != "":
			fail("Invalid JSON payload received. Unknown name %q at 'requests[%d]': Cannot find field.", name, i)
			return
		case (batch || model != "") && model != "models/"+x.row.Model:
			fail("* BatchEmbedContentsRequest.model: must match EmbedContentRequest.model in all requests\n")
			return
		case said == "":
			fail("* EmbedContentRequest.content: content is empty\n")
			return
		case dimensions > maxDimensions:
			fail("* EmbedContentRequest.output_dimensionality: must be at most %d\n", maxDimensions)
			return
		case dimensions == 0:
			dimensions = dimensionsOf(x.row.Model)
		}
		all += said
		embeddings = append(embeddings, fields{"values", vector(said, dimensions)})
	}
	if !x.prepare(all) {
		return
	}
	x.row.Prompt, x.row.Chunks = tokens(len(all)), 1
	x.googleHeaders()
	if batch {
		x.json(fields{"embeddings", embeddings})
		return
	}
	x.json(fields{"embedding", embeddings[0]})
}
