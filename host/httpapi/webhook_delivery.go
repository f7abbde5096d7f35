package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// States of a delivery.
const (
	deliveryPending   = "pending"
	deliveryDelivered = "delivered"
	deliveryGivenUp   = "given_up"
)

// delivery is a delivery as the admin API shows it.
type delivery struct {
	ID          string          `json:"id" example:"0193f5c2-6f0e-7c3b-9d5a-2b1f4f7f0a11" doc:"The webhook-id header."`
	Type        string          `json:"type" example:"budget.threshold"`
	State       string          `json:"state" enum:"pending,delivered,given_up"`
	Tries       int             `json:"tries" doc:"Begun so far."`
	Status      int             `json:"status,omitempty" example:"503" doc:"What the receiver answered last; left out: nothing came."`
	Error       string          `json:"error,omitempty" example:"The receiver did not answer in time." doc:"Why the last try failed."`
	Payload     json.RawMessage `json:"payload" doc:"The body that is sent."`
	CreatedAt   time.Time       `json:"created_at"`
	NextAt      *time.Time      `json:"next_at,omitempty" doc:"The next try, unless the webhook is disabled."`
	DeliveredAt *time.Time      `json:"delivered_at,omitempty"`
}

type (
	deliveryList struct {
		Body struct {
			Data []delivery `json:"data" doc:"Newest first. They are kept for 30 days."`
		}
	}
	webhookTrial struct {
		Body struct {
			OK     bool   `json:"ok" doc:"The receiver answered 2xx."`
			Status int    `json:"status,omitempty" example:"204"`
			Error  string `json:"error,omitempty"`
			TookMS int64  `json:"took_ms"`
		}
	}
)

func shownDelivery(d engine.Delivery) delivery {
	out := delivery{
		ID: d.ID, Type: d.Kind, State: deliveryGivenUp, Tries: d.Tries, Status: d.Status, Error: d.Error, Payload: d.Payload, CreatedAt: d.CreatedAt.UTC(),
	}
	if !d.DoneAt.IsZero() {
		at := d.DoneAt.UTC()
		out.State, out.DeliveredAt = deliveryDelivered, &at
	} else if !d.NextAt.IsZero() {
		at := d.NextAt.UTC()
		out.State, out.NextAt = deliveryPending, &at
	}
	return out
}

func (s *Server) registerDeliveries(tag []string, path string) {
	operation(s, huma.Operation{OperationID: "test-webhook", Method: http.MethodPost, Path: path + "/{id}/test", Summary: "Send a webhook.test event now", Description: "Answers 200 whatever the receiver said; 'ok' tells. It takes 10 seconds at most, works for a disabled webhook too, and is not in the list of deliveries.", Tags: tag}, s.testWebhook)
	operation(s, huma.Operation{OperationID: "list-deliveries", Method: http.MethodGet, Path: path + "/{id}/deliveries", Summary: "List a webhook's deliveries", Tags: tag}, s.listDeliveries)
	operation(s, huma.Operation{OperationID: "retry-delivery", Method: http.MethodPost, Path: path + "/{id}/deliveries/{delivery_id}/retry", Summary: "Send a delivery again, also one that is done or given up", Tags: tag, DefaultStatus: http.StatusNoContent}, s.retryDelivery)
}

func (s *Server) testWebhook(ctx context.Context, in *WebhookKey) (*webhookTrial, error) {
	w, err := s.findWebhook(ctx, *in)
	if err != nil {
		return nil, err
	}
	t, err := s.cfg.Webhooks.TestWebhook(ctx, principalOf(ctx), w.AccountID, w.ID)
	if err != nil {
		return nil, err
	}
	out := &webhookTrial{}
	out.Body.OK, out.Body.Status, out.Body.Error, out.Body.TookMS = t.OK, t.Status, t.Error, t.Took.Milliseconds()
	return out, nil
}

func (s *Server) listDeliveries(ctx context.Context, in *struct {
	WebhookKey
	Newest
}) (*deliveryList, error) {
	w, err := s.findWebhook(ctx, in.WebhookKey)
	if err != nil {
		return nil, err
	}
	rows, err := s.cfg.Webhooks.ListDeliveries(ctx, principalOf(ctx), w.AccountID, w.ID, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &deliveryList{}
	out.Body.Data = shownAll(rows, shownDelivery)
	return out, nil
}

func (s *Server) retryDelivery(ctx context.Context, in *struct {
	WebhookKey
	DeliveryID string `path:"delivery_id" maxLength:"64"`
}) (*nothing, error) {
	w, err := s.findWebhook(ctx, in.WebhookKey)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Webhooks.RetryDelivery(ctx, principalOf(ctx), w.AccountID, w.ID, in.DeliveryID)
}

// noWebhooks is the service of a gateway that has none.
type noWebhooks struct{}

var errNoWebhooks = engine.Errorf(engine.CodeNotFound, "This gateway has no webhooks.")

func (noWebhooks) ListWebhooks(context.Context, engine.Principal, string) ([]engine.Webhook, error) {
	return nil, nil
}

func (noWebhooks) GetWebhook(context.Context, engine.Principal, string, string) (engine.Webhook, error) {
	return engine.Webhook{}, errNoWebhooks
}

func (noWebhooks) CreateWebhook(context.Context, engine.Principal, engine.Webhook) (engine.Webhook, string, error) {
	return engine.Webhook{}, "", errNoWebhooks
}

func (noWebhooks) ChangeWebhook(context.Context, engine.Principal, string, string, time.Time, func(*engine.Webhook)) (engine.Webhook, error) {
	return engine.Webhook{}, errNoWebhooks
}

func (noWebhooks) RotateWebhook(context.Context, engine.Principal, string, string, time.Time, time.Duration) (engine.Webhook, string, error) {
	return engine.Webhook{}, "", errNoWebhooks
}

func (noWebhooks) DeleteWebhook(context.Context, engine.Principal, string, string) error {
	return errNoWebhooks
}

func (noWebhooks) TestWebhook(context.Context, engine.Principal, string, string) (engine.WebhookTrial, error) {
	return engine.WebhookTrial{}, errNoWebhooks
}

func (noWebhooks) ListDeliveries(context.Context, engine.Principal, string, string, int) ([]engine.Delivery, error) {
	return nil, errNoWebhooks
}

func (noWebhooks) RetryDelivery(context.Context, engine.Principal, string, string, string) error {
	return errNoWebhooks
}
