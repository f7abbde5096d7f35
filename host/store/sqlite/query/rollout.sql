-- name: ListRollouts :many
select account_id, id, kind, status, rules, plugin, version, base, share, guards, note, reason, made_by, created_at, updated_at, ended_at
from rollouts
where ended_at is null
order by account_id, id;

-- name: PageRollouts :many
select account_id, id, kind, status, rules, plugin, version, base, share, guards, note, reason, made_by, created_at, updated_at, ended_at
from rollouts
where account_id = @account_id
  and id < @before
order by id desc
limit @size;

-- name: GetRollout :one
select account_id, id, kind, status, rules, plugin, version, base, share, guards, note, reason, made_by, created_at, updated_at, ended_at
from rollouts
where account_id = @account_id
  and id = @id;

-- name: CreateRollout :exec
insert into rollouts (account_id, id, kind, status, rules, plugin, version, base, share, guards, note, reason, made_by, created_at, updated_at, ended_at)
values (@account_id, @id, @kind, @status, @rules, @plugin, @version, @base, @share, @guards, @note, @reason, @made_by, @created_at, @updated_at, @ended_at);

-- name: UpdateRollout :execrows
update rollouts
set status = @status, share = @share, reason = @reason, updated_at = @updated_at, ended_at = @ended_at
where account_id = @account_id
  and id = @id
  and updated_at = @was;

-- name: PutRolloutStats :exec
insert into rollout_stats (account_id, rollout_id, process, stats, updated_at)
values (@account_id, @rollout_id, @process, @stats, @updated_at)
on conflict (account_id, rollout_id, process) do update
set stats = excluded.stats, updated_at = excluded.updated_at;

-- name: ListRolloutStats :many
select stats
from rollout_stats
where account_id = @account_id
  and rollout_id = @rollout_id
  and updated_at >= @since
order by process;
