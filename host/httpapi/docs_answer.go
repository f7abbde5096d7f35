package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// anyTime are the codes that every request may be answered with before it reaches its route,
// or whatever the route.
var anyTime = []string{codeMalformedRequest, codeRequestTimeout, codeHeadersTooLarge, code(engine.CodeInternal), "database_unavailable", codeOverloaded, codeShuttingDown}

// moreCodes are the codes of single operations beside those that follow from their shape.
var moreCodes = map[string][]string{
	"create-rule":        {codeRuleCompile, codeRuleCases},
	"replace-rule":       {codeRuleCompile, codeRuleCases},
	"patch-rule":         {codeRuleCompile, codeRuleCases},
	"delete-rule":        {codeRuleCases},
	"enable-rule":        {codeRuleCases},
	"disable-rule":       {codeRuleCases},
	"check-rule":         {codeRuleCompile, code(engine.CodeConflict)},
	"publish-rules":      {codeRuleCompile, codeRuleCases},
	"restore-rules":      {codeRuleCompile, codeRuleCases},
	"run-rule-cases":     {codeRuleCompile},
	"backtest-rules":     {codeRuleCompile},
	"create-rollout":     {codeRuleCompile, codeRuleCases},
	"promote-rollout":    {codeRuleCompile, codeRuleCases},
	"create-assignment":  {codeRuleCompile},
	"replace-assignment": {codeRuleCompile},
	"patch-assignment":   {codeRuleCompile},
	"upload-plugin":      {code(engine.CodePluginFailed)},
	"activate-plugin":    {code(engine.CodePluginFailed)},
	"rollback-plugin":    {code(engine.CodePluginFailed)},
	"add-note":           {code(engine.CodeTooLarge)},
	"create-session":     {code(engine.CodeInvalidJSON), codeCrossOrigin, code(engine.CodeForbidden), code(engine.CodeRateLimited), code(engine.CodeUnauthorized)},
	"get-session-of-ui":  {codeCrossOrigin, code(engine.CodeUnauthorized)},
	"delete-session":     {codeCrossOrigin, codeCSRF, code(engine.CodeUnauthorized)},
}

// nothingNamed are operations that name nothing which could be absent.
var nothingNamed = []string{"create-account", "calculate-cost"}

// completionCodes are those of every route below /v1 that asks a model.
var completionCodes = []string{
	code(engine.CodeInvalid), code(engine.CodeInvalidJSON), code(engine.CodeContextLength), code(engine.CodeContentFilter), code(engine.CodeRuleRejected),
	code(engine.CodeModelNotAllowed), code(engine.CodeModelNotFound), code(engine.CodeTooLarge), code(engine.CodeUnsupportedMedia),
	code(engine.CodeRateLimited), code(engine.CodeBudgetExceeded), code(engine.CodeRuleFailed), code(engine.CodePluginFailed),
	code(engine.CodeUpstreamFailed), code(engine.CodeUpstreamTimeout), code(engine.CodeUpstreamTruncated), code(engine.CodeUpstreamOverloaded), code(engine.CodeNoTarget),
}

var idempotencyCodes = []string{
	code(engine.CodeIdempotencyInProgress), code(engine.CodeIdempotencyLost), code(engine.CodeIdempotencyReused),
	code(engine.CodeIdempotencyFull), code(engine.CodeIdempotencyUnavailable),
}

// errorsOf are the codes that an operation may be answered with, by status. They follow from
// its shape: what has a body may be malformed, what has an id may not be there.
func errorsOf(op *huma.Operation, rule access) map[int][]string {
	var codes []string
	add := func(more ...string) { codes = append(codes, more...) }
	body, path, match, sent := op.RequestBody != nil, strings.Contains(op.Path, "{"), false, false
	for _, p := range op.Parameters {
		match = match || p.Name == "If-Match"
		sent = sent || p.In == "query" || p.In == "path"
	}
	add(anyTime...)
	if body {
		add(code(engine.CodeTooLarge), code(engine.CodeUnsupportedMedia))
	}
	if !rule.public {
		add(code(engine.CodeUnauthorized), code(engine.CodeForbidden), code(engine.CodeRateLimited)) // the last for who tries keys
		for _, name := range rule.scope.Names() {
			add(scopeCode(name))
		}
	}
	switch {
	case strings.HasPrefix(op.Path, "/api/v1/"):
		add(codeCrossOrigin)
		if op.Method != http.MethodGet {
			add(codeCSRF)
		}
		if body || sent {
			add(code(engine.CodeInvalid))
		}
		if (body || sent || path) && !slices.Contains(nothingNamed, op.OperationID) {
			add(code(engine.CodeNotFound))
		}
		if op.Method != http.MethodGet && rule.scope&engine.ScopeManage != 0 {
			add(code(engine.CodeConflict))
		}
		if match {
			add(codePrecondition)
		}
	case op.Path == modelPath:
		add(code(engine.CodeInvalid), code(engine.CodeModelNotFound))
	case strings.HasPrefix(op.Path, "/v1/") && body:
		add(completionCodes...)
		for _, p := range op.Parameters {
			if strings.EqualFold(p.Name, headerIdempotencyKey) {
				add(idempotencyCodes...)
			}
		}
	}
	add(moreCodes[op.OperationID]...)
	byStatus := map[int][]string{}
	for _, r := range references() {
		if !slices.Contains(codes, r.Code) {
			continue
		}
		status := r.Status
		if op.Path == messagesPath || op.Path == countMessagesPath {
			status = r.ClaudeStatus
		}
		byStatus[status] = append(byStatus[status], r.Code)
		// Where a body or a parameter does not fit its schema, huma says 422.
		if r.Code == code(engine.CodeInvalid) && strings.HasPrefix(op.Path, "/api/v1/") {
			byStatus[http.StatusUnprocessableEntity] = append(byStatus[http.StatusUnprocessableEntity], r.Code)
		}
	}
	for _, list := range byStatus {
		slices.Sort(list)
	}
	return byStatus
}

// answerErrors documents the errors. Answers that say the same are one component.
func answerErrors(to *huma.Components, op *huma.Operation, rule access) {
	media := problemType
	form, ref := "problem", "#/components/schemas/Problem"
	switch {
	case op.Path == messagesPath || op.Path == countMessagesPath:
		media, form, ref = "application/json", "anthropic", "#/components/schemas/AnthropicError"
	case strings.HasPrefix(op.Path, "/v1/"):
		media, form, ref = "application/json", "openai", "#/components/schemas/OpenAIError"
	}
	content := func() map[string]*huma.MediaType {
		return map[string]*huma.MediaType{media: {Schema: &huma.Schema{Ref: ref}}}
	}
	for status, codes := range errorsOf(op, rule) {
		name := form + "-" + strconv.Itoa(status) + "-" + strings.Join(codes, ".")
		if to.Responses[name] == nil {
			r := &huma.Response{
				Description: "`" + strings.Join(codes, "`, `") + "`", Content: content(), Headers: map[string]*huma.Param{"x-request-id": {Ref: headerPath + "x-request-id"}},
				Extensions: map[string]any{"x-pointsman-codes": codes},
			}
			switch status {
			case http.StatusTooManyRequests, http.StatusServiceUnavailable, statusOverloaded, http.StatusConflict:
				for _, h := range []string{"retry-after", "retry-after-ms", "x-should-retry"} {
					if h == "retry-after" || form != "problem" {
						r.Headers[h] = &huma.Param{Ref: headerPath + h}
					}
				}
			case http.StatusUnauthorized:
				r.Headers["www-authenticate"] = &huma.Param{Ref: headerPath + "www-authenticate"}
			}
			to.Responses[name] = r
		}
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + name}
	}
	if !strings.HasPrefix(op.Path, "/v1/") {
		return
	}
	name := form + "-default"
	to.Responses[name] = &huma.Response{Description: "`rule_rejected` with a status of its rule's choice, 400 to 451.", Content: content(),
		Extensions: map[string]any{"x-pointsman-codes": []string{code(engine.CodeRuleRejected)}}}
	op.Responses["default"] = &huma.Response{Ref: "#/components/responses/" + name}
}
