package health

import (
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// controls are what administrators decided, by subject without Version. Immutable.
type controls struct {
	all atomic.Pointer[map[engine.HealthSubject]engine.HealthControl]
	// differs is since when what is in force at a subject is not what was decided. Only enforce
	// touches it.
	differs map[engine.HealthSubject]time.Time
	looked  time.Time // when enforce has looked at every subject
}

func (c *controls) of(s engine.HealthSubject) engine.HealthControl {
	s.Version = 0
	if all := c.all.Load(); all != nil {
		if found, ok := (*all)[s]; ok {
			return found
		}
	}
	return engine.HealthControl{Subject: s}
}

// SetControls puts stored controls in force. Switches that another process made come with its
// transition; one that does not come is made up for by enforce.
func (m *Monitor) SetControls(list []engine.HealthControl) {
	all := make(map[engine.HealthSubject]engine.HealthControl, len(list))
	for _, c := range list {
		all[c.Subject] = c
	}
	m.controls.all.Store(&all)
}

const (
	patience  = 2 * time.Second  // for a transition that brings the switch
	lookEvery = 10 * time.Second // at subjects that nothing is decided of
)

// enforce makes switches what was decided where they are not: a process that ended too early
// told nobody, and two transitions at once may undo each other.
func (m *Monitor) enforce() {
	now := m.cfg.Now()
	c := &m.controls
	all := c.all.Load()
	if all == nil {
		return
	}
	wrong := map[engine.HealthSubject]engine.HealthSwitch{}
	for _, control := range *all {
		if s, ok := m.present(control.Subject); ok {
			if state, _ := m.Subject(s); state.Switch != control.Switch {
				wrong[s] = control.Switch
			}
		}
	}
	if now.Sub(c.looked) >= lookEvery {
		c.looked = now
		for _, state := range m.Snapshot(func(s engine.HealthSubject) bool { return c.of(s).Switch == engine.HealthOn }) {
			if state.Switch != engine.HealthOn {
				wrong[state.Subject] = engine.HealthOn
			}
		}
	} else {
		for s := range c.differs {
			if _, seen := wrong[s]; !seen && c.of(s).Switch == engine.HealthOn {
				if state, _ := m.Subject(s); state.Switch != engine.HealthOn {
					wrong[s] = engine.HealthOn
				}
			}
		}
	}
	was := c.differs
	c.differs = make(map[engine.HealthSubject]time.Time, len(wrong))
	for s, to := range wrong {
		since, seen := was[s]
		if !seen {
			since = now
		}
		if now.Sub(since) >= patience {
			m.Switch(s, to)
			continue
		}
		c.differs[s] = since
	}
}

// present is the subject as it is now, with the version of its secret; no: it is gone.
func (m *Monitor) present(s engine.HealthSubject) (engine.HealthSubject, bool) {
	p, ok := m.cfg.Catalogue().Provider(s.AccountID, s.ProviderID)
	if !ok || p.AccountID != s.AccountID {
		return s, false
	}
	if s.Credential == "" {
		return s, true
	}
	for _, k := range p.Credentials {
		if k.ID == s.Credential {
			s.Version = k.Version
			return s, true
		}
	}
	return s, false
}
