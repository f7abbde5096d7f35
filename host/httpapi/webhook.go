package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// WebhookService manages webhooks and shows their deliveries. The account "" is the
// operator's. Errors of its methods: *engine.Error. edit and was are as in ModelService.
type WebhookService interface {
	// ListWebhooks returns those of every account that p manages when accountID is empty.
	ListWebhooks(ctx context.Context, p engine.Principal, accountID string) ([]engine.Webhook, error)
	GetWebhook(ctx context.Context, p engine.Principal, accountID, id string) (engine.Webhook, error)
	// CreateWebhook returns the stored row and its signing secret, which is never shown again.
	CreateWebhook(ctx context.Context, p engine.Principal, w engine.Webhook) (engine.Webhook, string, error)
	ChangeWebhook(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.Webhook)) (engine.Webhook, error)
	// RotateWebhook returns the row and its new secret; the one before goes on signing for overlap.
	RotateWebhook(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, overlap time.Duration) (engine.Webhook, string, error)
	DeleteWebhook(ctx context.Context, p engine.Principal, accountID, id string) error
	// TestWebhook sends an event now. What the receiver refuses is a result.
	TestWebhook(ctx context.Context, p engine.Principal, accountID, id string) (engine.WebhookTrial, error)
	ListDeliveries(ctx context.Context, p engine.Principal, accountID, id string, limit int) ([]engine.Delivery, error)
	RetryDelivery(ctx context.Context, p engine.Principal, accountID, id, deliveryID string) error
}

// webhook is a webhook as the admin API shows it: without its secret, but for the one time.
type webhook struct {
	ID            string     `json:"id" example:"0193f5c2-6f0e-7c3b-9d5a-2b1f4f7f0a11"`
	AccountID     string     `json:"account_id" example:"acme" doc:"Empty: the operator's, which gets what concerns no account."`
	Name          string     `json:"name" example:"pager"`
	URL           string     `json:"url"`
	Events        []string   `json:"events" example:"[\"budget.\"]" doc:"Kinds that it gets, or beginnings of them that end in '.'. Empty: all."`
	Enabled       bool       `json:"enabled"`
	DisabledWhy   string     `json:"disabled_why,omitempty" doc:"Why the gateway disabled it."`
	Secret        string     `json:"secret,omitempty" example:"whsec_…" doc:"In the answer that made it, and never again. Deliveries are signed with it as Standard Webhooks says."`
	SecretVersion int64      `json:"secret_version" example:"1" doc:"Rises with each rotation."`
	PreviousUntil *time.Time `json:"previous_secret_until,omitempty" doc:"The secret before this one signs too until then."`
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     time.Time  `json:"updated_at"`
}

type (
	// WebhookKey is the webhook that a path means. Exported because huma skips embedded
	// structs that are not.
	WebhookKey struct {
		ID        string `path:"id" maxLength:"64"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Whose. Left out: the caller's own account; for a super admin the operator's, then that."`
	}
	newWebhook struct {
		AccountID string   `json:"account_id,omitempty" maxLength:"128" example:"acme" doc:"Left out: the caller's own; for a super admin the operator's."`
		Name      string   `json:"name,omitempty" maxLength:"128" example:"pager"`
		URL       string   `json:"url" minLength:"1" maxLength:"2048" doc:"https, to a host on the public internet. Redirects are not followed."`
		Events    []string `json:"events,omitempty" maxItems:"64" example:"[\"budget.\"]" doc:"Kinds of events, or beginnings of them that end in '.'. Left out: all."`
		Enabled   *bool    `json:"enabled,omitempty" doc:"Default true."`
	}
	webhookPatch struct {
		Name    *string   `json:"name,omitempty" maxLength:"128"`
		URL     *string   `json:"url,omitempty" minLength:"1" maxLength:"2048"`
		Events  *[]string `json:"events,omitempty" maxItems:"64"`
		Enabled *bool     `json:"enabled,omitempty" doc:"What waited while it was disabled is sent then."`
	}
	webhookRotation struct {
		Overlap *int64 `json:"overlap_seconds,omitempty" minimum:"0" maximum:"604800" example:"86400" doc:"For so long the old secret signs too. Default 86400, a day. 0: it stops at once."`
	}
	webhookList struct {
		Body struct {
			Data []webhook `json:"data" doc:"By account, then id."`
		}
	}
	webhookOutput struct {
		ETag string `header:"ETag"`
		Body webhook
	}
	createdWebhook struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     webhook
	}
)

func shownWebhook(w engine.Webhook) webhook {
	out := webhook{
		ID: w.ID, AccountID: w.AccountID, Name: w.Name, URL: w.URL, Events: w.Events, Enabled: w.Enabled, DisabledWhy: w.DisabledWhy,
		SecretVersion: w.Version, CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(),
	}
	if out.Events == nil {
		out.Events = []string{}
	}
	if !w.PreviousUntil.IsZero() {
		until := w.PreviousUntil.UTC()
		out.PreviousUntil = &until
	}
	return out
}

func (s *Server) registerWebhooks() {
	tag, path := []string{"webhooks"}, "/api/v1/webhooks"
	operation(s, huma.Operation{OperationID: "list-webhooks", Method: http.MethodGet, Path: path, Summary: "List webhooks", Tags: tag}, s.listWebhooks)
	operation(s, huma.Operation{OperationID: "create-webhook", Method: http.MethodPost, Path: path, Summary: "Create a webhook; the answer has its signing secret, once", Description: "Events are sent as Standard Webhooks says: webhook-id, webhook-timestamp and webhook-signature: v1,base64(HMAC-SHA256(secret, id.timestamp.body)). The secret's bytes are what follows whsec_, in base64. A receiver answers 2xx within 10 seconds, or it is tried again after 5 s, 30 s, 2 min, 10 min, 1 h, 6 h and 24 h; it may see an event twice, under the same webhook-id. 410 disables the webhook.", Tags: tag, DefaultStatus: http.StatusCreated}, s.createWebhook)
	operation(s, huma.Operation{OperationID: "get-webhook", Method: http.MethodGet, Path: path + "/{id}", Summary: "Get a webhook, without its secret", Tags: tag}, s.getWebhook)
	operation(s, huma.Operation{OperationID: "patch-webhook", Method: http.MethodPatch, Path: path + "/{id}", Summary: "Change members of a webhook", Tags: tag}, s.patchWebhook)
	operation(s, huma.Operation{OperationID: "delete-webhook", Method: http.MethodDelete, Path: path + "/{id}", Summary: "Delete a webhook with its deliveries", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteWebhook)
	operation(s, huma.Operation{OperationID: "rotate-webhook", Method: http.MethodPost, Path: path + "/{id}/rotate", Summary: "Give a webhook another signing secret", Tags: tag}, s.rotateWebhook)
	s.registerDeliveries(tag, path)
}

func (s *Server) listWebhooks(ctx context.Context, in *struct {
	AccountID string `query:"account_id" maxLength:"128" doc:"Left out: every account's that the caller manages."`
}) (*webhookList, error) {
	p := principalOf(ctx)
	if accountID(in.AccountID).strange(p) {
		return nil, noSuchAccount
	}
	rows, err := s.cfg.Webhooks.ListWebhooks(ctx, p, in.AccountID)
	if err != nil {
		return nil, err
	}
	out := &webhookList{}
	out.Body.Data = shownAll(rows, shownWebhook)
	return out, nil
}

func (s *Server) createWebhook(ctx context.Context, in *struct{ Body newWebhook }) (*createdWebhook, error) {
	p := principalOf(ctx)
	w, secret, err := s.cfg.Webhooks.CreateWebhook(ctx, p, engine.Webhook{
		AccountID: homeOf(p, in.Body.AccountID), Name: in.Body.Name, URL: in.Body.URL, Events: in.Body.Events,
		Enabled: in.Body.Enabled == nil || *in.Body.Enabled,
	})
	if err != nil {
		return nil, err
	}
	out := &createdWebhook{"/api/v1/webhooks/" + w.ID, etagOf(w.UpdatedAt), shownWebhook(w)}
	out.Body.Secret = secret
	return out, nil
}

// findWebhook reads the row that a path names.
func (s *Server) findWebhook(ctx context.Context, k WebhookKey) (engine.Webhook, error) {
	p := principalOf(ctx)
	return find(p, k.AccountID, func(account string) (engine.Webhook, error) {
		return s.cfg.Webhooks.GetWebhook(ctx, p, account, k.ID)
	})
}

func (s *Server) getWebhook(ctx context.Context, in *WebhookKey) (*webhookOutput, error) {
	w, err := s.findWebhook(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &webhookOutput{etagOf(w.UpdatedAt), shownWebhook(w)}, nil
}

func (s *Server) patchWebhook(ctx context.Context, in *struct {
	WebhookKey
	RuleMatch
	Body webhookPatch
}) (*webhookOutput, error) {
	old, was, err := s.changedWebhook(ctx, in.WebhookKey, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	w, err := s.cfg.Webhooks.ChangeWebhook(ctx, principalOf(ctx), old.AccountID, old.ID, was, func(w *engine.Webhook) {
		overlay(&w.Name, in.Body.Name)
		overlay(&w.URL, in.Body.URL)
		overlay(&w.Events, in.Body.Events)
		overlay(&w.Enabled, in.Body.Enabled)
	})
	if err != nil {
		return nil, err
	}
	return &webhookOutput{etagOf(w.UpdatedAt), shownWebhook(w)}, nil
}

// changedWebhook reads the row that a change is meant for, and as of when.
func (s *Server) changedWebhook(ctx context.Context, k WebhookKey, m RuleMatch) (old engine.Webhook, was time.Time, err error) {
	if old, err = s.findWebhook(ctx, k); err == nil {
		was, err = changes(m, "webhook", row{old.AccountID, old.ID, old.UpdatedAt})
	}
	return old, was, err
}

func (s *Server) rotateWebhook(ctx context.Context, in *struct {
	WebhookKey
	RuleMatch
	Body *webhookRotation
}) (*webhookOutput, error) {
	old, was, err := s.changedWebhook(ctx, in.WebhookKey, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	overlap := 24 * time.Hour
	if in.Body != nil && in.Body.Overlap != nil {
		overlap = time.Duration(*in.Body.Overlap) * time.Second
	}
	w, secret, err := s.cfg.Webhooks.RotateWebhook(ctx, principalOf(ctx), old.AccountID, old.ID, was, overlap)
	if err != nil {
		return nil, err
	}
	out := &webhookOutput{etagOf(w.UpdatedAt), shownWebhook(w)}
	out.Body.Secret = secret
	return out, nil
}

func (s *Server) deleteWebhook(ctx context.Context, in *struct {
	WebhookKey
	RuleMatch
}) (*nothing, error) {
	w, _, err := s.changedWebhook(ctx, in.WebhookKey, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Webhooks.DeleteWebhook(ctx, principalOf(ctx), w.AccountID, w.ID)
}
