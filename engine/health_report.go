package engine

import "time"

// HealthReport is what somebody may see of a subject.
type HealthReport struct {
	HealthSubjectState
	Models []string // catalogue ids, of a model
	Check  HealthCheck
	// Managed: the reader may manage the subject. What follows, and of the state the counts, the
	// errors and their text, is zero when it does not.
	Managed bool
	Control HealthControl // SpentNanoUSD is of today
}

// HealthFilter narrows a list. Empty members do not.
type HealthFilter struct {
	AccountID  string // whose providers; another's only for a super admin
	ProviderID string
	Status     HealthStatus
	Kind       HealthKind
}

// HealthSummary is the part of a list that is about all of it.
type HealthSummary struct {
	At time.Time
	// Stale: what other processes know could not be read; the list is what this one does.
	Stale bool
}

// HealthProbe is what a probe that somebody asked for found of a subject.
type HealthProbe struct {
	Subject     HealthSubject
	Check       HealthCheck
	CostNanoUSD int64
}

// HealthPaidProbe is how paid probes of a provider or a model are configured.
type HealthPaidProbe struct {
	Enabled         bool
	DailyCapNanoUSD int64         // above 0 when enabled
	Every           time.Duration // 0: the default, 5 min; else at least 1 min, whole seconds
}
