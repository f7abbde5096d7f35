-- name: RaiseHealthSequence :one
-- First in its transaction: writers of transitions queue at this row, so that sequences are
-- seen in the order of commits.
update health_sequences
set value = value + @n::bigint
where account_id = ''
returning value;

-- name: GetHealthSequence :one
select value
from health_sequences
where account_id = '';

-- name: NotifyHealth :exec
-- Delivered when the transaction commits, and not at all when it does not. Channels
-- belong to the whole database, so the payload says of whose it is.
select pg_notify('pointsman_health', current_schema());

-- name: AddHealthTransition :execrows
insert into health_transitions (
    account_id, id, sequence, replica_id, provider_id, upstream_id, credential_id, version, transition, happened_at
) values (
    @account_id, @id, @sequence, @replica_id, @provider_id, @upstream_id, @credential_id, @version, @transition, @happened_at
)
on conflict (account_id, id) do nothing;

-- name: PutHealthTransition :exec
-- The latest wins, whoever comes last. What was known of an older secret goes with it.
insert into health_states (
    account_id, provider_id, upstream_id, credential_id, version, sequence, changed_us, transition, measured, checked, updated_at
) values (
    @account_id, @provider_id, @upstream_id, @credential_id, @version, @sequence, @changed_us, @transition, null, null, @updated_at
)
on conflict (account_id, provider_id, upstream_id, credential_id) do update
set version    = excluded.version,
    sequence   = excluded.sequence,
    changed_us = excluded.changed_us,
    transition = excluded.transition,
    measured   = case when health_states.version = excluded.version then health_states.measured end,
    checked    = case when health_states.version = excluded.version then health_states.checked end,
    updated_at = excluded.updated_at
where health_states.version < excluded.version
   or health_states.version = excluded.version and health_states.changed_us <= excluded.changed_us;

-- name: ListHealthTransitionsAfter :many
select account_id, id, sequence, replica_id, provider_id, upstream_id, credential_id, version, transition, happened_at
from health_transitions
where sequence > @sequence
order by sequence
limit @max_rows::bigint;

-- name: ListHealthTransitions :many
select account_id, id, sequence, replica_id, provider_id, upstream_id, credential_id, version, transition, happened_at
from health_transitions
where account_id = @account_id
  and provider_id = @provider_id
order by happened_at desc, sequence desc
limit @max_rows::bigint;

-- name: SaveHealthState :batchexec
insert into health_states (
    account_id, provider_id, upstream_id, credential_id, version, sequence, changed_us, transition, measured, checked, updated_at
) values (
    @account_id, @provider_id, @upstream_id, @credential_id, @version, 0, 0, null, @measured, @checked, @updated_at
)
on conflict (account_id, provider_id, upstream_id, credential_id) do update
set version    = excluded.version,
    sequence   = case when health_states.version = excluded.version then health_states.sequence else 0 end,
    changed_us = case when health_states.version = excluded.version then health_states.changed_us else 0 end,
    transition = case when health_states.version = excluded.version then health_states.transition end,
    measured   = coalesce(excluded.measured, case when health_states.version = excluded.version then health_states.measured end),
    checked    = coalesce(excluded.checked, case when health_states.version = excluded.version then health_states.checked end),
    updated_at = excluded.updated_at
where health_states.version <= excluded.version;

-- name: ListHealthStates :many
select account_id, provider_id, upstream_id, credential_id, version, sequence, changed_us, transition, measured, checked, updated_at
from health_states
order by account_id, provider_id, upstream_id, credential_id;

-- name: AddHealthCell :batchexec
insert into health_cells (
    account_id, provider_id, upstream_id, credential_id, begins_at, attempts, failures, fallbacks, p95_ms, worst
) values (
    @account_id, @provider_id, @upstream_id, @credential_id, @begins_at, @attempts, @failures, @fallbacks, @p95_ms, @worst
)
on conflict (account_id, provider_id, upstream_id, credential_id, begins_at) do update
set attempts  = health_cells.attempts + excluded.attempts,
    failures  = health_cells.failures + excluded.failures,
    fallbacks = health_cells.fallbacks + excluded.fallbacks,
    p95_ms    = greatest(health_cells.p95_ms, excluded.p95_ms),
    worst     = greatest(health_cells.worst, excluded.worst);

-- name: ListHealthCells :many
select account_id, provider_id, upstream_id, credential_id, begins_at, attempts, failures, fallbacks, p95_ms, worst
from health_cells
where begins_at >= @since
order by account_id, provider_id, upstream_id, credential_id, begins_at;

-- name: DropHealthTransitions :exec
delete from health_transitions
where happened_at < @before;

-- name: DropHealthStates :exec
delete from health_states
where updated_at < @before;

-- name: DropHealthCells :exec
delete from health_cells
where begins_at < @before;

-- name: ListHealthControls :many
select account_id, provider_id, upstream_id, credential_id, switch, note, switched_at, switched_by,
       paid_probe, daily_cap, every_seconds, spent, spent_on, updated_at
from health_controls
order by account_id, provider_id, upstream_id, credential_id;

-- name: PutHealthControl :exec
insert into health_controls (
    account_id, provider_id, upstream_id, credential_id, switch, note, switched_at, switched_by,
    paid_probe, daily_cap, every_seconds, spent, spent_on, updated_at
) values (
    @account_id, @provider_id, @upstream_id, @credential_id, @switch, @note, @switched_at, @switched_by,
    @paid_probe, @daily_cap, @every_seconds, 0, '', @updated_at
)
on conflict (account_id, provider_id, upstream_id, credential_id) do update
set switch        = excluded.switch,
    note          = excluded.note,
    switched_at   = excluded.switched_at,
    switched_by   = excluded.switched_by,
    paid_probe    = excluded.paid_probe,
    daily_cap     = excluded.daily_cap,
    every_seconds = excluded.every_seconds,
    updated_at    = excluded.updated_at;

-- name: TakeHealthProbe :execrows
update health_controls
set spent    = greatest(case when spent_on = @day::text then spent else 0 end + @amount::bigint, 0),
    spent_on = @day::text
where account_id = @account_id
  and provider_id = @provider_id
  and upstream_id = @upstream_id
  and credential_id = @credential_id
  and (@amount::bigint <= 0
    or paid_probe and case when spent_on = @day::text then spent else 0 end + @amount::bigint <= daily_cap);
