package cost

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// ReportStore is what reports are read from, and what was spent elsewhere is written to.
type ReportStore interface {
	engine.UsageStore
	engine.ReportStore
	// AppendAudit is engine.AuditStore's.
	AppendAudit(ctx context.Context) error
}

// Directory knows who manages whom. Errors of its methods: CodeNotFound when there is no such
// row, or p does not manage it.
type Directory interface {
	GetUser(ctx context.Context, p engine.Principal, accountID, id string) (engine.User, error)
	GetKey(ctx context.Context, p engine.Principal, accountID, id string) (engine.Key, error)
}

// ReportConfig is what Reports are made of. Store, Directory, Catalogue and DefaultModel are
// required.
type ReportConfig struct {
	Store        ReportStore
	Directory    Directory
	Catalogue    func() *engine.Catalogue
	DefaultModel string                  // the installation's
	Policies     func() *engine.Policies // what tenants set; nil: nothing
	Now          func() time.Time        // nil: time.Now
	// Post writes what was spent elsewhere, and counts it against the budgets in force.
	// nil: Store's AddUsage, for no budgets.
	Post func(ctx context.Context, rows []engine.Usage) error
}

// Reports show what was spent, and on what, to those who may see it: users what they spent
// themselves, team leads what their team did, account admins their account, a super admin
// everything. Safe for concurrent use.
type Reports struct {
	cfg       ReportConfig
	recording chan struct{} // 1 slot
}

// NewReports returns the reports of that store.
func NewReports(cfg ReportConfig) *Reports {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Post == nil {
		cfg.Post = cfg.Store.AddUsage
	}
	return &Reports{cfg: cfg, recording: make(chan struct{}, 1)}
}

// Report sums the ledger. Errors: CodeInvalid for a range that is too fine and for groups that
// there are not, CodeNotFound for what the principal may not see.
func (r *Reports) Report(ctx context.Context, p engine.Principal, q engine.CostQuery) (out engine.CostReport, err error) {
	if q.CostFilter, err = r.narrow(ctx, p, q.CostFilter, true); err != nil {
		return out, err
	}
	if q.SessionID != "" {
		return out, invalid("session_id", "Sums do not know sessions: leave out 'session_id', or ask for rows.")
	}
	if err := checkGroups(q); err != nil {
		return out, err
	}
	s, err := spanOf(q, r.cfg.Now())
	if err != nil {
		return out, err
	}
	out.AccountID, out.From, out.To, out.Grain = q.AccountID, s.from, s.to, s.grain
	ask := asked(q.CostFilter, s)
	ask.Series, ask.GroupBy = q.Series || s.grain == engine.GrainMonth, storedDims(q.GroupBy, q.AccountID)
	byFamily := slices.Contains(q.GroupBy, engine.DimFamily)
	if ask.Series && !byFamily && q.Limit > 0 {
		ask.Limit = min(q.Limit+1, engine.MaxReportGroups) // one more, to know whether there are more
	}
	rows, err := r.cfg.Store.Report(ctx, ask)
	if err != nil {
		return out, err
	}
	if countGroups(rows, ask.GroupBy) < cmp.Or(ask.Limit, engine.MaxReportGroups) {
		out.Total = sum(rows)
	} else if out.Total, err = r.total(ctx, asked(q.CostFilter, s)); err != nil {
		return out, err
	}
	if byFamily || s.grain == engine.GrainMonth {
		rows = r.fold(rows, q, s.grain)
	}
	out.Rows, out.More = dearest(rows, q.GroupBy, q.Limit)
	return out, nil
}

func (r *Reports) total(ctx context.Context, ask engine.ReportQuery) (engine.ReportRow, error) {
	rows, err := r.cfg.Store.Report(ctx, ask)
	return sum(rows), err
}

func sum(rows []engine.ReportRow) (total engine.ReportRow) {
	for i := range rows {
		total.Merge(&rows[i])
	}
	return total
}

// asked is the store's query for one sum.
func asked(f engine.CostFilter, s span) engine.ReportQuery {
	return engine.ReportQuery{
		AccountID: f.AccountID, TeamID: f.TeamID, UserID: f.UserID, KeyID: f.KeyID, ModelID: f.ModelID,
		From: s.from, To: s.to, Grain: s.stored(),
	}
}

// narrow is what the principal may see of what it asks for. everybody lets a super admin's
// AccountID be empty; else that is its own account. Errors: CodeNotFound for what is not
// within it, CodeInvalid.
func (r *Reports) narrow(ctx context.Context, p engine.Principal, f engine.CostFilter, everybody bool) (engine.CostFilter, error) {
	super := p.Role == engine.RoleSuperAdmin
	switch {
	case p.Role.Rank() < 0 || p.AccountID == "" || f.AccountID != "" && f.AccountID != p.AccountID && !super:
		return f, engine.Errorf(engine.CodeNotFound, "There is no such account.")
	case f.AccountID == "" && everybody && super:
		if f.TeamID != "" || f.UserID != "" {
			return f, invalid("account_id", "Teams and users are an account's: 'account_id' must be given beside them.")
		}
		return f, nil
	case f.AccountID == "":
		f.AccountID = p.AccountID
	}
	if p.Role.Rank() >= engine.RoleAccountAdmin.Rank() {
		return f, nil
	}
	if f.KeyID != "" && f.KeyID != p.KeyID {
		if _, err := r.cfg.Directory.GetKey(ctx, p, f.AccountID, f.KeyID); err != nil {
			return f, err
		}
	}
	if f.TeamID != "" && f.TeamID != p.TeamID {
		return f, engine.Errorf(engine.CodeNotFound, "There is no such team, or this key may not see what it spent.")
	}
	if p.Role == engine.RoleTeamLead && p.TeamID != "" {
		switch f.UserID {
		case p.UserID: // also what it spent in another team
			return f, nil
		case "":
		default:
			if _, err := r.cfg.Directory.GetUser(ctx, p, f.AccountID, f.UserID); err != nil {
				return f, err
			}
		}
		f.TeamID = p.TeamID
		return f, nil
	}
	if f.UserID != "" && f.UserID != p.UserID {
		return f, engine.Errorf(engine.CodeNotFound, "There is no such user, or this key may not see what it spent.")
	}
	f.UserID = p.UserID
	return f, nil
}

func invalid(param, message string) *engine.Error {
	return &engine.Error{Code: engine.CodeInvalid, Param: param, Message: message}
}
