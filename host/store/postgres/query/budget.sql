-- name: ListBudgets :many
select account_id, id, name, team_id, user_id, key_id, model_id, period, nano_usd, hard, thresholds, enabled,
       least_role, updated_by, created_at, updated_at
from budgets
order by account_id, id;

-- name: GetBudget :one
select account_id, id, name, team_id, user_id, key_id, model_id, period, nano_usd, hard, thresholds, enabled,
       least_role, updated_by, created_at, updated_at
from budgets
where account_id = @account_id
  and id = @id;

-- name: CreateBudget :exec
insert into budgets (
    account_id, id, name, team_id, user_id, key_id, model_id, period, nano_usd, hard, thresholds, enabled,
    least_role, updated_by, created_at, updated_at
) values (
    @account_id, @id, @name, @team_id, @user_id, @key_id, @model_id, @period, @nano_usd, @hard, @thresholds, @enabled,
    @least_role, @updated_by, @created_at, @updated_at
);

-- name: UpdateBudget :execrows
-- was is the time of the version that the caller has seen; null: any.
update budgets
set name       = @name,
    team_id    = @team_id,
    user_id    = @user_id,
    key_id     = @key_id,
    model_id   = @model_id,
    period     = @period,
    nano_usd   = @nano_usd,
    hard       = @hard,
    thresholds = @thresholds,
    enabled    = @enabled,
    least_role = @least_role,
    updated_by = @updated_by,
    updated_at = @updated_at
where account_id = @account_id
  and id = @id
  and (sqlc.narg(was)::timestamptz is null or updated_at = sqlc.narg(was)::timestamptz);

-- name: DeleteBudget :execrows
delete from budgets
where account_id = @account_id
  and id = @id;

-- name: DeleteBudgetHead :exec
delete from budget_heads
where account_id = @account_id
  and budget_id = @budget_id;

-- name: DeleteBudgetWindows :exec
delete from budget_windows
where account_id = @account_id
  and budget_id = @budget_id;

-- name: DeleteBudgetLeases :exec
delete from budget_leases
where account_id = @account_id
  and budget_id = @budget_id;

-- name: AddBudgetAlert :execrows
insert into budget_alerts (
    account_id, budget_id, window_start, percent, projected, team_id, user_id, key_id, model_id, actions, nano_usd, spent, fired_at
) values (
    @account_id, @budget_id, @window_start, @percent, @projected, @team_id, @user_id, @key_id, @model_id, @actions, @nano_usd, @spent, @fired_at
)
on conflict (account_id, budget_id, window_start, percent, projected) do nothing;

-- name: ListBudgetAlerts :many
select account_id, budget_id, window_start, percent, projected, team_id, user_id, key_id, model_id, actions, nano_usd, spent, fired_at
from budget_alerts
where account_id = @account_id
order by fired_at desc, budget_id, percent
limit @max_rows::bigint;

-- name: DropBudgetAlerts :exec
delete from budget_alerts
where fired_at < @before;
