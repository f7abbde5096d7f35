package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// problem is an error answer before it is put into the provider's words.
type problem struct {
	Status     int
	Message    string
	Type       string // of OpenAI and Anthropic; default by status
	Code       string // of OpenAI
	Param      string // of OpenAI
	Reason     string // of Google's ErrorInfo
	RetryAfter int    // seconds
}

// scripted is the error that a fault asks for.
func scripted(f Fault) problem {
	p := problem{Status: f.Status, RetryAfter: f.RetryAfter}
	switch f.Status {
	case 400:
		p.Message = "Simulated: the request is invalid."
	case 401:
		p.Message, p.Code = "Simulated: incorrect API key provided.", "invalid_api_key"
	case 404:
		p.Message, p.Code = "Simulated: the model does not exist or you do not have access to it.", "model_not_found"
	case 429:
		p.Message, p.Code, p.Type = "Simulated: rate limit reached.", "rate_limit_exceeded", "requests"
		if f.RetryAfter > 0 {
			p.Message += fmt.Sprintf(" Please try again in %ds.", f.RetryAfter)
		}
	case 503, 529:
		p.Message, p.Code = "Simulated: overloaded.", "server_is_overloaded"
	default:
		p.Message = "Simulated: the server had an error."
	}
	return p
}

// fail writes an error answer as the provider would.
func (x *exchange) fail(p problem) {
	x.row.Status, x.row.Outcome = p.Status, "refused"
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	if p.RetryAfter > 0 && x.provider != "google" {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status >= 300 && p.Status < 400 {
		h.Set("Location", "http://127.0.0.1:9/elsewhere")
	}
	var body any
	switch x.provider {
	case "anthropic":
		h.Set("request-id", "req_"+x.id)
		if p.Status == 529 {
			h.Set("x-should-retry", "true")
		}
		body = x.anthropicError(p)
	case "google":
		body = map[string]any{"error": googleError(p)}
	default:
		h.Set("x-request-id", "req_"+x.id)
		body = map[string]any{"error": openAIError(p)}
	}
	x.w.WriteHeader(p.Status)
	text, _ := json.Marshal(body)
	_, _ = x.w.Write(text)
}

// openAIError is the error object of OpenAI's wires: all four members, nullable.
func openAIError(p problem) map[string]any {
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
	return map[string]any{"message": p.Message, "type": kind, "param": orNull(p.Param), "code": orNull(p.Code)}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (x *exchange) anthropicError(p problem) map[string]any {
	kinds := map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
		413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error", 503: "overloaded_error",
	}
	kind := kinds[p.Status]
	if kind == "" {
		kind = "api_error"
	}
	return map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": p.Message}, "request_id": "req_" + x.id}
}

// googleError is Google's error object. The wait for a rate limit is in its details:
// there is no header for it.
func googleError(p problem) map[string]any {
	names := map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
		429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
	}
	name := names[p.Status]
	if name == "" {
		name = http.StatusText(p.Status)
	}
	e := map[string]any{"code": p.Status, "message": p.Message, "status": name}
	var details []any
	if p.Reason != "" {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": p.Reason, "domain": "googleapis.com"})
	}
	if p.RetryAfter > 0 {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": strconv.Itoa(p.RetryAfter) + "s"})
	}
	if details != nil {
		e["details"] = details
	}
	return e
}
