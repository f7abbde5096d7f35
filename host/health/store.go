package health

import (
	"context"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// saved is what the store has of this process. Only Restore and saveOnce touch it.
type saved struct {
	cells  map[engine.HealthSubject]map[int64]engine.HealthCell // by subject and begin: those that may still change
	closed time.Time                                            // cells that ended before it are saved
	until  time.Time                                            // attempts after it are not saved
}

// Restore makes hold what the store knows, until something newer is. To be called before Run.
func (m *Monitor) Restore(ctx context.Context) error {
	sequence, err := m.cfg.Store.HealthSequence(ctx) // first: what comes after it is followed
	if err != nil {
		return fmt.Errorf("restore health: %w", err)
	}
	controls, err := m.cfg.Store.ListHealthControls(ctx)
	if err != nil {
		return fmt.Errorf("restore health: %w", err)
	}
	rows, err := m.cfg.Store.ListHealth(ctx)
	if err != nil {
		return fmt.Errorf("restore health: %w", err)
	}
	now := m.cfg.Now()
	cells, err := m.cfg.Store.ListHealthCells(ctx, now.Add(-engine.HealthCells*engine.HealthCellLength))
	if err != nil {
		return fmt.Errorf("restore health: %w", err)
	}
	m.followed = sequence
	m.SetControls(controls)
	m.Service.Restore(m.stored(rows, cells, controls))
	m.saved.until = now.Add(-2 * time.Second) // an attempt has the time of its second
	_, commit := m.unsaved(m.Snapshot(nil))
	commit() // they are stored already
	return nil
}

// stored puts together what is stored of each subject that is still there.
func (m *Monitor) stored(rows []engine.StoredHealth, cells []engine.StoredCell, controls []engine.HealthControl) []engine.HealthSubjectState {
	index := map[engine.HealthSubject]*engine.HealthSubjectState{}
	var order []engine.HealthSubject
	of := func(s engine.HealthSubject) *engine.HealthSubjectState {
		present, ok := m.present(s)
		if !ok || s.Version != 0 && s.Version != present.Version {
			return nil
		}
		if index[present] == nil {
			index[present] = &engine.HealthSubjectState{Subject: present, Status: engine.HealthHealthy}
			order = append(order, present)
		}
		return index[present]
	}
	for _, r := range rows {
		if state := of(r.Subject); state != nil {
			if r.Transition != nil {
				m.controls.switched(r.Transition)
			}
			*state = stateOf(r)
		}
	}
	for _, c := range cells {
		if state := of(c.Subject); state != nil {
			state.Cells = append(state.Cells, c.HealthCell)
		}
	}
	for _, c := range controls {
		if state := of(c.Subject); state != nil && state.Switch != c.Switch {
			state.Switch = c.Switch
			if c.UpdatedAt.After(state.Changed) {
				state.Changed, state.Reason = c.UpdatedAt, engine.HealthSwitched
			}
		}
	}
	states := make([]engine.HealthSubjectState, len(order))
	for i, s := range order {
		states[i] = *index[s]
	}
	return states
}

// stateOf is a stored row as the service knows it.
func stateOf(r engine.StoredHealth) engine.HealthSubjectState {
	state := engine.HealthSubjectState{Subject: r.Subject}
	if r.Measured != nil {
		state = *r.Measured
		state.Subject, state.Cells = r.Subject, nil
	}
	if t := r.Transition; t != nil && !t.At.Before(state.Changed) {
		if t.From != t.To || state.Since.IsZero() {
			state.Since = t.At
		}
		state.Status, state.Switch, state.Reason, state.Changed = t.To, t.Switch, t.Reason, t.At
		state.Until, state.Ejections, state.Why = t.Until, t.Ejections, ""
		if t.To != engine.HealthHealthy {
			state.Why = t.Text()
		}
	}
	if state.Status == "" {
		state.Status = engine.HealthHealthy
	}
	if c := r.Check; c != nil && c.At.After(state.LastCheck) {
		state.LastCheck, state.CheckOK, state.Warning, state.NextCheck = c.At, c.OK, c.Warning, c.NextAt
	}
	return state
}

// save stores what was measured, every minute, until ctx ends.
func (m *Monitor) save(ctx context.Context) {
	for pause(ctx, saveEvery) {
		m.saveOnce(ctx)
	}
}

// saveOnce stores what was measured since the last time. What cannot be stored now is stored
// with the next.
func (m *Monitor) saveOnce(ctx context.Context) {
	now := m.cfg.Now()
	states := m.Snapshot(nil)
	cells, commit := m.unsaved(states)
	if len(cells) > 0 {
		if err := m.cfg.Store.AddHealthCells(ctx, cells); err != nil {
			m.failed(ctx, err, "cells of health not stored, will try again")
			return
		}
	}
	commit()
	var rows []engine.StoredHealth
	for i := range states {
		if s := &states[i]; s.LastAttempt.After(m.saved.until) && m.exists(s.Subject) {
			rows = append(rows, engine.StoredHealth{Subject: s.Subject, Measured: s, At: now})
		}
	}
	if len(rows) > 0 {
		if err := m.cfg.Store.SaveHealth(ctx, rows); err != nil {
			m.failed(ctx, err, "measures of health not stored, will try again")
			return
		}
	}
	m.saved.until = now.Add(-2 * time.Second) // as in Restore
}

// unsaved returns what cells have gained since commit was last called.
func (m *Monitor) unsaved(states []engine.HealthSubjectState) (gained []engine.StoredCell, commit func()) {
	closed := m.cfg.Now().Add(-2 * engine.HealthCellLength)
	next := make(map[engine.HealthSubject]map[int64]engine.HealthCell, len(states))
	for i := range states {
		s, has := states[i].Subject, map[int64]engine.HealthCell{}
		had := m.saved.cells[s]
		for _, c := range states[i].Cells {
			end := c.At.Add(engine.HealthCellLength)
			if !end.After(m.saved.closed) {
				continue
			}
			was := had[c.At.Unix()]
			if end.After(closed) {
				has[c.At.Unix()] = c
			}
			gain := engine.HealthCell{
				At: c.At, Attempts: max(c.Attempts-was.Attempts, 0), Failures: max(c.Failures-was.Failures, 0),
				Fallbacks: max(c.Fallbacks-was.Fallbacks, 0), P95MS: c.P95MS, Worst: c.Worst,
			}
			if gain.Attempts+gain.Failures+gain.Fallbacks > 0 || c.P95MS > was.P95MS || rankOf(c.Worst) > rankOf(was.Worst) {
				bare := s
				bare.Version = 0
				gained = append(gained, engine.StoredCell{Subject: bare, HealthCell: gain})
			}
		}
		if len(has) > 0 {
			next[s] = has
		}
	}
	return gained, func() { m.saved.cells, m.saved.closed = next, closed }
}
