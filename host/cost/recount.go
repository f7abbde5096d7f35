package cost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
)

const (
	recountName  = "usage recount"  // of the job, and of the setting that says how far it came
	recountHour  = 2                // UTC: by then, rows of the day before have come
	recountEvery = 20 * time.Minute // it is looked whether it is time
	recountDays  = 6                // back at most: sums by minute are kept for eight
)

// RecountStore compares the sums of a day with its rows. An engine.Store is one.
type RecountStore interface {
	RecountUsage(ctx context.Context, day time.Time, grains []engine.Grain) (engine.UsageRecount, error)
}

// BudgetRecounter compares budgets with the ledger. A budget.Guard is one.
type BudgetRecounter interface {
	Recount(ctx context.Context) ([]budget.Repair, error)
}

// Recounter compares, each night, the sums of the days that ended with the ledger's rows, and
// then budgets with those sums. What differs is repaired and told. Of the processes that share
// a database one does so. Now and Log may be left out, and Notices.
type Recounter struct {
	Store    RecountStore
	Lock     engine.JobLock
	Settings engine.SettingStore
	Budgets  []BudgetRecounter
	Notices  *engine.NoticeFeed
	Now      func() time.Time // default time.Now
	Log      zerolog.Logger
}

// Run recounts each night until ctx ends. A failure is logged and tried again.
func (r Recounter) Run(ctx context.Context) {
	tick := time.NewTicker(recountEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := r.runOnce(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error().Err(err).Msg("usage not recounted, will try again")
		}
	}
}

func (r Recounter) runOnce(ctx context.Context) error {
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.Now().UTC().Hour() < recountHour {
		return nil
	}
	_, err := r.Lock.TryJob(ctx, recountName, r.recount)
	return err
}

// recount looks at the days that ended since the last time, and at the one before them once
// more, for the rows that came late.
func (r Recounter) recount(ctx context.Context) error {
	today := dayOf(r.Now())
	from := today.Add(-2 * day)
	switch text, err := r.Settings.GetSetting(ctx, recountName); {
	case err == nil:
		last, err := time.Parse(time.DateOnly, text)
		if err == nil && !last.Before(today) {
			return nil // another process did
		}
		if err == nil && last.Before(from) {
			from = last
		}
	case !errors.Is(err, engine.ErrNotFound):
		return fmt.Errorf("find how far usage is recounted: %w", err)
	}
	if oldest := today.Add(-recountDays * day); from.Before(oldest) {
		from = oldest
	}
	for at := from; at.Before(today); at = at.Add(day) {
		done, err := r.Store.RecountUsage(ctx, at, []engine.Grain{engine.GrainMinute, engine.GrainHour, engine.GrainDay})
		if err != nil {
			return fmt.Errorf("recount %s: %w", at.Format(time.DateOnly), err)
		}
		r.Log.Info().Str("day", at.Format(time.DateOnly)).Int64("rows", done.Rows).Int64("sums", done.Sums).Int64("repaired", done.Repaired).Msg("usage recounted")
		if done.Repaired > 0 {
			r.tell("", at.Format(time.DateOnly), fmt.Sprintf("%d of %d sums over the usage of %s were not those of its %d rows. They are repaired.", done.Repaired, done.Sums, at.Format(time.DateOnly), done.Rows))
		}
	}
	for _, b := range r.Budgets {
		repairs, err := b.Recount(ctx)
		if err != nil {
			return fmt.Errorf("recount budgets: %w", err)
		}
		for _, x := range repairs {
			verb, amount := "too little", x.Amount
			if amount < 0 {
				verb, amount = "too much", -amount
			}
			unit := engine.FormatUSD(amount) + " dollars"
			if budget.Tokens.Owns(x.Budget.ID) {
				unit = fmt.Sprint(amount, " tokens")
			}
			r.tell(x.Budget.AccountID, x.Budget.ID, fmt.Sprintf("The budget '%s' counted %s %s. It is repaired.", x.Budget.ID, unit, verb))
		}
	}
	if err := r.Settings.PutSetting(ctx, recountName, today.Format(time.DateOnly)); err != nil {
		return fmt.Errorf("note how far usage is recounted: %w", err)
	}
	return nil
}

// tell publishes what is logged with it.
func (r Recounter) tell(account, subject, message string) {
	r.Notices.Publish(engine.Notice{At: r.Now(), Kind: engine.NoticeLedgerRepaired, AccountID: account, Subject: subject, Message: message})
}
