package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pointsman/pointsman/engine/wasm"
)

// adminKey is the super admin's in every gateway that is measured.
const adminKey = "bench-admin-key-of-24-or-more"

// gateway is a Pointsman with everything on.
type gateway struct {
	*process
	dir string
}

// startGateway starts one with a new store, in dir.
func startGateway(ctx context.Context, o options, provider *process, dir string) (*gateway, error) {
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return nil, err
	}
	p, err := spawn{
		name: "pointsman", cpu: measuredCPU, path: binary, args: []string{"serve"}, dir: dir,
		env: []string{
			"POINTSMAN_LISTEN=127.0.0.1:0", "POINTSMAN_DATA_DIR=" + dir, "POINTSMAN_ADMIN_KEY=" + adminKey, "POINTSMAN_LOG_LEVEL=error",
			"OPENAI_API_KEY=sk-bench", "OPENAI_BASE_URL=" + provider.url + "/v1",
			"ANTHROPIC_API_KEY=sk-bench", "ANTHROPIC_BASE_URL=" + provider.url,
			"GEMINI_API_KEY=sk-bench", "GEMINI_BASE_URL=" + provider.url,
		},
	}.start(ctx)
	if err != nil {
		return nil, err
	}
	return &gateway{process: p, dir: dir}, nil
}

// call sends a document to the management API and checks that it was taken.
func (g *gateway) call(ctx context.Context, method, path string, body, answer any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return g.send(ctx, method, path, "application/json", raw, answer)
}

func (g *gateway) send(ctx context.Context, method, path, contentType string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, g.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+adminKey)
	req.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %.400s", method, path, res.Status, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

type object = map[string]any

// governed sets what "everything on" is: limits at four scopes, a hard budget, the record of
// every decision, and a plugin rule beside the eight system rules; and so many rules that match
// nothing.
func (g *gateway) governed(ctx context.Context, o options, rules int) error {
	for _, per := range []string{"account", "user", "key", "model"} {
		limit := object{"id": "bench-" + per, "account_id": "default", "kind": "requests", "amount": 1_000_000_000, "window": "minute", "per": []string{per}}
		if err := g.call(ctx, http.MethodPost, "/api/v1/limits", limit, nil); err != nil {
			return err
		}
	}
	budget := object{"id": "bench", "account_id": "default", "amount": "1000000", "period": "month", "hard": true}
	if err := g.call(ctx, http.MethodPost, "/api/v1/budgets", budget, nil); err != nil {
		return err
	}
	record := object{"record": "all", "retention_days": 7, "text": false}
	if err := g.call(ctx, http.MethodPut, "/api/v1/decision-settings", record, nil); err != nil {
		return err
	}
	module, err := os.ReadFile(o.plugin)
	if err != nil {
		return fmt.Errorf("the rule plugin: %w (make bench-gateway builds it)", err)
	}
	if err := g.upload(ctx, module); err != nil {
		return err
	}
	return g.publish(ctx, "default", append(neverRules(rules),
		topicRule("bench-topics", "go-topic-router", "default", 300),
		object{
			"id": "bench-anthropic", "account_id": "default", "name": "Anthropic", "priority": 200, "enabled": true,
			"when": "mentions('bench-anthropic')", "target": "claude-haiku-4.5", "fallbacks": []string{},
		},
		object{
			"id": "bench-failover", "account_id": "default", "name": "Failover", "priority": 201, "enabled": true,
			"when": "mentions('" + wordFailover + "')", "target": "gpt-4o", "fallbacks": []string{"gpt-4.1"},
		},
	))
}

// topicRule is a plugin rule that abstains.
func topicRule(id, plugin, account string, priority int) object {
	return object{
		"id": id, "account_id": account, "name": id, "priority": priority, "enabled": true, "plugin": plugin, "target": "gpt-4o", "fallbacks": []string{},
		"config": object{"topics": []object{{"name": "none", "words": []string{"xylophone", "zeppelin"}, "model": "gpt-4o"}}},
	}
}

// publish gives an account that has none yet its rules.
func (g *gateway) publish(ctx context.Context, account string, rules []object) error {
	return g.call(ctx, http.MethodPost, "/api/v1/rules/publish", object{"account_id": account, "rules": rules, "was": 0}, nil)
}

// upload gives the gateway a plugin's module.
func (g *gateway) upload(ctx context.Context, module []byte) error {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("module", "plugin.wasm")
	if err != nil {
		return err
	}
	if _, err := part.Write(module); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return g.send(ctx, http.MethodPost, "/api/v1/plugins", w.FormDataContentType(), form.Bytes(), nil)
}

// renamed is the module under another name, so that the gateway holds each as a plugin of its own.
func renamed(module, manifest []byte, name string) ([]byte, error) {
	var m object
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, err
	}
	m["name"] = name
	changed, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return wasm.EmbedManifest(module, changed)
}

// plugins uploads n of them, and gives each an account whose rule it is. It returns a key of each.
func (g *gateway) plugins(ctx context.Context, o options, n int) ([]string, error) {
	module, err := os.ReadFile(o.plugin)
	if err != nil {
		return nil, err
	}
	manifest, err := os.ReadFile(o.manifest)
	if err != nil {
		return nil, err
	}
	keys := make([]string, n)
	for i := range keys {
		name := fmt.Sprintf("topics-%d", i)
		other, err := renamed(module, manifest, name)
		if err != nil {
			return nil, err
		}
		if err := g.upload(ctx, other); err != nil {
			return nil, err
		}
		if keys[i], err = g.account(ctx, fmt.Sprintf("plugins-%d", i), []object{topicRule("topics", name, "", 300)}); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// accounts makes n, each with its rules, and returns a key of each.
func (g *gateway) accounts(ctx context.Context, n, rules int) ([]string, error) {
	keys := make([]string, n)
	var err error
	for i := range keys {
		if keys[i], err = g.account(ctx, fmt.Sprintf("tenant-%d", i), neverRules(rules)); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// account makes one with a user and rules, and returns a key of it.
func (g *gateway) account(ctx context.Context, id string, rules []object) (string, error) {
	if err := g.call(ctx, http.MethodPost, "/api/v1/accounts", object{"id": id, "name": id}, nil); err != nil {
		return "", err
	}
	for _, r := range rules {
		r["account_id"] = id
	}
	if err := g.publish(ctx, id, rules); err != nil {
		return "", err
	}
	return g.key(ctx, id)
}

// key makes a key of the account's admin and returns it.
func (g *gateway) key(ctx context.Context, account string) (string, error) {
	user := object{"account_id": account, "id": "bench", "name": "Bench", "role": "account_admin"}
	if err := g.call(ctx, http.MethodPost, "/api/v1/users", user, nil); err != nil {
		return "", err
	}
	var made struct{ Secret string }
	err := g.call(ctx, http.MethodPost, "/api/v1/keys", object{"account_id": account, "user_id": "bench", "name": "bench"}, &made)
	return made.Secret, err
}

// neverRules are rules that match nothing; half of them look at words, which one pass over the
// text serves, and half at numbers.
func neverRules(n int) []object {
	rules := make([]object, n)
	for i := range rules {
		when := fmt.Sprintf("request.tokens > %d", 900_000+i)
		if i%2 == 0 {
			when = fmt.Sprintf("mentions('unheard%d', 'unseen%d')", i, i)
		}
		rules[i] = object{
			"id": fmt.Sprintf("never-%d", i), "name": fmt.Sprintf("Never %d", i), "priority": 400, "enabled": true, "when": when,
			"target": "gpt-4o", "fallbacks": []string{},
		}
	}
	return rules
}

// settled waits until what a start does in the background is done.
func settled() { time.Sleep(2 * time.Second) }
