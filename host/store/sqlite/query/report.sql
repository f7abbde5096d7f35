-- name: AddRollup :exec
-- Run by the loader, as AddUsage is. Lists of latencies are put together, which is their sum.
-- A sum that does not fit stays the largest, or the smallest, number there is.
insert or fail into usage_rollups as r (
    account_id, grain, starts_at, digest, team_id, user_id, key_id, model_id, provider_id, source, task_type,
    requests, attempts, errors, prompt_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens,
    completion_tokens, reasoning_tokens, cost_nano_usd, premium_use, estimated, unpriced, latency, first_byte
) values (
    @account_id, @grain, @starts_at, @digest, @team_id, @user_id, @key_id, @model_id, @provider_id, @source,
    @task_type, @requests, @attempts, @errors, @prompt_tokens, @cached_tokens, @cache_write_tokens,
    @cache_write_1h_tokens, @completion_tokens, @reasoning_tokens, @cost_nano_usd, @premium_use, @estimated,
    @unpriced, @latency, @first_byte
)
on conflict (account_id, grain, starts_at, digest) do update
set requests              = r.requests + excluded.requests,
    attempts              = r.attempts + excluded.attempts,
    errors                = r.errors + excluded.errors,
    prompt_tokens         = max(min(r.prompt_tokens, 9223372036854775807 - max(excluded.prompt_tokens, 0)),
                                -9223372036854775807 - 1 - min(excluded.prompt_tokens, 0)) + excluded.prompt_tokens,
    cached_tokens         = max(min(r.cached_tokens, 9223372036854775807 - max(excluded.cached_tokens, 0)),
                                -9223372036854775807 - 1 - min(excluded.cached_tokens, 0)) + excluded.cached_tokens,
    cache_write_tokens    = max(min(r.cache_write_tokens, 9223372036854775807 - max(excluded.cache_write_tokens, 0)),
                                -9223372036854775807 - 1 - min(excluded.cache_write_tokens, 0)) + excluded.cache_write_tokens,
    cache_write_1h_tokens = max(min(r.cache_write_1h_tokens, 9223372036854775807 - max(excluded.cache_write_1h_tokens, 0)),
                                -9223372036854775807 - 1 - min(excluded.cache_write_1h_tokens, 0)) + excluded.cache_write_1h_tokens,
    completion_tokens     = max(min(r.completion_tokens, 9223372036854775807 - max(excluded.completion_tokens, 0)),
                                -9223372036854775807 - 1 - min(excluded.completion_tokens, 0)) + excluded.completion_tokens,
    reasoning_tokens      = max(min(r.reasoning_tokens, 9223372036854775807 - max(excluded.reasoning_tokens, 0)),
                                -9223372036854775807 - 1 - min(excluded.reasoning_tokens, 0)) + excluded.reasoning_tokens,
    cost_nano_usd         = max(min(r.cost_nano_usd, 9223372036854775807 - max(excluded.cost_nano_usd, 0)),
                                -9223372036854775807 - 1 - min(excluded.cost_nano_usd, 0)) + excluded.cost_nano_usd,
    premium_use           = max(min(r.premium_use, 9223372036854775807 - max(excluded.premium_use, 0)),
                                -9223372036854775807 - 1 - min(excluded.premium_use, 0)) + excluded.premium_use,
    estimated             = r.estimated + excluded.estimated,
    unpriced              = r.unpriced + excluded.unpriced,
    latency               = r.latency || excluded.latency,
    first_byte            = r.first_byte || excluded.first_byte;

-- name: GetRollupLists :one
select latency, first_byte
from usage_rollups
where account_id = @account_id
  and grain = @grain
  and starts_at = @starts_at
  and digest = @digest;

-- name: SetRollupLists :exec
update usage_rollups
set latency    = @latency,
    first_byte = @first_byte
where account_id = @account_id
  and grain = @grain
  and starts_at = @starts_at
  and digest = @digest;

-- name: Report :many
-- Groups are cut off by what they cost over all steps.
-- What may be large is summed in halves: a sum that does not fit is an error, and is none of ours.
with sums as (
    select cast(case when cast(sqlc.arg(series) as integer) then starts_at else 0 end as integer) as step,
           cast(case when cast(sqlc.arg(by_account) as integer) then account_id else '' end as text) as account_id,
           cast(case when cast(sqlc.arg(by_team) as integer) then team_id else '' end as text) as team_id,
           cast(case when cast(sqlc.arg(by_user) as integer) then user_id else '' end as text) as user_id,
           cast(case when cast(sqlc.arg(by_key) as integer) then key_id else '' end as text) as key_id,
           cast(case when cast(sqlc.arg(by_model) as integer) then model_id else '' end as text) as model_id,
           cast(case when cast(sqlc.arg(by_provider) as integer) then provider_id else '' end as text) as provider_id,
           cast(case when cast(sqlc.arg(by_rule) as integer) then source else '' end as text) as source,
           cast(case when cast(sqlc.arg(by_task) as integer) then task_type else '' end as text) as task_type,
           cast(sum(requests) as integer) as requests,
           cast(sum(attempts) as integer) as attempts,
           cast(sum(errors) as integer) as errors,
           cast(sum(prompt_tokens >> 32) + (sum(prompt_tokens & 4294967295) >> 32) as integer) as prompt_tokens_high,
           cast(sum(prompt_tokens & 4294967295) & 4294967295 as integer) as prompt_tokens_low,
           cast(sum(cached_tokens >> 32) + (sum(cached_tokens & 4294967295) >> 32) as integer) as cached_tokens_high,
           cast(sum(cached_tokens & 4294967295) & 4294967295 as integer) as cached_tokens_low,
           cast(sum(cache_write_tokens >> 32) + (sum(cache_write_tokens & 4294967295) >> 32) as integer) as cache_write_tokens_high,
           cast(sum(cache_write_tokens & 4294967295) & 4294967295 as integer) as cache_write_tokens_low,
           cast(sum(cache_write_1h_tokens >> 32) + (sum(cache_write_1h_tokens & 4294967295) >> 32) as integer) as cache_write_1h_tokens_high,
           cast(sum(cache_write_1h_tokens & 4294967295) & 4294967295 as integer) as cache_write_1h_tokens_low,
           cast(sum(completion_tokens >> 32) + (sum(completion_tokens & 4294967295) >> 32) as integer) as completion_tokens_high,
           cast(sum(completion_tokens & 4294967295) & 4294967295 as integer) as completion_tokens_low,
           cast(sum(reasoning_tokens >> 32) + (sum(reasoning_tokens & 4294967295) >> 32) as integer) as reasoning_tokens_high,
           cast(sum(reasoning_tokens & 4294967295) & 4294967295 as integer) as reasoning_tokens_low,
           cast(sum(cost_nano_usd >> 32) + (sum(cost_nano_usd & 4294967295) >> 32) as integer) as cost_nano_usd_high,
           cast(sum(cost_nano_usd & 4294967295) & 4294967295 as integer) as cost_nano_usd_low,
           cast(sum(premium_use >> 32) + (sum(premium_use & 4294967295) >> 32) as integer) as premium_use_high,
           cast(sum(premium_use & 4294967295) & 4294967295 as integer) as premium_use_low,
           cast(sum(estimated) as integer) as estimated,
           cast(sum(unpriced) as integer) as unpriced,
           cast(group_concat(latency, '') as text) as latency,
           cast(group_concat(first_byte, '') as text) as first_byte
    from usage_rollups
    where account_id between @first_account and @last_account
      and grain = @grain
      and starts_at >= @from_at
      and starts_at < @to_at
      and (cast(@team_id as text) = '' or team_id = cast(@team_id as text))
      and (cast(@user_id as text) = '' or user_id = cast(@user_id as text))
      and (cast(@key_id as text) = '' or key_id = cast(@key_id as text))
      and (cast(@model_id as text) = '' or model_id = cast(@model_id as text))
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
), dearest as (
    select account_id, team_id, user_id, key_id, model_id, provider_id, source, task_type
    from sums
    group by 1, 2, 3, 4, 5, 6, 7, 8
    order by sum(cost_nano_usd_high) + (sum(cost_nano_usd_low) >> 32) desc,
             sum(cost_nano_usd_low) & 4294967295 desc, 1, 2, 3, 4, 5, 6, 7, 8
    limit sqlc.arg(max_groups)
)
select s.step, s.account_id, s.team_id, s.user_id, s.key_id, s.model_id, s.provider_id, s.source, s.task_type,
       s.requests, s.attempts, s.errors, s.prompt_tokens_high, s.prompt_tokens_low, s.cached_tokens_high,
       s.cached_tokens_low, s.cache_write_tokens_high, s.cache_write_tokens_low, s.cache_write_1h_tokens_high,
       s.cache_write_1h_tokens_low, s.completion_tokens_high, s.completion_tokens_low, s.reasoning_tokens_high,
       s.reasoning_tokens_low, s.cost_nano_usd_high, s.cost_nano_usd_low, s.premium_use_high, s.premium_use_low,
       s.estimated, s.unpriced, s.latency, s.first_byte
from sums s
join dearest d on d.account_id = s.account_id
    and d.team_id = s.team_id
    and d.user_id = s.user_id
    and d.key_id = s.key_id
    and d.model_id = s.model_id
    and d.provider_id = s.provider_id
    and d.source = s.source
    and d.task_type = s.task_type
order by s.step, s.cost_nano_usd_high desc, s.cost_nano_usd_low desc, s.account_id, s.team_id, s.user_id, s.key_id, s.model_id, s.provider_id, s.source, s.task_type
limit sqlc.arg(max_rows);

-- name: DropRollups :execrows
delete from usage_rollups
where (account_id, grain, starts_at, digest) in (
    select r.account_id, r.grain, r.starts_at, r.digest
    from usage_rollups r
    where r.grain = @grain
      and r.starts_at < @before
    limit sqlc.arg(max_rows)
);

-- name: ListRollups :many
select account_id, grain, starts_at, digest, team_id, user_id, key_id, model_id, provider_id, source, task_type,
       requests, attempts, errors, prompt_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens,
       completion_tokens, reasoning_tokens, cost_nano_usd, premium_use, estimated, unpriced, latency, first_byte
from usage_rollups
where account_id = @account_id
  and grain = @grain
  and starts_at >= @from_at
  and starts_at < @to_at
order by starts_at, digest;

-- name: NextRollupAccount :one
-- The next account that has sums of that time; empty after the last one.
select cast(coalesce(min(account_id), '') as text) as account_id
from usage_rollups
where grain = 'day'
  and starts_at >= @from_at
  and starts_at < @to_at
  and account_id > @after_account;

-- name: DropEmptyRollup :exec
delete from usage_rollups
where account_id = @account_id
  and grain = @grain
  and starts_at = @starts_at
  and digest = @digest
  and requests = 0
  and attempts = 0
  and prompt_tokens = 0
  and completion_tokens = 0
  and cost_nano_usd = 0
  and premium_use = 0;
