package wasm

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// PluginUse is what the instances of one version take now.
type PluginUse struct {
	AccountID, Name, Version string // AccountID is empty for a global plugin
	Instances                int64
	MemoryBytes              int64
	Suspended                bool
}

// Uses returns what each version that is offered takes now, in no order.
func (l *Library) Uses() []PluginUse {
	slots := l.current.Load().slots()
	uses := make([]PluginUse, len(slots))
	now := time.Now().UnixMilli()
	for i, s := range slots {
		v := &s.version
		uses[i] = PluginUse{
			AccountID: v.AccountID, Name: v.Name, Version: v.Version,
			Instances: s.telemetry.live.Load(), MemoryBytes: s.telemetry.memory.Load(), Suspended: s.suspension.until.Load() > now,
		}
	}
	return uses
}

func (l *Library) meterOf(v engine.PluginVersion) engine.PluginMeter {
	if l.cfg.Meter == nil {
		return nil
	}
	return l.cfg.Meter(v.AccountID, v.Name, v.Version)
}

// begun is when a call begins; zero when nobody counts it.
func (p *plugin) begun() time.Time {
	if p.slot == nil || p.slot.meter == nil {
		return time.Time{}
	}
	return time.Now()
}

// took notes how long a call ran, for the end of its borrow to tell.
func (p *plugin) took(in *instance, began time.Time) {
	in.unmetered = !began.IsZero() && !in.dry
	if in.unmetered {
		in.ran = time.Since(began)
	}
}

// metered tells of the call that was made, once.
func (in *instance) metered(failure string) {
	if !in.unmetered {
		return
	}
	in.unmetered = false
	in.plugin.slot.meter.Called(failure, in.ran)
}
