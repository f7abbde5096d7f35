-- name: AddUsage :exec
insert into usage (
    account_id, id, request_id, attempt, team_id, user_id, key_id, session_id, model_id, provider_id,
    upstream_id, substituted, source, decision, stream, prompt_tokens, cached_tokens, cache_write_tokens,
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, estimated, cost_nano_usd, unpriced,
    premium_use, outcome, status, code, simulated, started_at, latency_ms, first_byte_ms
) values (
    @account_id, @id, @request_id, @attempt, @team_id, @user_id, @key_id, @session_id, @model_id,
    @provider_id, @upstream_id, @substituted, @source, @decision, @stream, @prompt_tokens, @cached_tokens,
    @cache_write_tokens, @cache_write_1h_tokens, @completion_tokens, @reasoning_tokens, @estimated,
    @cost_nano_usd, @unpriced, @premium_use, @outcome, @status, @code, @simulated, @started_at, @latency_ms,
    @first_byte_ms
)
on conflict (account_id, id) do nothing;

-- name: ListUsage :many
select account_id, id, request_id, attempt, team_id, user_id, key_id, session_id, model_id, provider_id,
       upstream_id, substituted, source, decision, stream, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, estimated, cost_nano_usd, unpriced,
       premium_use, outcome, status, code, simulated, started_at, latency_ms, first_byte_ms
from usage
where account_id = @account_id
order by started_at desc, id desc
limit sqlc.arg(max_rows);

-- name: ListUsageOfRequest :many
select account_id, id, request_id, attempt, team_id, user_id, key_id, session_id, model_id, provider_id,
       upstream_id, substituted, source, decision, stream, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, estimated, cost_nano_usd, unpriced,
       premium_use, outcome, status, code, simulated, started_at, latency_ms, first_byte_ms
from usage
where account_id = @account_id
  and request_id = @request_id
order by started_at desc, id desc
limit sqlc.arg(max_rows);
