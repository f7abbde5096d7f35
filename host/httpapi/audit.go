package httpapi

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// AuditService reads the audit log. Errors of its methods: *engine.Error.
type AuditService interface {
	// ListAudit returns entries, newest first.
	ListAudit(ctx context.Context, p engine.Principal, f engine.AuditFilter) ([]engine.AuditEntry, error)
	// ReadAudit returns entries after a Seq, oldest first.
	ReadAudit(ctx context.Context, p engine.Principal, accountID string, after int64, limit int) ([]engine.AuditEntry, error)
	// VerifyAudit checks a whole chain; broken is its first fault, nil for none.
	VerifyAudit(ctx context.Context, p engine.Principal, accountID string) (holds int64, broken *engine.AuditBreak, err error)
}

// auditEntry is a change of the configuration. Without previous and hash, and with the
// members in this order, it is what the hash is over.
type auditEntry struct {
	AccountID    string          `json:"account_id" doc:"Whose row was changed; empty for a global one."`
	Seq          int64           `json:"seq" doc:"1, 2, 3 … in its account."`
	At           time.Time       `json:"at"`
	ActorAccount string          `json:"actor_account" doc:"Another one than account_id where a super admin reached into the account; empty: the gateway itself."`
	ActorUser    string          `json:"actor_user"`
	ActorKey     string          `json:"actor_key" doc:"Id of the key."`
	ActorRole    engine.Role     `json:"actor_role"`
	RequestID    string          `json:"request_id"`
	Action       string          `json:"action" example:"rule.update"`
	Object       string          `json:"object" example:"rule/screenshot-analysis"`
	Reason       string          `json:"reason"`
	Detail       json.RawMessage `json:"detail" doc:"The row as it was after the change, or what the call said; null for nothing."`
	Previous     string          `json:"previous" doc:"SHA-256 of the entry before it, hexadecimal; zeros for the first."`
	Hash         string          `json:"hash" doc:"SHA-256 over the bytes of previous and the canonical form of the entry."`
}

type (
	// AuditAccount is whose audit log is meant. Exported because huma skips embedded structs
	// that are not.
	AuditAccount struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		Global    bool   `query:"global" doc:"true: the log of global rows, for a super admin."`
	}
	auditQuery struct {
		AuditAccount
		Action string    `query:"action" maxLength:"64" doc:"As rule.update; one that ends in a dot is a beginning, as rule."`
		Object string    `query:"object" maxLength:"256" doc:"As rule/screenshot-analysis."`
		User   string    `query:"user" maxLength:"128" doc:"Id of the user who did it."`
		From   time.Time `query:"from" doc:"Not before."`
		To     time.Time `query:"to" doc:"Before."`
		Before int64     `query:"before" minimum:"0" doc:"What 'next' of the page before said."`
		Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}
	auditList struct {
		Body struct {
			Data []auditEntry `json:"data" doc:"Newest first."`
			Next int64        `json:"next,omitempty" doc:"The next page's 'before'; left out on the last one."`
		}
	}
	auditExport struct {
		AuditAccount
		After int64 `query:"after" minimum:"0" doc:"The seq of the last entry that was read; left out: from the first."`
		Limit int   `query:"limit" minimum:"1" maximum:"100000" default:"100000"`
	}
	auditState struct {
		Body struct {
			AccountID string `json:"account_id"`
			Intact    bool   `json:"intact"`
			Holds     int64  `json:"holds" doc:"Up to this seq the chain holds."`
			BrokenSeq int64  `json:"broken_seq,omitempty" doc:"The first entry that is wrong or missing."`
			Reason    string `json:"reason,omitempty" doc:"What is wrong with it."`
		}
	}
)

// of is the account that is meant.
func (a AuditAccount) of(p engine.Principal) (string, error) {
	switch {
	case a.Global && a.AccountID != "":
		return "", invalid("global", "'global' and 'account_id' exclude each other.")
	case a.Global, a.AccountID != "":
		return a.AccountID, nil
	}
	return p.AccountID, nil
}

func (s *Server) registerAudit() {
	tag := []string{"audit"}
	operation(s, huma.Operation{OperationID: "list-audit", Method: http.MethodGet, Path: "/api/v1/audit", Summary: "List who changed what", Tags: tag}, s.listAudit)
	operation(s, huma.Operation{OperationID: "export-audit", Method: http.MethodGet, Path: auditExportPath, Summary: "Export the audit log", Tags: tag,
		Description: "One JSON object per line, oldest first. An export that ended early goes on with `after`. A line without `seq` is the problem that ended it. " +
			"What a line's `hash` is over is the 32 bytes of `previous`, then the line up to `,\"previous\"`, closed with `}`."}, s.exportAudit)
	operation(s, huma.Operation{OperationID: "verify-audit", Method: http.MethodGet, Path: "/api/v1/audit/verify", Summary: "Check that no entry was changed, removed or put elsewhere",
		Description: "Reads the whole log of the account.", Tags: tag}, s.verifyAudit)
	s.describeExport()
}

func shownAudit(e engine.AuditEntry) auditEntry {
	out := auditEntry{
		AccountID: e.AccountID, Seq: e.Seq, At: e.At.UTC(), ActorAccount: e.ActorAccount, ActorUser: e.ActorUser,
		ActorKey: e.ActorKey, ActorRole: e.ActorRole, RequestID: e.RequestID, Action: e.Action, Object: e.Object,
		Reason: e.Reason, Detail: e.Detail, Previous: hex.EncodeToString(e.Previous), Hash: hex.EncodeToString(e.Hash),
	}
	if len(out.Detail) == 0 {
		out.Detail = json.RawMessage("null")
	}
	return out
}

func (s *Server) listAudit(ctx context.Context, in *auditQuery) (*auditList, error) {
	p := principalOf(ctx)
	account, err := in.of(p)
	if err != nil {
		return nil, err
	}
	rows, err := s.cfg.Audit.ListAudit(ctx, p, engine.AuditFilter{
		AccountID: account, Action: in.Action, Object: in.Object, ActorUser: in.User,
		From: in.From, To: in.To, Before: in.Before, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := &auditList{}
	out.Body.Data = shownAll(rows, shownAudit)
	if len(rows) == in.Limit && rows[len(rows)-1].Seq > 1 {
		out.Body.Next = rows[len(rows)-1].Seq
	}
	return out, nil
}

func (s *Server) verifyAudit(ctx context.Context, in *struct{ AuditAccount }) (*auditState, error) {
	p := principalOf(ctx)
	account, err := in.of(p)
	if err != nil {
		return nil, err
	}
	holds, broken, err := s.cfg.Audit.VerifyAudit(ctx, p, account)
	if err != nil {
		return nil, err
	}
	out := &auditState{}
	out.Body.AccountID, out.Body.Holds, out.Body.Intact = account, holds, broken == nil
	if broken != nil {
		out.Body.BrokenSeq, out.Body.Reason = broken.Seq, broken.Reason
	}
	return out, nil
}

// noAudit is an audit log without entries.
type noAudit struct{}

func (noAudit) ListAudit(context.Context, engine.Principal, engine.AuditFilter) ([]engine.AuditEntry, error) {
	return nil, nil
}

func (noAudit) ReadAudit(context.Context, engine.Principal, string, int64, int) ([]engine.AuditEntry, error) {
	return nil, nil
}

func (noAudit) VerifyAudit(context.Context, engine.Principal, string) (int64, *engine.AuditBreak, error) {
	return 0, nil, nil
}
