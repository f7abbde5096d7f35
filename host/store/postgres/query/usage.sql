-- name: ListUsage :many
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code, images
from usage
where account_id = @account_id
order by started_at desc, id desc
limit sqlc.arg(max_rows)::bigint;

-- name: ListUsageOfRequest :many
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code, images
from usage
where account_id = @account_id
  and request_id = @request_id
order by started_at desc, id desc
limit sqlc.arg(max_rows)::bigint;

-- name: PageUsage :many
-- The row (before_at, before_id) is the last one seen; of the first page it is to_at and an
-- empty id. No more than max_looked rows are looked at, however few of them are meant.
with looked as (
    select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
           cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
           attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
           request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
           price_of, outcome, code, images
    from usage
    where account_id = @account_id
      and started_at >= @from_at
      and started_at < @to_at
      and (started_at, id) < (@before_at, @before_id::bytea)
    order by started_at desc, id desc
    limit sqlc.arg(max_looked)::bigint
)
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code, images
from looked
where (@team_id::text = '' or team_id = @team_id::text)
  and (@user_id::text = '' or user_id = @user_id::text)
  and (length(@key_id::bytea) = 0 or key_id = @key_id::bytea)
  and (length(@session_id::bytea) = 0 or session_id = @session_id::bytea)
  and (@model_id::text = '' or model_id = @model_id::text)
order by started_at desc, id desc
limit sqlc.arg(max_rows)::bigint;

-- name: PassUsage :one
-- The last of the rows that PageUsage looks at, if there are so many.
select id
from usage
where account_id = @account_id
  and started_at >= @from_at
  and started_at < @to_at
  and (started_at, id) < (@before_at, @before_id::bytea)
order by started_at desc, id desc
limit 1 offset sqlc.arg(passed)::bigint;

-- name: ScanUsage :many
-- The account's rows, oldest first, after the last one seen.
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code, images
from usage
where account_id = @account_id
  and started_at >= @from_at
  and started_at < @to_at
  and (started_at, id) > (@after_at::timestamptz, @after_id::bytea)
order by started_at, id
limit sqlc.arg(max_rows)::bigint;

-- name: NextUsageAccount :one
-- The next account that has rows of that time; empty after the last one.
select cast(coalesce(min(account_id), '') as text) as account_id
from usage
where started_at >= @from_at
  and started_at < @to_at
  and account_id > @after_account;

-- name: FindUsage :one
select started_at
from usage
where account_id = @account_id
  and id = @id
order by started_at
limit 1;

-- name: MakeUsageDay :exec
select make_usage_day(@day::date, @tenant::text);

-- name: DropUsageDays :exec
select drop_usage_days(@before::timestamptz);
