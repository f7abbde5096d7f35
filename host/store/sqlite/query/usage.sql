-- name: AddUsage :execrows
insert into usage (
    started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms, attempt,
    status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects, request_id,
    team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source, price_of,
    outcome, code
) values (
    @started_at, @price_from, @cost_nano_usd, @prompt_tokens, @cached_tokens, @cache_write_tokens,
    @cache_write_1h_tokens, @completion_tokens, @reasoning_tokens, @premium_use, @latency_ms, @first_byte_ms,
    @attempt, @status, @substituted, @stream, @estimated, @unpriced, @simulated, @account_id, @id, @kind,
    @corrects, @request_id, @team_id, @user_id, @key_id, @session_id, @task_type, @model_id, @provider_id,
    @upstream_id, @source, @price_of, @outcome, @code
)
on conflict (account_id, id, started_at) do nothing;

-- name: ListUsage :many
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code
from usage
where account_id = @account_id
order by started_at desc, id desc
limit sqlc.arg(max_rows);

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
limit sqlc.arg(max_rows);

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
  and (started_at, id) < (@before_at, cast(@before_id as blob))
order by started_at desc, id desc
limit sqlc.arg(max_rows);

-- name: FindUsage :one
select started_at
from usage
where account_id = @account_id
  and id = @id
order by started_at
limit 1;

-- name: DropUsage :execrows
delete from usage
where rowid in (
    select u.rowid
    from usage u
    where u.started_at < @before
    limit sqlc.arg(max_rows)
);
