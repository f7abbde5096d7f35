package httpapi

import "github.com/pointsman/pointsman/engine"

func shownSpending(b engine.Budget, s engine.BudgetState) spending {
	return spending{
		ID: b.ID, AccountID: b.AccountID, Name: b.Name, TeamID: b.TeamID, UserID: b.UserID, KeyID: b.KeyID, ModelID: b.ModelID,
		Period: b.Period, Amount: engine.FormatUSD(b.NanoUSD), Hard: b.Hard, Thresholds: shownAll(b.Thresholds, shownThreshold), Enabled: &b.Enabled,
		State: &spendingState{
			Spent: engine.FormatUSD(max(s.SpentNanoUSD, 0)), Held: engine.FormatUSD(s.HeldNanoUSD), Left: engine.FormatUSD(s.LeftNanoUSD),
			Projected: engine.FormatUSD(max(s.ProjectedNanoUSD, 0)), From: s.From, ResetsAt: s.ResetsAt, Stopped: s.Stopped, PreferCheaper: s.PreferCheaper,
		},
		UpdatedBy: b.UpdatedBy, CreatedAt: optional(b.CreatedAt), UpdatedAt: optional(b.UpdatedAt),
	}
}

func shownThreshold(t engine.Threshold) threshold { return threshold(t) }

func thresholdsOf(list []threshold) []engine.Threshold {
	out := make([]engine.Threshold, len(list))
	for i, t := range list {
		out[i] = engine.Threshold(t)
	}
	return out
}
