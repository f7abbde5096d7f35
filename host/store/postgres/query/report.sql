-- name: AddRollups :exec
-- The arrays are sorted by key: two processes take the rows in one order.
insert into usage_rollups as r (
    account_id, grain, starts_at, digest, team_id, user_id, key_id, model_id, provider_id, source, task_type,
    requests, attempts, errors, prompt_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens,
    completion_tokens, reasoning_tokens, cost_nano_usd, premium_use, estimated, unpriced, latency, first_byte
)
select unnest(@account_id::text[]),
       unnest(@grain::text[]),
       unnest(@starts_at::timestamptz[]),
       unnest(@digest::bytea[]),
       unnest(@team_id::text[]),
       unnest(@user_id::text[]),
       unnest(@key_id::text[]),
       unnest(@model_id::text[]),
       unnest(@provider_id::text[]),
       unnest(@source::text[]),
       unnest(@task_type::text[]),
       unnest(@requests::bigint[]),
       unnest(@attempts::bigint[]),
       unnest(@errors::bigint[]),
       unnest(@prompt_tokens::bigint[]),
       unnest(@cached_tokens::bigint[]),
       unnest(@cache_write_tokens::bigint[]),
       unnest(@cache_write_1h_tokens::bigint[]),
       unnest(@completion_tokens::bigint[]),
       unnest(@reasoning_tokens::bigint[]),
       unnest(@cost_nano_usd::bigint[]),
       unnest(@premium_use::bigint[]),
       unnest(@estimated::bigint[]),
       unnest(@unpriced::bigint[]),
       unnest(@latency::text[])::numeric,
       unnest(@first_byte::text[])::numeric
on conflict (account_id, grain, starts_at, digest) do update
set requests              = r.requests + excluded.requests,
    attempts              = r.attempts + excluded.attempts,
    errors                = r.errors + excluded.errors,
    prompt_tokens         = saturated(r.prompt_tokens, excluded.prompt_tokens),
    cached_tokens         = saturated(r.cached_tokens, excluded.cached_tokens),
    cache_write_tokens    = saturated(r.cache_write_tokens, excluded.cache_write_tokens),
    cache_write_1h_tokens = saturated(r.cache_write_1h_tokens, excluded.cache_write_1h_tokens),
    completion_tokens     = saturated(r.completion_tokens, excluded.completion_tokens),
    reasoning_tokens      = saturated(r.reasoning_tokens, excluded.reasoning_tokens),
    cost_nano_usd         = saturated(r.cost_nano_usd, excluded.cost_nano_usd),
    premium_use           = saturated(r.premium_use, excluded.premium_use),
    estimated             = r.estimated + excluded.estimated,
    unpriced              = r.unpriced + excluded.unpriced,
    latency               = r.latency + excluded.latency,
    first_byte            = r.first_byte + excluded.first_byte;

-- name: Report :many
-- Groups are cut off by what they cost over all steps.
with sums as (
    select (case when @series::boolean then starts_at else to_timestamp(0) end)::timestamptz as step,
           (case when @by_account::boolean then account_id else '' end)::text as account_id,
           (case when @by_team::boolean then team_id else '' end)::text as team_id,
           (case when @by_user::boolean then user_id else '' end)::text as user_id,
           (case when @by_key::boolean then key_id else '' end)::text as key_id,
           (case when @by_model::boolean then model_id else '' end)::text as model_id,
           (case when @by_provider::boolean then provider_id else '' end)::text as provider_id,
           (case when @by_rule::boolean then source else '' end)::text as source,
           (case when @by_task::boolean then task_type else '' end)::text as task_type,
           sum(requests)::bigint as requests,
           sum(attempts)::bigint as attempts,
           sum(errors)::bigint as errors,
           saturated(sum(prompt_tokens)) as prompt_tokens,
           saturated(sum(cached_tokens)) as cached_tokens,
           saturated(sum(cache_write_tokens)) as cache_write_tokens,
           saturated(sum(cache_write_1h_tokens)) as cache_write_1h_tokens,
           saturated(sum(completion_tokens)) as completion_tokens,
           saturated(sum(reasoning_tokens)) as reasoning_tokens,
           saturated(sum(cost_nano_usd)) as cost_nano_usd,
           saturated(sum(premium_use)) as premium_use,
           sum(estimated)::bigint as estimated,
           sum(unpriced)::bigint as unpriced,
           sum(latency)::text as latency,
           sum(first_byte)::text as first_byte
    from usage_rollups
    where account_id between @first_account and @last_account
      and grain = @grain
      and starts_at >= @from_at
      and starts_at < @to_at
      and (@team_id::text = '' or team_id = @team_id::text)
      and (@user_id::text = '' or user_id = @user_id::text)
      and (@key_id::text = '' or key_id = @key_id::text)
      and (@model_id::text = '' or model_id = @model_id::text)
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
), dearest as (
    select account_id, team_id, user_id, key_id, model_id, provider_id, source, task_type
    from sums
    group by 1, 2, 3, 4, 5, 6, 7, 8
    order by sum(cost_nano_usd) desc, 1, 2, 3, 4, 5, 6, 7, 8
    limit sqlc.arg(max_groups)::bigint
)
select s.step, s.account_id, s.team_id, s.user_id, s.key_id, s.model_id, s.provider_id, s.source, s.task_type,
       s.requests, s.attempts, s.errors, s.prompt_tokens, s.cached_tokens, s.cache_write_tokens,
       s.cache_write_1h_tokens, s.completion_tokens, s.reasoning_tokens, s.cost_nano_usd, s.premium_use,
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
order by s.step, s.cost_nano_usd desc, s.account_id, s.team_id, s.user_id, s.key_id, s.model_id, s.provider_id, s.source, s.task_type
limit sqlc.arg(max_rows)::bigint;

-- name: DropRollups :execrows
delete from usage_rollups
where (account_id, grain, starts_at, digest) in (
    select r.account_id, r.grain, r.starts_at, r.digest
    from usage_rollups r
    where r.grain = @grain
      and r.starts_at < @before
    limit sqlc.arg(max_rows)::bigint
);

-- name: ListRollups :many
select account_id, grain, starts_at, digest, team_id, user_id, key_id, model_id, provider_id, source, task_type,
       requests, attempts, errors, prompt_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens,
       completion_tokens, reasoning_tokens, cost_nano_usd, premium_use, estimated, unpriced, latency::text as latency, first_byte::text as first_byte
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
