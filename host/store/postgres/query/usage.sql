-- name: ListUsage :many
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code
from usage
where account_id = @account_id
order by started_at desc, id desc
limit sqlc.arg(max_rows)::bigint;

-- name: ListUsageOfRequest :many
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code
from usage
where account_id = @account_id
  and request_id = @request_id
order by started_at desc, id desc
limit sqlc.arg(max_rows)::bigint;

-- name: PageUsage :many
-- The row (before_at, before_id) is the last one seen; of the first page it is to_at and an empty id.
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code
from usage
where account_id = @account_id
  and started_at >= @from_at
  and started_at < @to_at
  and (started_at, id) < (@before_at, @before_id::bytea)
order by started_at desc, id desc
limit sqlc.arg(max_rows)::bigint;

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
