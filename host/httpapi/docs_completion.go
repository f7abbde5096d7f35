package httpapi

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// plainOperations are the routes that huma does not serve.
func (s *Server) plainOperations(r huma.Registry) []*huma.Operation {
	for _, name := range []string{"OpenAIError", "AnthropicError"} {
		kind := map[string]reflect.Type{"OpenAIError": reflect.TypeFor[openAIErrorBody](), "AnthropicError": reflect.TypeFor[anthropicErrorBody]()}[name]
		r.Map()[name] = huma.SchemaFromType(r, kind)
	}
	list := []*huma.Operation{
		completion(r, "create-chat-completion", chatPath, "Complete a chat", "OpenAI's Chat Completions. Members that are not listed are passed on where the provider's wire has a place for them.",
			reflect.TypeFor[chatBodyOf](), reflect.TypeFor[chatAnswerOf](), "Each event is a chunk of an answer; the last one is [DONE]."),
		completion(r, "create-message", messagesPath, "Complete a conversation in Anthropic's wire", "Anthropic's Messages. The base URL of its SDKs is this server's origin, without /v1.",
			reflect.TypeFor[messagesBodyOf](), reflect.TypeFor[messagesAnswerOf](), "Events by the names of Anthropic's API, from message_start to message_stop."),
		completion(r, "create-response", responsesPath, "Complete in OpenAI's Responses wire", "Nothing is stored: `store` is accepted without effect; `previous_response_id`, `conversation` and `background` are refused.",
			reflect.TypeFor[responsesBodyOf](), reflect.TypeFor[responsesAnswerOf](), "Events by the names of the Responses API, from response.created to response.completed."),
		completion(r, "create-embedding", embeddingsPath, "Embed texts", "OpenAI's Embeddings, for models of the kind embeddings, each by its name.",
			reflect.TypeFor[embeddingsBodyOf](), reflect.TypeFor[embeddingsAnswerOf](), ""),
		completion(r, "count-message-tokens", countMessagesPath, "Count the tokens of a message", "Never fails for a provider's sake: where it has no counter the answer is an estimate, and x-pointsman-estimated says so.",
			reflect.TypeFor[countMessagesBodyOf](), reflect.TypeFor[countAnswerOf](), ""),
		completion(r, "count-response-tokens", countResponsesPath, "Count the tokens of a response's input", "As the count of a message, in OpenAI's wire.",
			reflect.TypeFor[countResponsesBodyOf](), reflect.TypeFor[countResponsesAnswerOf](), ""),
		{OperationID: "list-usable-models", Method: http.MethodGet, Path: "/v1/models", Tags: []string{"completions"}, Summary: "List the models that the key may use",
			Description: "With the header anthropic-version in the shape of Anthropic's API. What a policy forbids is not there.",
			Parameters:  []*huma.Param{anthropicVersion}, Responses: answered(r, http.StatusOK, reflect.TypeFor[usableModels]())},
		{OperationID: "get-usable-model", Method: http.MethodGet, Path: modelPath, Tags: []string{"completions"}, Summary: "Get a model that the key may use",
			Description: "An id may hold slashes, as `provider/model` does: they stand as they are.",
			Parameters:  []*huma.Param{{Name: "id", In: "path", Required: true, Description: "Id of the model, or auto.", Schema: &huma.Schema{Type: "string"}}, anthropicVersion}, Responses: answered(r, http.StatusOK, reflect.TypeFor[model]())},
	}
	return append(list, serverOperations(r)...)
}

// modelPath is the route of one model, as the document has it.
const modelPath = "/v1/models/{id}"

var anthropicVersion = &huma.Param{Name: "anthropic-version", In: "header", Description: "Sent by clients of Anthropic's API: the answer then has its shape. Any value.", Schema: &huma.Schema{Type: "string"}}

func sentHeader(name, text string, most int) *huma.Param {
	schema := &huma.Schema{Type: "string"}
	if most > 0 {
		schema.MaxLength = &most
	}
	return &huma.Param{Name: name, In: "header", Description: text, Schema: schema}
}

// completionParameters are the headers that every request to a model may carry.
func completionParameters() []*huma.Param {
	return []*huma.Param{
		sentHeader(strings.ToLower(headerRequestID), "Id for the request: letters, digits, '.', '_' and '-'. Anything else is replaced by a new one.", maxRequestID),
		sentHeader(engine.HeaderSession, "The conversation that this belongs to; goes before metadata.session_id.", 0),
		sentHeader(engine.HeaderTask, "Type of task; goes before metadata.task_type. Assignments and rules look at it.", 0),
		sentHeader(engine.HeaderAgent, "The agent that asks; goes before metadata.agent_id.", 0),
		{Name: headerExplain, In: "header", Description: "true: the answer tells how it was decided.", Schema: &huma.Schema{Type: "string", Enum: []any{"true", "false"}}},
		sentHeader("traceparent", "W3C trace context, which the gateway's spans continue.", 0),
		sentHeader(strings.ToLower(headerAnthropicBeta), "Passed on to Anthropic.", maxHeaderValue),
		sentHeader(strings.ToLower(headerOpenAIBeta), "Passed on to OpenAI.", maxHeaderValue),
	}
}

// completion documents a route that asks a model.
func completion(r huma.Registry, id, path, summary, description string, body, answer reflect.Type, stream string) *huma.Operation {
	op := &huma.Operation{
		OperationID: id, Method: http.MethodPost, Path: path, Tags: []string{"completions"}, Summary: summary, Description: description,
		Parameters:  completionParameters(),
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: r.Schema(body, true, "")}}},
		Responses:   answered(r, http.StatusOK, answer),
	}
	switch path {
	case countMessagesPath, countResponsesPath: // to count costs nothing
	default:
		least, most := 1, engine.MaxIdempotencyKey
		op.Parameters = append(op.Parameters, &huma.Param{Name: headerIdempotencyKey, In: "header", Schema: &huma.Schema{Type: "string", MinLength: &least, MaxLength: &most, Pattern: "^[ -~]+$"},
			Description: "Printable ASCII, a new one for each request: what is sent again with it within 24 hours is paid for once, and answered as the first was."})
	}
	if stream != "" {
		op.Responses["200"].Content["text/event-stream"] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Description: "With `stream: true`. " + stream}}
	}
	return op
}

// answered is the answer with that body.
func answered(r huma.Registry, status int, body reflect.Type) map[string]*huma.Response {
	return map[string]*huma.Response{itoa(status): {Description: http.StatusText(status),
		Content: map[string]*huma.MediaType{"application/json": {Schema: r.Schema(body, true, "")}}}}
}

// plain is an answer that is no JSON of ours.
func plain(media, text string) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{media: {Schema: &huma.Schema{Type: "string", Description: text}}}}}
}

// serverOperations are the routes of the server itself.
func serverOperations(r huma.Registry) []*huma.Operation {
	tag := []string{"server"}
	ready := answered(r, http.StatusOK, reflect.TypeFor[stateBody]())
	ready["503"] = answered(r, http.StatusServiceUnavailable, reflect.TypeFor[stateBody]())["503"]
	return []*huma.Operation{
		{OperationID: "healthz", Method: http.MethodGet, Path: "/healthz", Tags: tag, Summary: "Say that the process answers", Description: "For a liveness probe. It asks nothing else of the process.", Responses: answered(r, http.StatusOK, reflect.TypeFor[stateBody]())},
		{OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: tag, Summary: "Say whether to send traffic", Description: "For a readiness probe: 503 while it starts and stops. A provider that is down does not make it unready.", Responses: ready},
		{OperationID: "metrics", Method: http.MethodGet, Path: metricsPath, Tags: tag, Summary: "Metrics for Prometheus", Description: "host/telemetry/METRICS.md lists them.", Responses: plain("text/plain", "The Prometheus text format, or OpenMetrics if Accept asks for it.")},
		{OperationID: "openapi", Method: http.MethodGet, Path: "/openapi.json", Tags: tag, Summary: "This document", Description: "OpenAPI 3.1. `pointsman openapi` prints it without a server.", Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/openapi+json": {Schema: &huma.Schema{Type: "object", Description: "An OpenAPI 3.1 document."}}}}}},
		{OperationID: "docs", Method: http.MethodGet, Path: "/docs", Tags: tag, Summary: "This document, to read", Description: "One page that loads nothing from elsewhere.", Responses: plain("text/html", "The page.")},
		{OperationID: "create-session", Method: http.MethodPost, Path: loginPath, Tags: tag, Summary: "Log in to the dashboard", Description: "Exchanges a key for a session, kept in a cookie that no script reads. Only for pages of the same origin.",
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: r.Schema(reflect.TypeFor[loginBody](), true, "")}}}, Responses: answered(r, http.StatusOK, reflect.TypeFor[sessionDocument]())},
		{OperationID: "get-session-of-ui", Method: http.MethodGet, Path: loginPath, Tags: tag, Summary: "Show the dashboard's session", Description: "With the token that changes need, and the routes that the session may use.", Responses: answered(r, http.StatusOK, reflect.TypeFor[sessionDocument]())},
		{OperationID: "delete-session", Method: http.MethodDelete, Path: loginPath, Tags: tag, Summary: "Log out of the dashboard", Description: "The session ends at every replica.",
			Parameters: []*huma.Param{{Name: "x-csrf-token", In: "header", Required: true, Description: "The session's token.", Schema: &huma.Schema{Type: "string"}}}, Responses: map[string]*huma.Response{"204": {Description: "No Content"}}},
	}
}
