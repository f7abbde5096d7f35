-- name: LockBudgetHead :batchone
-- In the order of the keys, so that two replicas never wait for each other.
select version, nano_usd
from budget_heads
where account_id = @account_id
  and budget_id = @budget_id
for update;

-- name: EnsureBudgetHead :execrows
insert into budget_heads (account_id, budget_id, version, nano_usd)
values (@account_id, @budget_id, @version, @nano_usd)
on conflict (account_id, budget_id) do nothing;

-- name: SetBudgetHead :batchexec
update budget_heads
set version  = @version,
    nano_usd = @nano_usd
where account_id = @account_id
  and budget_id = @budget_id;

-- name: SumBudgetWindows :batchone
-- In a statement after the lock: it sees what those wrote who were waited for.
select coalesce(sum(spent), 0)::bigint as spent,
       coalesce(sum(held), 0)::bigint as held,
       coalesce(min(window_start) filter (where spent <> 0), 'epoch'::timestamptz)::timestamptz as oldest
from budget_windows
where account_id = @account_id
  and budget_id = @budget_id
  and window_start >= @from_start;

-- name: GetBudgetLease :batchone
select held, spent, expires_at
from budget_leases
where account_id = @account_id
  and budget_id = @budget_id
  and window_start = @window_start
  and replica_id = @replica_id;

-- name: GetBudgetWindow :one
select spent, held
from budget_windows
where account_id = @account_id
  and budget_id = @budget_id
  and window_start = @window_start;

-- name: AddToBudgetWindow :batchexec
insert into budget_windows (account_id, budget_id, window_start, spent, held)
values (@account_id, @budget_id, @window_start, @spent, @held)
on conflict (account_id, budget_id, window_start) do update
set spent = budget_windows.spent + excluded.spent,
    held  = budget_windows.held + excluded.held;

-- name: PutBudgetLease :batchexec
insert into budget_leases (account_id, budget_id, window_start, replica_id, held, spent, expires_at)
values (@account_id, @budget_id, @window_start, @replica_id, @held, @spent, @expires_at)
on conflict (account_id, budget_id, window_start, replica_id) do update
set held       = excluded.held,
    spent      = excluded.spent,
    expires_at = excluded.expires_at;

-- name: DeleteBudgetLease :exec
delete from budget_leases
where account_id = @account_id
  and budget_id = @budget_id
  and window_start = @window_start
  and replica_id = @replica_id;

-- name: ExpireBudgetLeases :exec
update budget_leases
set expires_at = 'epoch'::timestamptz
where replica_id = @replica_id;

-- name: ListDeadBudgetLeases :many
select account_id, budget_id, window_start, replica_id, held, spent, expires_at
from budget_leases
where expires_at < @now
order by account_id, budget_id, window_start, replica_id
limit @max_rows::bigint;

-- name: DropBudgetWindows :exec
delete from budget_windows
where window_start < @before;

-- name: DropBudgetLeases :exec
delete from budget_leases
where window_start < @before;
