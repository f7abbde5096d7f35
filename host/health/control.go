package health

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// controls are what administrators decided.
type controls struct {
	// all are those in force, by subject without Version. The map is immutable.
	all atomic.Pointer[map[engine.HealthSubject]engine.HealthControl]
	// differs is since when what is in force at a subject is not what was decided. Only enforce
	// touches it.
	differs map[engine.HealthSubject]time.Time
	looked  time.Time // when enforce has looked at every subject

	mu   sync.Mutex
	made map[engine.HealthSubject]switching // the last of each subject
}

// switching is a switch with its time.
type switching struct {
	to engine.HealthSwitch
	at time.Time
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
	doubt     = 30 * time.Second // of switches of which nothing is decided: that may come yet
	lookEvery = 10 * time.Second // at those
)

// switched notes a switch that was made, here or elsewhere.
func (c *controls) switched(t *engine.HealthTransition) {
	if t.Reason != engine.HealthSwitched {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made = map[engine.HealthSubject]switching{}
	}
	if t.At.After(c.made[t.Subject].at) {
		c.made[t.Subject] = switching{t.Switch, t.At}
	}
}

// outdated reports whether somebody has decided otherwise since: the control is not yet here.
func (c *controls) outdated(s engine.HealthSubject, control engine.HealthControl) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	made, ok := c.made[s]
	return ok && made.to != control.Switch && !made.at.Before(control.UpdatedAt)
}

// enforce makes switches what was decided where they are not: a process that ended too early
// told nobody, and two transitions at once may undo each other.
func (m *Monitor) enforce() {
	now, c := m.cfg.Now(), &m.controls
	all := c.all.Load()
	if all == nil {
		return
	}
	wrong := map[engine.HealthSubject]engine.HealthSwitch{}
	for _, control := range *all {
		s, ok := m.present(control.Subject)
		if !ok || c.outdated(s, control) {
			continue
		}
		if state, _ := m.Subject(s); state.Switch != control.Switch {
			wrong[s] = control.Switch
		}
	}
	undecided := func(s engine.HealthSubject) bool {
		s.Version = 0
		_, decided := (*all)[s]
		return !decided
	}
	if now.Sub(c.looked) >= lookEvery {
		c.looked = now
		for _, state := range m.Snapshot(undecided) {
			if state.Switch != engine.HealthOn {
				wrong[state.Subject] = engine.HealthOn
			}
		}
	} else {
		for s := range c.differs { // those of the last look
			if undecided(s) {
				wrong[s] = engine.HealthOn
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
		wait := patience
		if undecided(s) {
			wait = doubt
		}
		if now.Sub(since) >= wait {
			m.Switch(s, to) // which is nothing where it is so already
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
