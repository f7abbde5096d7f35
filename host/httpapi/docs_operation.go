package httpapi

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// The document is what huma makes of the registered operations, completed here once: the routes
// that huma does not know, every status that a route may answer with, its headers, who may use
// it, words for members that have none, and examples. See RATIONALE.md, "How is the document
// kept complete?".

// operations calls f for each operation of the document.
func operations(api *huma.OpenAPI, f func(*huma.Operation)) {
	for _, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete, item.Head} {
			if op != nil {
				f(op)
			}
		}
	}
}

// document completes the specification.
func (s *Server) document() error {
	api := s.api.OpenAPI()
	for _, op := range s.plainOperations(api.Components.Schemas) {
		api.AddOperation(op)
	}
	api.Components.Headers = headers
	api.Components.Responses = map[string]*huma.Response{}
	api.Tags = documentTags
	api.Servers = []*huma.Server{{URL: "/", Description: "The server that this document came from."}}
	describe(api)
	operations(api, func(op *huma.Operation) {
		rule := policies[op.Method+" "+fiberPath(op.Path)].of(op.Method, op.Path)
		if op.OperationID == "upload-plugin" || op.OperationID == "record-cost" {
			again := *op.Responses["201"]
			again.Description = "It was there already, the very same."
			op.Responses["200"] = &again
		}
		op.Security = security(op, rule)
		answerHeaders(op)
		answerErrors(api.Components, op, rule)
	})
	return exemplify(api)
}

// security says how a caller shows who it is, and which scopes its key must have: for schemes
// that are not OAuth's, OpenAPI 3.1 takes the list as the roles that are needed.
func security(op *huma.Operation, rule access) []map[string][]string {
	switch {
	case op.Path == loginPath && op.Method != http.MethodPost:
		return []map[string][]string{{"session": {}}}
	case rule.public:
		return []map[string][]string{{}}
	}
	names := rule.scope.Names()
	list := []map[string][]string{{"bearer": names}, {"apiKey": names}}
	if strings.HasPrefix(op.Path, "/api/v1/") {
		list = append(list, map[string][]string{"session": names})
	}
	if op.Extensions == nil {
		op.Extensions = map[string]any{}
	}
	op.Extensions["x-pointsman-role"], op.Extensions["x-pointsman-scopes"] = rule.role, names
	return list
}

var securitySchemes = map[string]*huma.SecurityScheme{
	"bearer":  {Type: "http", Scheme: "bearer", Description: "`Authorization: Bearer pm_…`. The names in a route's list are the scopes that the key must have; x-pointsman-role is the least role of its user."},
	"apiKey":  {Type: "apiKey", In: "header", Name: "x-api-key", Description: "The same key, as clients of Anthropic's API send it. A request has one of both."},
	"session": {Type: "apiKey", In: "cookie", Name: plainCookie, Description: "A browser's session, from POST /ui/session; over TLS the cookie is " + secureCookie + ". A change needs the header x-csrf-token too. For the dashboard's own pages."},
}

var documentTags = []*huma.Tag{
	{Name: "completions", Description: "Requests to models, in the wires of OpenAI and Anthropic. The model `auto` lets the routing rules choose; a model id pins it."},
	{Name: "accounts", Description: "Tenants: a company each."},
	{Name: "assignments", Description: "Types of tasks and the models that they go to."},
	{Name: "audit", Description: "Who changed what: a chain of hashes for each account."},
	{Name: "budgets", Description: "What may be spent, by whom, in which period; and the alerts of what was."},
	{Name: "costs", Description: "What was spent, would be, and will have been. Money is in US dollars, as text, exact to 10⁻⁹."},
	{Name: "decisions", Description: "Why each request went where it went."},
	{Name: "events", Description: "What went wrong and right again, live."},
	{Name: "health", Description: "How providers, models and credentials do, and what is switched by hand."},
	{Name: "keys", Description: "API keys of users. A key's text is shown once."},
	{Name: "limits", Description: "Rate limits at every level."},
	{Name: "models", Description: "The catalogue of models and their prices."},
	{Name: "plugins", Description: "WebAssembly plugins: rules and provider adapters."},
	{Name: "preferences", Description: "What accounts, teams and users prefer and forbid, and what super admins override."},
	{Name: "providers", Description: "Where models are served, and the credentials for it."},
	{Name: "rollouts", Description: "Drafts of rules and plugins that are tried on live traffic."},
	{Name: "rules", Description: "Routing rules: their text, versions, cases, graph, and what they would have done."},
	{Name: "sessions", Description: "Conversations, the notes left for them, and their handoffs."},
	{Name: "teams", Description: "Teams of an account."},
	{Name: "usage", Description: "The ledger: one row for each attempt."},
	{Name: "users", Description: "Users of an account, with their roles."},
	{Name: "webhooks", Description: "Events sent to addresses of yours, signed."},
	{Name: "server", Description: "The server itself: whether it lives and is ready, its metrics, its documents, and the dashboard's session."},
}

// describe gives words to parameters and members that have none of their own.
func describe(api *huma.OpenAPI) {
	schemas := api.Components.Schemas.Map()
	for name, schema := range schemas {
		describeMembers(schemas, name, schema)
	}
	operations(api, func(op *huma.Operation) {
		if op.Description == "" {
			op.Description = usually(op)
		}
		for _, p := range op.Parameters {
			if p.Description == "" {
				p.Description = parameterWord(op, p)
			}
			if p.Schema != nil && p.Schema.Description == p.Description {
				p.Schema.Description = ""
			}
		}
		for _, media := range contents(op) {
			if media.Schema != nil && media.Schema.Ref == "" {
				describeMembers(schemas, op.OperationID, media.Schema)
			}
		}
	})
}

// contents are the bodies of an operation, sent and answered.
func contents(op *huma.Operation) (list []*huma.MediaType) {
	if op.RequestBody != nil {
		for _, media := range op.RequestBody.Content {
			list = append(list, media)
		}
	}
	for _, r := range op.Responses {
		for _, media := range r.Content {
			list = append(list, media)
		}
	}
	return list
}

func describeMembers(schemas map[string]*huma.Schema, name string, schema *huma.Schema) {
	for member, s := range schema.Properties {
		if s.Description == "" {
			s.Description = word(schemas, name, member)
		}
		describeMembers(schemas, name+"."+member, s)
	}
	if schema.Items != nil {
		describeMembers(schemas, name, schema.Items)
	}
	if inner, ok := schema.AdditionalProperties.(*huma.Schema); ok {
		describeMembers(schemas, name, inner)
	}
}

// word is what a member is: by its schema, by the schema that it changes, else by its name.
func word(schemas map[string]*huma.Schema, schema, member string) string {
	if w, ok := words[schema+"."+member]; ok {
		return w
	}
	for _, of := range patched(schema) {
		if w, ok := words[of+"."+member]; ok {
			return w
		}
		if base := schemas[of]; base != nil && base.Properties[member] != nil && base.Properties[member].Description != "" {
			return base.Properties[member].Description
		}
	}
	return words[member]
}

// patched are the schemas whose members a schema takes over: RulePatch those of Rule.
func patched(schema string) []string {
	if of, ok := strings.CutSuffix(schema, "Patch"); ok {
		switch of {
		case "Model":
			return []string{"CatalogueModel"}
		case "Limit":
			return []string{"RateLimit"}
		case "Credential":
			return []string{"NewCredential", "ProviderCredential"}
		}
		return []string{of}
	}
	if of, ok := strings.CutPrefix(schema, "New"); ok {
		return []string{strings.TrimSuffix(of, "Body")}
	}
	if schema == "DecisionWhole" {
		return []string{"Decision"}
	}
	return nil
}

// parameterWord is what a parameter is.
func parameterWord(op *huma.Operation, p *huma.Param) string {
	if p.Name == "id" {
		path, _, _ := strings.Cut(strings.TrimPrefix(op.Path, "/api/v1/"), "/{id}")
		if noun, ok := pathNouns[path]; ok {
			return "Id of the " + noun + "."
		}
	}
	if w, ok := words[op.Tags[0]+"?"+p.Name]; ok {
		return w
	}
	if w, ok := words["?"+p.Name]; ok {
		return w
	}
	return words[p.Name]
}

func code(c engine.Code) string { return string(c) }
