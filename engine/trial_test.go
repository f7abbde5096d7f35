package engine

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// bench is one provider, with its adapter, that answers a list and a call as a test says.
type bench struct {
	t         *testing.T
	catalogue *Catalogue
	ledger    *rowLedger
	list      benchStep
	call      benchStep

	open      int      // adapters that are open
	asked     []string // operation and model of each request that was sent
	used      []string // its credential
	keys      map[string]bool
	documents []string // the canonical requests
}

// errPanic makes an adapter panic.
var errPanic = errors.New("panic")

// benchStep is what happens to one operation.
type benchStep struct {
	refuse error  // of the adapter's Request
	method string // default GET for a list, POST for a call
	doErr  error
	stall  bool // Do answers when the context ends
	status int  // default 200
	body   string
	class  abi.Class // that the adapter finds in a refusal
}

func newBench(t *testing.T, models []Model, prices []Price) *bench {
	b := &bench{t: t, ledger: &rowLedger{}, keys: map[string]bool{"k1": true, "k2": true},
		list: benchStep{body: `{"object":"list","data":[{"id":"up-1"},{"id":"up-2"}]}`},
		call: benchStep{body: answerOf("OK", `,"usage":{"prompt_tokens":9,"completion_tokens":2}`)},
	}
	b.catalogue = NewCatalogue(models, []Provider{
		{ID: "p", Adapter: "bench", Enabled: true, Credentials: []Credential{{ID: "k1", Weight: 1, Enabled: true}, {ID: "k2", Weight: 1}}},
		{AccountID: "acme", ID: "bare", Adapter: "bench", Enabled: true},
		{ID: "keyless", Adapter: "bench", Keyless: true, Enabled: true},
	}, prices)
	return b
}

func benchModel(id string, input int64) (Model, Price) {
	return Model{ID: id, ProviderID: "p", UpstreamID: "up-" + id, API: APIChat, PremiumCenti: 33, Enabled: true},
		Price{ProviderID: "p", UpstreamID: "up-" + id, Input: input, Output: input}
}

func (b *bench) service() *TrialService {
	return NewTrialService(TrialConfig{Catalogue: func() *Catalogue { return b.catalogue }, Adapters: b, Upstream: b, Ledger: b.ledger, Now: func() time.Time { return rigTime }})
}

var benchAdmin = Principal{AccountID: "default", UserID: "root", Role: RoleSuperAdmin}

func (b *bench) try(r TrialRequest) Trial {
	b.t.Helper()
	r.RequestID, r.Principal = "req-1", benchAdmin
	if r.ID == "" {
		r.ID = "p"
	}
	got, err := b.service().TryProvider(b.t.Context(), r)
	if err != nil {
		b.t.Fatalf("TryProvider() = %v, want nil", err)
	}
	if b.open != 0 {
		b.t.Errorf("%d adapters are open after a trial, want none", b.open)
	}
	return got
}

func (b *bench) AdapterManifest(string, string) (Manifest, error) {
	return Manifest{Name: "bench"}, nil
}

func (b *bench) OpenAdapter(_, _ string, a AdapterAttempt) (Adapter, error) {
	b.open++
	operation := a.Call.Get("operation").Text()
	if a.Request.Exists() {
		b.documents = append(b.documents, string(a.Request.Raw()))
	} else if operation != abi.OperationList {
		b.t.Errorf("operation %s without a request", operation)
	}
	step := &b.call
	if operation == abi.OperationList {
		step = &b.list
	}
	return &benchAdapter{b: b, step: step, operation: operation, model: a.Call.Pointer("/target/upstream_id").Text()}, nil
}

func (b *bench) HasCredential(p *Provider) bool {
	return p.Keyless || slices.ContainsFunc(p.Credentials, func(c Credential) bool { return c.Enabled && b.keys[c.ID] })
}
func (b *bench) Simulated(*Provider) bool { return false }

func (b *bench) Do(ctx context.Context, r *UpstreamRequest) (*UpstreamResponse, error) {
	b.asked = append(b.asked, r.Request.Path)
	key := r.Credential
	for _, c := range r.Provider.Credentials {
		if key == "" && c.Enabled {
			key = c.ID
		}
	}
	b.used = append(b.used, key)
	step := &b.call
	if strings.HasPrefix(r.Request.Path, "/list") {
		step = &b.list
	}
	if r.Total <= 0 || r.Total > trialTotal || r.Stream {
		b.t.Errorf("request with a total of %v, stream %v, want it bounded and plain", r.Total, r.Stream)
	}
	if step.stall {
		<-ctx.Done()
		return nil, &Error{Code: CodeUpstreamTimeout, Message: "late", Err: ctx.Err()}
	}
	if step.doErr != nil {
		return nil, step.doErr
	}
	status := step.status
	if status == 0 {
		status = 200
	}
	return &UpstreamResponse{Status: status, Body: []byte(step.body), Field: func(string) string { return "" }, Close: func() {}}, nil
}

type benchAdapter struct {
	b                *bench
	step             *benchStep
	operation, model string
}

func (a *benchAdapter) Close() { a.b.open-- }

func (a *benchAdapter) Request(context.Context) (AdapterRequest, error) {
	method := a.step.method
	if method == "" && a.operation == abi.OperationList {
		method = "GET"
	}
	if a.step.refuse == errPanic {
		panic("host side broke")
	}
	return AdapterRequest{Method: method, Path: "/" + a.operation + "/" + a.model}, a.step.refuse
}

func (a *benchAdapter) Response(_ context.Context, _ *UpstreamResponse, body []byte) (AdapterReply, error) {
	return translated(body)
}

func (a *benchAdapter) Event(context.Context, *UpstreamResponse, string, []byte) (AdapterReply, error) {
	a.b.t.Error("a trial does not stream")
	return AdapterReply{}, nil
}

func (a *benchAdapter) Error(_ context.Context, _ *UpstreamResponse, body []byte) (AdapterReply, error) {
	doc, err := document.Parse(body, document.Limits{})
	if err != nil {
		return AdapterReply{}, err
	}
	return AdapterReply{Chunks: []*document.Doc{doc}, Failure: &AdapterFailure{Class: a.step.class}}, nil
}

func TestTrialOfAProvider(t *testing.T) {
	t.Parallel()
	dear, dearPrice := benchModel("dear", 9e6)
	cheap, cheapPrice := benchModel("cheap", 1e6)
	off, offPrice := benchModel("off", 1)
	off.Enabled = false
	gone, gonePrice := benchModel("gone", 1)
	gone.RetiresAt = rigTime.Add(-time.Hour)
	unpriced, _ := benchModel("unpriced", 0)
	vectors, vectorPrice := benchModel("a-vectors", 1)
	vectors.Capabilities = []Capability{CapEmbeddings}
	b := newBench(t, []Model{dear, cheap, off, gone, unpriced, vectors}, []Price{dearPrice, cheapPrice, offPrice, gonePrice, vectorPrice})
	got := b.try(TrialRequest{})
	if !got.OK || got.Failure != nil || !slices.Equal(got.Models, []string{"up-1", "up-2"}) || got.Call == nil || got.Call.Model != "cheap" || !got.Call.OK {
		t.Errorf("TryProvider() = %+v, want ok, the list, and a call of the cheapest chat model that can be called", got)
	}
	if want := []string{"/list/", "/chat/up-cheap"}; !slices.Equal(b.asked, want) || !slices.Equal(b.used, []string{"k1", "k1"}) {
		t.Errorf("asked %q with %q, want %q with the enabled key", b.asked, b.used, want)
	}
	if want := `{"model":"up-cheap","messages":[{"role":"user","content":"Say OK."}],"max_tokens":16}`; len(b.documents) != 1 || b.documents[0] != want {
		t.Errorf("documents = %q, want %s", b.documents, want)
	}
	rows := b.ledger.all()
	if len(rows) != 1 {
		t.Fatalf("%d usage rows, want one for the call", len(rows))
	}
	r := rows[0]
	if r.Source != SourceTrial || r.AccountID != "default" || r.UserID != "root" || r.RequestID != "req-1" || r.ModelID != "cheap" || r.ProviderID != "p" || r.UpstreamID != "up-cheap" ||
		r.Tokens != (Tokens{Prompt: 9, Completion: 2}) || r.Estimated || r.CostNanoUSD != 11 || r.Unpriced || r.PremiumUse != 33 || r.Outcome != OutcomeOK || r.Code != "" || r.Status != 200 {
		t.Errorf("usage row = %+v, want the call as it was", r)
	}
}

// Each credential can be tested, also one that is disabled, and no other is used.
func TestTrialOfACredential(t *testing.T) {
	t.Parallel()
	m, price := benchModel("m", 1)
	b := newBench(t, []Model{m}, []Price{price})
	if got := b.try(TrialRequest{Credential: "k2"}); !got.OK || !slices.Equal(b.used, []string{"k2", "k2"}) {
		t.Errorf("TryProvider(k2) = %+v with %q, want ok with k2", got, b.used)
	}
	_, err := b.service().TryProvider(t.Context(), TrialRequest{Principal: benchAdmin, ID: "p", Credential: "k3"})
	if CodeOf(err) != CodeNotFound {
		t.Errorf("TryProvider(k3) = %v, want not_found", err)
	}
	if p, _ := b.catalogue.Provider("", "p"); len(p.Credentials) != 2 || p.Credentials[1].Enabled {
		t.Errorf("the provider in force = %+v, want it as it was", p)
	}
	if got := b.try(TrialRequest{AccountID: "acme", ID: "bare"}); got.OK || got.Failure == nil || got.Failure.Class != "no_credential" || len(b.asked) != 2 {
		t.Errorf("TryProvider() without a credential = %+v, want that said and nobody asked", got)
	}
}

// A server that was said to need no key, and does.
func TestTrialOfAKeylessProvider(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil, nil)
	b.list = benchStep{status: 401, class: abi.ClassAuth, body: `{}`}
	if got := b.try(TrialRequest{ID: "keyless"}); got.OK || got.Failure.Class != "auth" || !strings.Contains(got.Failure.Hint, "/api/v1/providers/keyless/credentials") {
		t.Errorf("TryProvider() = %+v, want a hint where the key goes", got.Failure)
	}
}

func TestTrialFindings(t *testing.T) {
	t.Parallel()
	refused := func(status int, class abi.Class) benchStep {
		return benchStep{status: status, class: class, body: `{"error":{"message":"because\r\n` + strconv.Itoa(status) + ` of sk-proj-secretsecret or sk-se***cret"}}`}
	}
	for _, tt := range []struct {
		name       string
		list, call *benchStep
		noModel    bool

		wantOK      bool
		wantClass   string // of the trial; "" for none
		wantStatus  int
		wantCall    string // class of the call's failure; "-" when none was made
		wantRow     Outcome
		wantCode    Code
		wantListing bool
	}{
		{name: "a refused key", list: ptrTo(refused(401, abi.ClassAuth)), call: ptrTo(refused(401, abi.ClassAuth)), wantClass: "auth", wantStatus: 401, wantCall: "auth", wantRow: OutcomeFailed, wantCode: CodeUpstreamFailed},
		{name: "the class by status", list: ptrTo(refused(403, abi.ClassNone)), wantClass: "auth", wantStatus: 403},
		{name: "no list there, but the model works", list: ptrTo(refused(404, abi.ClassNotFound)), wantOK: true},
		{name: "no list there and no model", list: ptrTo(refused(404, abi.ClassNotFound)), noModel: true, wantClass: "not_found", wantStatus: 404, wantCall: "-"},
		{name: "an adapter that cannot list", list: &benchStep{refuse: Errorf(CodeInvalid, "no")}, wantOK: true},
		{name: "an adapter that cannot list, and no model", list: &benchStep{refuse: Errorf(CodeInvalid, "no")}, noModel: true, wantClass: "unsupported", wantCall: "-"},
		{name: "an adapter whose list might cost", list: &benchStep{method: "POST"}, wantOK: true},
		{name: "an adapter that breaks", list: &benchStep{refuse: Errorf(CodePluginFailed, "trap")}, wantClass: "adapter"},
		{name: "a list of none", list: &benchStep{body: `{"data":[]}`}, wantOK: true, wantListing: true},
		{name: "a list that is none", list: &benchStep{body: `{"html":1}`}, wantClass: "server", wantStatus: 200},
		{name: "only a list", noModel: true, wantOK: true, wantCall: "-", wantListing: true},
		{name: "an unknown model", call: ptrTo(refused(404, abi.ClassNotFound)), wantClass: "not_found", wantStatus: 404, wantCall: "not_found", wantRow: OutcomeFailed, wantCode: CodeUpstreamFailed, wantListing: true},
		{name: "a quota", call: ptrTo(refused(429, abi.ClassQuota)), wantClass: "quota", wantStatus: 429, wantCall: "quota", wantRow: OutcomeFailed, wantCode: CodeUpstreamFailed, wantListing: true},
		{name: "no connection", list: &benchStep{doErr: Errorf(CodeUpstreamFailed, "Provider p cannot be reached.")}, call: &benchStep{doErr: Errorf(CodeUpstreamFailed, "Provider p cannot be reached.")},
			wantClass: "connection", wantCall: "connection", wantRow: OutcomeFailed, wantCode: CodeUpstreamFailed},
		{name: "a failure of no known kind", call: &benchStep{doErr: errors.New("secret words")}, wantClass: "connection", wantCall: "connection", wantRow: OutcomeFailed, wantCode: CodeInternal, wantListing: true},
		{name: "a guest that panics", call: &benchStep{refuse: errPanic}, wantClass: "adapter", wantCall: "adapter", wantRow: OutcomeFailed, wantCode: CodeInternal, wantListing: true},
		{name: "a redirect", call: &benchStep{status: 302}, wantClass: "server", wantStatus: 302, wantCall: "server", wantRow: OutcomeFailed, wantCode: CodeUpstreamFailed, wantListing: true},
		{name: "an answer without choices", call: &benchStep{body: `{"choices":[]}`}, wantClass: "server", wantStatus: 200, wantCall: "server", wantRow: OutcomeFailed, wantCode: CodeUpstreamFailed, wantListing: true},
		{name: "a failure in a good answer", call: &benchStep{body: `{"fail":3}`}, wantClass: "not_found", wantStatus: 200, wantCall: "not_found", wantRow: OutcomeFailed, wantCode: CodeUpstreamFailed, wantListing: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, price := benchModel("m", 1e6)
			models, prices := []Model{m}, []Price{price}
			if tt.noModel {
				models, prices = nil, nil
			}
			b := newBench(t, models, prices)
			if tt.list != nil {
				b.list = *tt.list
			}
			if tt.call != nil {
				b.call = *tt.call
			}
			got := b.try(TrialRequest{})
			class, status := "", 0
			if got.Failure != nil {
				class, status = got.Failure.Class, got.Failure.Status
				if got.Failure.Message == "" || got.Failure.Hint == "" || strings.ContainsAny(got.Failure.Message, "\r\n") || strings.Contains(got.Failure.Message, "secret") {
					t.Errorf("failure = %+v, want a message and a hint, clean", got.Failure)
				}
			}
			if got.OK != tt.wantOK || class != tt.wantClass || status != tt.wantStatus {
				t.Errorf("TryProvider() = ok %v, %q %d, want %v, %q %d", got.OK, class, status, tt.wantOK, tt.wantClass, tt.wantStatus)
			}
			if tt.wantListing && got.Models == nil {
				t.Error("no models, want the list")
			}
			rows := b.ledger.all()
			if tt.wantCall == "-" {
				if got.Call != nil || len(rows) != 0 {
					t.Errorf("call = %+v with %d rows, want none", got.Call, len(rows))
				}
				return
			}
			called := ""
			if got.Call.Failure != nil {
				called = got.Call.Failure.Class
			}
			if called != tt.wantCall || got.Call.OK != (called == "") || len(rows) != 1 {
				t.Fatalf("call = %+v with %d rows, want class %q and one row", got.Call, len(rows), tt.wantCall)
			}
			if tt.wantRow != "" && (rows[0].Outcome != tt.wantRow || rows[0].Code != tt.wantCode || rows[0].Tokens != (Tokens{}) || rows[0].CostNanoUSD != 0) {
				t.Errorf("row = %+v, want %s, %s and nothing billed", rows[0], tt.wantRow, tt.wantCode)
			}
		})
	}
}

func ptrTo[T any](v T) *T { return &v }

// A provider that never answers costs half a minute, and its call the prompt.
func TestTrialIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, price := benchModel("m", 1e6)
		b := newBench(t, []Model{m}, []Price{price})
		b.call.stall = true
		began := time.Now()
		got := b.try(TrialRequest{})
		if took := time.Since(began); took != trialTotal {
			t.Errorf("TryProvider() took %v, want %v", took, trialTotal)
		}
		rows := b.ledger.all()
		if got.OK || got.Call == nil || got.Call.Failure.Class != "timeout" || len(rows) != 1 || rows[0].Tokens.Prompt != trialPrompt || !rows[0].Estimated || rows[0].CostNanoUSD != trialPrompt || rows[0].Code != CodeUpstreamTimeout {
			t.Errorf("TryProvider() = %+v with rows %+v, want a timeout that is billed its prompt", got, rows)
		}
	})
}

func TestTrialOfAModel(t *testing.T) {
	t.Parallel()
	m, price := benchModel("m", 1e6)
	gone, _ := benchModel("gone", 0)
	gone.RetiresAt = rigTime.Add(-time.Hour)
	stray, _ := benchModel("stray", 0)
	stray.ProviderID = "none"
	vectors, vectorPrice := benchModel("vectors", 1e6)
	vectors.Capabilities = []Capability{CapEmbeddings}
	theirs := m
	theirs.AccountID, theirs.ID = "acme", "theirs"
	b := newBench(t, []Model{m, gone, stray, vectors, theirs}, []Price{price, vectorPrice})
	s := b.service()
	try := func(id string) Trial {
		t.Helper()
		got, err := s.TryModel(t.Context(), TrialRequest{RequestID: "r", Principal: benchAdmin, ID: id})
		if err != nil {
			t.Fatalf("TryModel(%s) = %v, want nil", id, err)
		}
		return got
	}
	if got := try("m"); !got.OK || got.Models != nil || got.Call.Model != "m" || !slices.Equal(b.asked, []string{"/chat/up-m"}) {
		t.Errorf("TryModel(m) = %+v, asked %q, want one call", got, b.asked)
	}
	b.call.body = `{"object":"list","data":[{"object":"embedding","embedding":[1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`
	if got := try("vectors"); !got.OK || b.asked[1] != "/embeddings/up-vectors" || b.documents[1] != `{"model":"up-vectors","input":"OK"}` {
		t.Errorf("TryModel(vectors) = %+v, asked %q with %q, want embeddings", got, b.asked, b.documents)
	}
	if r := b.ledger.all()[1]; r.Tokens != (Tokens{Prompt: 3}) || r.Estimated || r.CostNanoUSD != 3 {
		t.Errorf("row of embeddings = %+v, want what the provider counted", r)
	}
	if got := try("gone"); got.OK || got.Failure.Class != "retired" {
		t.Errorf("TryModel(gone) = %+v, want it retired", got)
	}
	if got := try("stray"); got.OK || got.Failure.Class != "no_provider" {
		t.Errorf("TryModel(stray) = %+v, want no provider", got)
	}
	if len(b.asked) != 2 {
		t.Errorf("asked %q, want nobody for what cannot be called", b.asked)
	}
	admin := Principal{AccountID: "acme", Role: RoleAccountAdmin}
	if _, err := s.TryModel(t.Context(), TrialRequest{Principal: admin, AccountID: "acme", ID: "theirs", Credential: "k2"}); CodeOf(err) != CodeNotFound {
		t.Errorf("an account admin names a credential of the operator's: %v, want %s", err, CodeNotFound)
	}
	for _, tt := range []struct {
		name    string
		p       Principal
		account string
		want    Code
	}{
		{"an account admin, a global row", admin, "", CodeForbidden},
		{"an account admin, another account's", admin, "other", CodeNotFound},
		{"an account admin, one that the account has not", admin, "acme", CodeNotFound},
		{"a user", Principal{AccountID: "acme", Role: RoleUser}, "", CodeForbidden},
	} {
		_, err := s.TryModel(t.Context(), TrialRequest{Principal: tt.p, AccountID: tt.account, ID: "m"})
		_, err2 := s.TryProvider(t.Context(), TrialRequest{Principal: tt.p, AccountID: tt.account, ID: "p"})
		if CodeOf(err) != tt.want || CodeOf(err2) != tt.want {
			t.Errorf("%s: %v, %v, want %s", tt.name, err, err2, tt.want)
		}
	}
}
