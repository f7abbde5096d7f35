package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pointsman/pointsman/engine"
)

// Sources are asked at each scrape for what is counted elsewhere. They must be cheap, wait for
// nothing and reach no database. Nil ones tell nothing.
type Sources struct {
	Load      func() Load
	Health    func() []engine.HealthSubjectState
	Budgets   func() []Budget
	Limits    func() []engine.LimitStat
	Plugins   func() []Plugin
	Spool     func() Spool
	Decisions func() engine.DecisionStats
	Dropped   func() []Dropped
	Snapshot  func() Snapshot
	Pools     func() []engine.PoolStats
	Panics    func() int64 // that did not end the process
}

// Load is what is under way.
type Load struct {
	Requests    int // to models
	Connections int // of callers
	Management  int // requests to the admin API
	Listeners   int // of events
}

// Budget is how much of a budget is used.
type Budget struct {
	AccountID, ID string
	Unit          string  // "usd" or "tokens"
	Used          float64 // of it, 0 to 1 and above; what is held for attempts counts
}

// Plugin is what the instances of one version take.
type Plugin struct {
	AccountID, Name string
	Instances       int64
	MemoryBytes     int64
	Suspended       bool
}

// Spool is what waits for the database.
type Spool struct {
	Rows  int64
	Open  int64 // attempts under way
	Bytes int64
	Files int
	Age   time.Duration // since rows wait and the database takes none; 0: none do
	Full  bool          // no request is taken that costs
}

// Dropped is how many records of a kind were lost for want of room.
type Dropped struct {
	Kind string
	N    int64
}

// Snapshot is the configuration in force.
type Snapshot struct {
	Revision int64
	Loaded   time.Time // when it was last found to be, or made, what is stored
	Stale    bool      // what is stored could not be read the last time
	Ready    bool      // the process takes requests
}

// sources is the collector of what is counted elsewhere.
func (m *Metrics) sources() prometheus.Collector {
	var all []*source
	add := func(kind prometheus.ValueType, name, help string, labels ...string) *source {
		s := &source{describe(name, help, labels...), kind}
		all = append(all, s)
		return s
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	g := gauges{
		inflight:    add(gauge, "inflight_requests", "Requests to models that are under way, streams included."),
		connections: add(gauge, "connections", "Connections of callers that are open."),
		management:  add(gauge, "inflight_management_requests", "Requests to the admin API that are under way."),
		listeners:   add(gauge, "event_listeners", "Streams of /api/v1/events that are open."),

		up:          add(gauge, "provider_up", "1 unless the provider is down, or taken out by an administrator. Of accounts' providers of one name the worst.", "provider"),
		circuit:     add(gauge, "provider_circuit_state", "0 closed, 1 half-open (trials may go through), 2 open. model is the upstream's id, empty for the provider itself.", "provider", "model"),
		degraded:    add(gauge, "provider_degraded", "1 while the provider answers, but slowly or with many failures.", "provider"),
		credentials: add(gauge, "provider_credentials_down", "Credentials of the provider that are out.", "provider"),

		budget: add(gauge, "budget_used_ratio", "Used and held of a budget, 1 is all of it.", "account", "budget", "unit"),
		limit:  add(gauge, "limit_remaining_ratio", "What is left of a limit in its fullest bucket, as this process sees it.", "limit", "kind"),

		instances: add(gauge, "plugin_instances", "Instances of a plugin that are there.", "plugin"),
		memory:    add(gauge, "plugin_memory_bytes", "Memory of those instances.", "plugin"),
		suspended: add(gauge, "plugin_suspended", "Versions of the plugin that failed too often, and are passed over for a while.", "plugin"),

		spoolRows:  add(gauge, "spool_rows", "Settled rows of the ledger that the database does not have yet."),
		spoolOpen:  add(gauge, "spool_open_attempts", "Attempts whose row is still to be settled."),
		spoolBytes: add(gauge, "spool_bytes", "Bytes of the spool on the disk."),
		spoolFiles: add(gauge, "spool_files", "Files of the spool."),
		spoolAge:   add(gauge, "spool_age_seconds", "How long rows have waited while the database took none; 0 when none wait."),
		spoolFull:  add(gauge, "spool_full", "1 while the spool takes no more: requests that cost are refused."),

		decisions:        add(counter, "decision_records_written_total", "Records of decisions that were stored."),
		decisionsWaiting: add(gauge, "decision_records_waiting_bytes", "Bytes of records that wait to be stored."),
		dropped:          add(counter, "dropped_records_total", "Records that were lost for want of room or because the database did not take them: decision, session. Usage is never dropped.", "kind"),

		revision: add(gauge, "snapshot_revision", "Revision of the configuration in force. Replicas that differ for long do not see each other's changes."),
		age:      add(gauge, "snapshot_age_seconds", "Since the configuration in force was last found to be, or made, the stored one. A change is looked for when one is told of."),
		stale:    add(gauge, "snapshot_stale", "1 while the stored configuration cannot be read; the last one stays in force."),
		ready:    add(gauge, "ready", "1 while the process takes requests."),

		panics: add(counter, "panics_total", "Defects that would have ended the process and were contained: the log has a line with the stack of each. There should be none."),

		poolMost:   add(gauge, "database_connections_max", "Connections that a pool may have; 0 is no bound.", "pool"),
		poolOpen:   add(gauge, "database_connections_open", "Connections that a pool has.", "pool"),
		poolBusy:   add(gauge, "database_connections_in_use", "Of them those in use.", "pool"),
		poolWaited: add(counter, "database_connection_waits_total", "Times that somebody waited for a connection.", "pool"),
		poolWait:   add(counter, "database_connection_wait_seconds_total", "That waiting, all together.", "pool"),
	}
	descs := make([]*prometheus.Desc, len(all))
	for i, s := range all {
		descs[i] = s.desc
	}
	return collector{descs, func(ch chan<- prometheus.Metric) {
		_ = engine.Contain(m.cfg.Log, "collection of metrics", func() { m.collect(&g, ch) })
	}}
}

// source is a metric that a scrape makes.
type source struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func (s *source) tell(ch chan<- prometheus.Metric, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(s.desc, s.kind, v, labels...)
}

type gauges struct {
	inflight, connections, management, listeners                      *source
	up, circuit, degraded, credentials                                *source
	budget, limit                                                     *source
	instances, memory, suspended                                      *source
	spoolRows, spoolOpen, spoolBytes, spoolFiles, spoolAge, spoolFull *source
	decisions, decisionsWaiting, dropped                              *source
	revision, age, stale, ready                                       *source
	poolMost, poolOpen, poolBusy, poolWaited, poolWait                *source
	panics                                                            *source
}
