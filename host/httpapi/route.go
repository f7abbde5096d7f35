package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
)

// Least roles of routes.
var (
	public       = access{public: true}
	anyKey       = access{role: engine.RoleUser}
	teamLead     = access{role: engine.RoleTeamLead}
	accountAdmin = access{role: engine.RoleAccountAdmin}
	superAdmin   = access{role: engine.RoleSuperAdmin}
)

// register adds every route.
func (s *Server) register() error {
	s.add(fiber.MethodGet, "/", s.home)
	for _, method := range []string{fiber.MethodGet, fiber.MethodHead} {
		s.add(method, "/healthz", s.healthz)
		s.add(method, "/readyz", s.readyz)
	}
	s.add(fiber.MethodGet, metricsPath, s.metrics)
	s.add(fiber.MethodPost, chatPath, s.chatCompletions)
	s.add(fiber.MethodPost, messagesPath, s.messages)
	s.add(fiber.MethodPost, responsesPath, s.responses)
	s.add(fiber.MethodPost, countMessagesPath, s.countMessages)
	s.add(fiber.MethodPost, countResponsesPath, s.countResponses)
	s.add(fiber.MethodPost, embeddingsPath, s.embeddings)
	s.add(fiber.MethodGet, "/v1/models", s.listModels)
	s.add(fiber.MethodGet, "/v1/models/+", s.getModel)

	s.api = humafiber.NewWithGroup(s.app, guarded{s.app, s}, s.humaConfig())
	s.api.UseMiddleware(s.decodePath)
	s.registerRules()
	s.registerPlugins()
	s.registerAccounts()
	s.registerTeams()
	s.registerUsers()
	s.registerKeys()
	s.registerPreferences()
	s.registerAssignments()
	s.registerBudgets()
	s.registerCatalogue()
	s.registerPrices()
	s.registerCalculate()
	s.registerExplain()
	s.registerBacktest()
	s.registerRollouts()
	s.registerProviders()
	s.registerCredentials()
	s.registerTrials()
	s.registerSessions()
	s.registerLimits()
	s.registerUsage()
	s.registerCosts()
	s.registerDecisions()
	s.registerWebhooks()
	s.registerHealth()
	s.registerAudit()
	s.registerEvents()
	// huma describes its own error for every operation; none answers with it (see unify).
	delete(s.api.OpenAPI().Components.Schemas.Map(), "ErrorModel")

	if err := s.document(); err != nil {
		return err
	}
	s.registerDashboard()
	s.add(fiber.MethodGet, "/openapi.json", s.openAPI)
	s.add(fiber.MethodGet, "/docs", s.docsPage)
	if len(s.unguarded) > 0 {
		return fmt.Errorf("httpapi: routes without a policy: %s", strings.Join(s.unguarded, ", "))
	}
	s.rendering()
	return nil
}

// add registers a handler behind its policy.
func (s *Server) add(method, path string, handler fiber.Handler) {
	rule, ok := policies[method+" "+path]
	if !ok {
		s.unguarded = append(s.unguarded, method+" "+path)
		return
	}
	s.app.Add(method, path, s.guard(path, rule.of(method, path), handler))
}

// guarded is the router that huma registers on.
type guarded struct {
	fiber.Router
	s *Server
}

// Add implements the one method that humafiber calls.
func (g guarded) Add(method, path string, handlers ...fiber.Handler) fiber.Router {
	for _, h := range handlers {
		g.s.add(method, path, h)
	}
	return g
}

// guard lets a request through to the handler when its key may use the route. It runs
// before anything looks at the body.
func (s *Server) guard(route string, rule access, handler fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		rq := requestOf(c.Context())
		rq.route = route
		h := &c.Request().Header
		if !rule.public {
			p, key, f := s.authenticate(h)
			if f = s.admitted(c.Context(), rq.received, key, p, f); f != nil {
				return f
			}
			rq.principal = p
			if f := rule.refuses(p); f != nil {
				return f
			}
			if rule.scope != engine.ScopeInference {
				rq.ctx = engine.WithActor(rq.ctx, engine.Actor{Principal: p, RequestID: rq.id})
				// Answers hold what callers wrote, which no browser may take for a page.
				c.Response().Header.Set(fiber.HeaderXContentTypeOptions, "nosniff")
				// The services refuse it too; this is for the one that forgets.
				if accountID(c.Request().URI().QueryArgs().Peek("account_id")).strange(p) {
					return noSuchAccount
				}
			}
		}
		if f := encoded(h); f != nil {
			return f
		}
		c.SetUserContext(rq.ctx)
		if !rule.public && !rule.inference() {
			// Apart from the models' gate, so that an overloaded server can still be managed.
			if f := s.desk.enter(rq.principal.AccountID); f != nil {
				return f
			}
			defer s.desk.leave(rq.principal.AccountID)
		}
		return handler(c)
	}
}

// principalOf returns who sent the request that an admin operation serves.
func principalOf(ctx context.Context) engine.Principal { return requestOf(ctx).principal }

// routing is the failure for a path or method that matches no route, nil for other errors.
func routing(c *fiber.Ctx, err error) *failure {
	var fe *fiber.Error
	if !errors.As(err, &fe) {
		return nil
	}
	method, path := c.Method(), c.Path()
	if len(path) > maxRequestID {
		path = path[:maxRequestID] + "…"
	}
	switch fe.Code {
	case fiber.StatusMethodNotAllowed:
		return failed(http.StatusMethodNotAllowed, codeMethodNotAllowed, "There is no "+method+" "+path+". The Allow header has the methods.")
	case fiber.StatusNotFound:
		return failed(http.StatusNotFound, string(engine.CodeNotFound), "There is no "+method+" "+path+". "+hint(path))
	}
	return nil
}

// hint is the next step for a path that is not served.
func hint(path string) string {
	switch {
	case path == "/v1/completions":
		return "The legacy completions API is not offered: use POST /v1/chat/completions with 'messages'."
	case path == "/chat/completions", path == "/models":
		return "The base URL ends in /v1."
	case path == "/v1"+messagesPath:
		return "For clients of Anthropic's API the base URL is the origin, without /v1."
	case strings.HasPrefix(path, "/v1/"):
		return "Served are POST /v1/chat/completions, POST /v1/messages, POST /v1/messages/count_tokens, POST /v1/responses, POST /v1/responses/input_tokens, POST /v1/embeddings, GET /v1/models and GET /v1/models/{id}."
	}
	return "/docs has every route."
}

// operation adds an admin operation.
func operation[I, O any](s *Server, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	op.Responses = map[string]*huma.Response{"default": problemResponse(s.api.OpenAPI().Components.Schemas)}
	op.BodyReadTimeout = -1 // the server has read the body already
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = adminBodyLimit
	}
	if op.DefaultStatus == 0 {
		op.DefaultStatus = http.StatusOK
	}
	named := accountNamed[I]()
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		if named(in).strange(principalOf(ctx)) {
			return nil, s.explain(ctx, noSuchAccount)
		}
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.explain(ctx, err)
		}
		return out, nil
	})
}

// explain turns an error of a service into the problem that huma writes.
func (s *Server) explain(ctx context.Context, err error) error {
	f := failureOf(err)
	rq := requestOf(ctx)
	if f.status >= http.StatusInternalServerError {
		s.cfg.Logger.Error().Str("request_id", rq.id).Str("code", f.code).Int("status", f.status).Err(err).Msg("request failed")
	}
	p := f.problem(rq.id)
	if f.after > 0 {
		return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {f.retryAfter()}})
	}
	return p
}

func (s *Server) humaConfig() huma.Config {
	format := huma.DefaultJSONFormat
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Pointsman", Version: s.cfg.Version,
				Description: "Completions under /v1, in the formats of OpenAI (Chat Completions, Responses) and Anthropic (Messages), and the admin API under /api/v1. Errors have codes to branch on: /docs#errors.",
				License:     &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: securitySchemes,
			},
		},
		// The specification and the documentation are served by docs.go.
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{unify},
	}
}
