package sqlite

import (
	"context"
	"database/sql"
	"sync"

	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// maxPrepared is how many statements are kept; there are fewer.
const maxPrepared = 1_000

// prepared keeps statements compiled: to compile one takes longer than most take to run.
// Safe for concurrent use. It implements query.DBTX outside of transactions.
//
// See ../RATIONALE.md, "Why does SQLite keep its statements compiled?".
type prepared struct {
	db *sql.DB

	mu    sync.Mutex
	known map[string]*sql.Stmt
}

var _ query.DBTX = (*prepared)(nil)

func prepare(db *sql.DB) *prepared { return &prepared{db: db, known: map[string]*sql.Stmt{}} }

// find returns a statement that is compiled, or nil.
func (p *prepared) find(text string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[text]
}

// compile keeps a statement, unless it is kept already.
func (p *prepared) compile(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := p.find(text); s != nil {
		return s, nil
	}
	s, err := p.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.known[text]; first != nil || len(p.known) >= maxPrepared {
		_ = s.Close() // somebody was quicker
		return first, nil
	}
	p.known[text] = s
	return s, nil
}

// PrepareContext implements query.DBTX.
func (p *prepared) PrepareContext(ctx context.Context, text string) (*sql.Stmt, error) {
	return p.db.PrepareContext(ctx, text)
}

// ExecContext implements query.DBTX.
func (p *prepared) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	s, err := p.compile(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return p.db.ExecContext(ctx, text, args...)
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext implements query.DBTX.
func (p *prepared) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := p.compile(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return p.db.QueryContext(ctx, text, args...)
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext implements query.DBTX.
func (p *prepared) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	s, err := p.compile(ctx, text)
	if err != nil || s == nil {
		return p.db.QueryRowContext(ctx, text, args...) // which says what is wrong
	}
	return s.QueryRowContext(ctx, args...)
}

// transaction runs the writer's statements in one transaction. Its connection is the only one,
// so that what is not compiled yet can be only when it has ended. Used by one goroutine.
type transaction struct {
	*sql.Tx
	statements *prepared
	missing    []string
}

var _ query.DBTX = (*transaction)(nil)

func (t *transaction) find(ctx context.Context, text string) *sql.Stmt {
	if s := t.statements.find(text); s != nil {
		return t.StmtContext(ctx, s)
	}
	t.missing = append(t.missing, text)
	return nil
}

// ExecContext implements query.DBTX.
func (t *transaction) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if s := t.find(ctx, text); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, text, args...)
}

// QueryContext implements query.DBTX.
func (t *transaction) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if s := t.find(ctx, text); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, text, args...)
}

// QueryRowContext implements query.DBTX.
func (t *transaction) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if s := t.find(ctx, text); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, text, args...)
}

// learn compiles what was missing, for the next transaction. One that cannot be compiled is
// run as it is.
func (t *transaction) learn(ctx context.Context) {
	for _, text := range t.missing {
		if _, err := t.statements.compile(ctx, text); err != nil {
			return
		}
	}
}
