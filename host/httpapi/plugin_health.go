package httpapi

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// scopeReplica says of whom the figures are: each process counts its own.
const scopeReplica = "replica"

type (
	pluginStats struct {
		Scope          string           `json:"scope" enum:"replica" doc:"The figures are those of the replica that answers, since it offers the version."`
		Calls          int64            `json:"calls"`
		Failures       map[string]int64 `json:"failures" doc:"Calls that failed, by kind: unreachable, out_of_fuel, deadline, bad_access, stack, host_calls, output, exit, other."`
		FuelP50        int64            `json:"fuel_p50" doc:"Half of the calls spent no more units; at most an eighth too high."`
		FuelP99        int64            `json:"fuel_p99"`
		Instances      int64            `json:"instances" doc:"Live now."`
		MemoryBytes    int64            `json:"memory_bytes" doc:"Of those instances."`
		SuspendedUntil *time.Time       `json:"suspended_until,omitempty" doc:"It failed too often: an older version serves until then, or until somebody activates it."`
	}
	pluginLogLine struct {
		At        time.Time `json:"at"`
		RequestID string    `json:"request_id"`
		Level     string    `json:"level" enum:"debug,info,warn,error"`
		Text      string    `json:"text"`
	}
	pluginStatsOutput struct{ Body pluginStats }
	pluginLogsOutput  struct {
		Body struct {
			Scope   string          `json:"scope" enum:"replica" doc:"The lines are those of the replica that answers."`
			Data    []pluginLogLine `json:"data" doc:"The newest 200, oldest first."`
			Dropped int64           `json:"dropped" doc:"Lines beyond 100 in a second."`
		}
	}
)

func (s *Server) pluginStats(ctx context.Context, in *pluginKey) (*pluginStatsOutput, error) {
	p := principalOf(ctx)
	got, err := s.cfg.Plugins.PluginStats(ctx, p, homeOf(p, in.AccountID), in.Name, in.Version)
	if err != nil {
		return nil, err
	}
	out := &pluginStatsOutput{pluginStats{
		Scope: scopeReplica, Calls: got.Calls, Failures: got.Failures, FuelP50: got.FuelP50, FuelP99: got.FuelP99,
		Instances: got.Instances, MemoryBytes: got.MemoryBytes,
	}}
	if out.Body.Failures == nil {
		out.Body.Failures = map[string]int64{}
	}
	if !got.SuspendedUntil.IsZero() {
		until := got.SuspendedUntil.UTC()
		out.Body.SuspendedUntil = &until
	}
	return out, nil
}

func (s *Server) pluginLogs(ctx context.Context, in *pluginKey) (*pluginLogsOutput, error) {
	p := principalOf(ctx)
	lines, dropped, err := s.cfg.Plugins.PluginLogs(ctx, p, homeOf(p, in.AccountID), in.Name, in.Version)
	if err != nil {
		return nil, err
	}
	out := &pluginLogsOutput{}
	out.Body.Scope, out.Body.Dropped = scopeReplica, dropped
	out.Body.Data = make([]pluginLogLine, 0, len(lines))
	for _, l := range lines {
		out.Body.Data = append(out.Body.Data, shownLine(l))
	}
	return out, nil
}

func shownLine(l engine.PluginLog) pluginLogLine {
	level := "error"
	switch {
	case l.Level <= abi.LevelDebug:
		level = "debug"
	case l.Level == abi.LevelInfo:
		level = "info"
	case l.Level == abi.LevelWarn:
		level = "warn"
	}
	return pluginLogLine{At: l.At.UTC(), RequestID: l.RequestID, Level: level, Text: l.Text}
}
