package engine

import (
	"context"
	"slices"
	"time"
)

// ModelChange is what may be changed of a catalogue row; nil members stay as they are.
type ModelChange struct {
	Enabled      *bool
	NoSubstitute *bool    // true: after the vendor's retirement the model is skipped, not replaced
	Fallbacks    []string // nil: unchanged; empty: none
}

// ModelService is the management of the catalogue. Safe for concurrent use.
type ModelService struct {
	store     CatalogueStore
	catalogue func() *Catalogue
	reload    func(context.Context) error
	now       func() time.Time
	changing  chan struct{} // 1 slot: one change at a time, without a lock held over queries
}

// NewModelService returns a service over the store. reload puts the stored
// catalogue in force in this process.
func NewModelService(store CatalogueStore, catalogue func() *Catalogue, reload func(context.Context) error, now func() time.Time) *ModelService {
	return &ModelService{store: store, catalogue: catalogue, reload: reload, now: now, changing: make(chan struct{}, 1)}
}

// ChangeModel changes a row of the account, or of the global catalogue ("").
// Errors: CodeForbidden, CodeNotFound, CodeInvalid for an unknown fallback.
func (s *ModelService) ChangeModel(ctx context.Context, p Principal, accountID, id string, change ModelChange) (Model, error) {
	if !mayWrite(p, accountID) {
		return Model{}, Errorf(CodeForbidden, "Only a super admin may change the catalogue.")
	}
	select {
	case s.changing <- struct{}{}:
		defer func() { <-s.changing }()
	case <-ctx.Done():
		return Model{}, ctx.Err()
	}
	// The stored row, not the snapshot's: another process may have changed it just now.
	models, err := s.store.ListModels(ctx)
	if err != nil {
		return Model{}, err
	}
	i := slices.IndexFunc(models, func(m Model) bool { return m.AccountID == accountID && m.ID == id })
	if i < 0 {
		return Model{}, Errorf(CodeNotFound, "There is no model '%s'. GET /api/v1/models lists them.", clipText(id, 64))
	}
	m, c := models[i], s.catalogue()
	if change.Enabled != nil {
		m.Enabled = *change.Enabled
	}
	if change.NoSubstitute != nil {
		m.NoSubstitute = *change.NoSubstitute
	}
	if change.Fallbacks != nil {
		for i, fallback := range change.Fallbacks {
			if _, ok := c.Model(accountID, fallback); !ok {
				e := Errorf(CodeInvalid, "There is no model '%s'.", clipText(fallback, 64))
				e.Param = "fallbacks[" + itoa(int64(i)) + "]"
				return Model{}, e
			}
		}
		m.Fallbacks = change.Fallbacks
	}
	m.UpdatedAt = s.now().UTC().Truncate(time.Millisecond)
	if err := s.store.PutModel(ctx, m); err != nil {
		return Model{}, err
	}
	return m, s.reload(ctx)
}
