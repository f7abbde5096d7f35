package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// problem is an error answer before it is put into the provider's words.
type problem struct {
	Status     int
	Message    string
	Type       string // of OpenAI and Anthropic; default by status
	Code       string // of OpenAI
	Param      string // of OpenAI
	Reason     string // of Google's ErrorInfo
	Quota      string // of Google's QuotaFailure, the quota's id
	RetryAfter string // seconds, or an HTTP date
}

// badJSON is the answer to a body that is no JSON object.
func badJSON(provider string) problem {
	p := problem{Status: http.StatusBadRequest, Message: "We could not parse the JSON body of your request."}
	switch provider {
	case "anthropic":
		p.Message = "The request body is not valid JSON"
	case "google":
		p.Message = "Invalid JSON payload received."
	}
	return p
}

// noKey is the answer to a request without a credential.
func noKey(provider string) problem {
	switch provider {
	case "anthropic":
		return problem{Status: http.StatusUnauthorized, Message: "x-api-key header is required"}
	case "google":
		return problem{Status: http.StatusForbidden, Message: "Method doesn't allow unregistered callers (callers without established identity)."}
	}
	return problem{Status: http.StatusUnauthorized, Message: "You didn't provide an API key."}
}

// wrongKey is the answer to a credential that Config.Keys does not have. It does
// not quote the key.
func wrongKey(provider string) problem {
	switch provider {
	case "anthropic":
		return problem{Status: http.StatusUnauthorized, Message: "invalid x-api-key"}
	case "google":
		return problem{Status: http.StatusBadRequest, Message: "API key not valid. Please pass a valid API key.", Reason: "API_KEY_INVALID"}
	}
	return problem{Status: http.StatusUnauthorized, Code: "invalid_api_key", Message: "Incorrect API key provided."}
}

// kinds are what a scripted error may say other than its status' usual words.
var kinds = map[string]problem{
	"quota":          {Status: 429, Type: "insufficient_quota", Code: "insufficient_quota", Quota: "GenerateRequestsPerDayPerProjectPerModel", Message: "Simulated: you exceeded your current quota."},
	"rate_limit":     {Status: 429, Type: "requests", Code: "rate_limit_exceeded", Quota: "GenerateRequestsPerMinutePerProjectPerModel", Message: "Simulated: rate limit reached."},
	"too_large":      {Status: 429, Type: "tokens", Code: "rate_limit_exceeded", Message: "Simulated: request too large for this model. Limit 30000, Requested 31538."},
	"overloaded":     {Status: 503, Code: "server_is_overloaded", Message: "Simulated: overloaded."},
	"server":         {Status: 500, Message: "Simulated: the server had an error."},
	"context_length": {Status: 400, Code: "context_length_exceeded", Param: "messages", Message: "Simulated: this model's maximum context length is 8192 tokens."},
	"content_filter": {Status: 400, Code: "content_filter", Message: "Simulated: the content was filtered."},
	"invalid":        {Status: 400, Message: "Simulated: the request is invalid."},
	"auth":           {Status: 401, Code: "invalid_api_key", Message: "Simulated: incorrect API key provided."},
	"model":          {Status: 404, Code: "model_not_found", Message: "Simulated: the model does not exist or you do not have access to it."},
}

// usual is the kind of an error status.
var usual = map[int]string{400: "invalid", 401: "auth", 404: "model", 429: "rate_limit", 503: "overloaded", 529: "overloaded"}

// scripted is the error that the exchange's fault asks for.
func (x *exchange) scripted(status int) problem {
	f := x.fault
	p, known := kinds[f.Kind]
	if !known {
		p, known = kinds[usual[status]]
	}
	if !known {
		p = kinds["server"]
	}
	// The words that tell a context overflow apart are each provider's own.
	if f.Kind == "context_length" {
		switch x.provider {
		case "anthropic":
			p.Message = "prompt is too long: 200001 tokens > 200000 maximum"
		case "google":
			p.Message = "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."
		}
	}
	p.Status = status
	switch {
	case f.RetryDate != 0:
		p.RetryAfter = x.created.Add(time.Duration(f.RetryDate) * time.Second).UTC().Format(http.TimeFormat)
	case f.RetryAfter > 0:
		p.RetryAfter = strconv.Itoa(f.RetryAfter)
		if status == http.StatusTooManyRequests {
			p.Message += fmt.Sprintf(" Please try again in %ds.", f.RetryAfter)
		}
	}
	return p
}

// fail writes an error answer as the provider would.
func (x *exchange) fail(p problem) {
	x.row.Status, x.row.Outcome = p.Status, OutcomeRefused
	h := x.w.Header()
	x.contentType("application/json")
	if p.Status >= 300 && p.Status < 400 {
		h.Set("Location", "http://127.0.0.1:9/elsewhere")
	}
	if p.RetryAfter != "" && x.provider != "google" {
		h.Set("Retry-After", p.RetryAfter)
	}
	var body fields
	switch x.provider {
	case "anthropic":
		h.Set("request-id", "req_"+x.id)
		h.Set("x-should-retry", strconv.FormatBool(p.Status == 429 || p.Status >= 500))
		body = anthropicError(p).with("request_id", "req_"+x.id)
	case "google":
		h.Set("Content-Type", "application/json; charset=UTF-8")
		x.googleHeaders()
		body = fields{"error", googleError(p)}
	default:
		x.openAIHeaders()
		body = fields{"error", openAIError(p)}
	}
	x.w.WriteHeader(p.Status)
	_, _ = x.w.Write(encode(body))
}

// openAIError is the error object of OpenAI's wires: all four members, nullable.
func openAIError(p problem) fields {
	kind := p.Type
	if kind == "" {
		switch {
		case p.Status == 503:
			kind = "service_unavailable_error"
		case p.Status >= 500:
			kind = "server_error"
		default:
			kind = "invalid_request_error"
		}
	}
	return fields{"message", p.Message, "type", kind, "param", orNull(p.Param), "code", orNull(p.Code)}
}

// anthropicTypes are the error types by status; any other is an api_error.
var anthropicTypes = map[int]string{
	400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
	413: "request_too_large", 429: "rate_limit_error", 503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error",
}

func anthropicError(p problem) fields {
	kind := anthropicTypes[p.Status]
	if kind == "" {
		kind = "api_error"
	}
	return fields{"type", "error", "error", fields{"type", kind, "message", p.Message}}
}

var googleStatus = map[int]string{
	400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT",
	429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}

// googleError is Google's error object. The wait for a rate limit is in its details:
// there is no header for it.
func googleError(p problem) fields {
	status := googleStatus[p.Status]
	if status == "" {
		status = "UNKNOWN"
	}
	e := fields{"code", p.Status, "message", p.Message, "status", status}
	const rpc = "type.googleapis.com/google.rpc."
	var details []any
	if p.Reason != "" {
		details = append(details, fields{"@type", rpc + "ErrorInfo", "reason", p.Reason, "domain", "googleapis.com"})
	}
	if p.Quota != "" {
		details = append(details, fields{"@type", rpc + "QuotaFailure", "violations", []any{fields{"quotaId", p.Quota}}})
	}
	if seconds, err := strconv.Atoi(p.RetryAfter); err == nil {
		details = append(details, fields{"@type", rpc + "RetryInfo", "retryDelay", strconv.Itoa(seconds) + "s"})
	}
	if details == nil {
		return e
	}
	return e.with("details", details)
}
