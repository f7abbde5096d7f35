-- name: AddUsage :execrows
-- Run by the loader, which repeats the group of values. "or fail" needs no journal of a
-- statement that inserts many rows: the transaction is taken back if one cannot be inserted.
insert or fail into usage (
    started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms, attempt,
    status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects, request_id,
    team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source, price_of,
    outcome, code, images
) values (
    @started_at, @price_from, @cost_nano_usd, @prompt_tokens, @cached_tokens, @cache_write_tokens,
    @cache_write_1h_tokens, @completion_tokens, @reasoning_tokens, @premium_use, @latency_ms, @first_byte_ms,
    @attempt, @status, @substituted, @stream, @estimated, @unpriced, @simulated, @account_id, @id, @kind,
    @corrects, @request_id, @team_id, @user_id, @key_id, @session_id, @task_type, @model_id, @provider_id,
    @upstream_id, @source, @price_of, @outcome, @code, @images
)
on conflict (account_id, id, started_at) do nothing;

-- name: ListUsage :many
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code, images
from usage
where account_id = @account_id
order by started_at desc, id desc
limit sqlc.arg(max_rows);

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
limit sqlc.arg(max_rows);

-- name: PageUsage :many
-- The row (before_at, before_id) is the last one seen; of the first page it is to_at and an
-- empty id. No more than max_looked rows are looked at, however few of them are meant.
select started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
       cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms,
       attempt, status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects,
       request_id, team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source,
       price_of, outcome, code, images
from usage
where rowid in (
    select l.rowid
    from usage l
    where l.account_id = @account_id
      and l.started_at >= @from_at
      and l.started_at < @to_at
      and (l.started_at, l.id) < (@before_at, cast(@before_id as blob))
    order by l.started_at desc, l.id desc
    limit sqlc.arg(max_looked)
)
  and (cast(@team_id as text) = '' or team_id = cast(@team_id as text))
  and (cast(@user_id as text) = '' or user_id = cast(@user_id as text))
  and (length(cast(@key_id as blob)) = 0 or key_id = cast(@key_id as blob))
  and (length(cast(@session_id as blob)) = 0 or session_id = cast(@session_id as blob))
  and (cast(@model_id as text) = '' or model_id = cast(@model_id as text))
order by started_at desc, id desc
limit sqlc.arg(max_rows);

-- name: PassUsage :one
-- The last of the rows that PageUsage looks at, if there are so many.
select id
from usage
where account_id = @account_id
  and started_at >= @from_at
  and started_at < @to_at
  and (started_at, id) < (@before_at, cast(@before_id as blob))
order by started_at desc, id desc
limit 1 offset sqlc.arg(passed);

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
  and (started_at, id) > (cast(@after_at as integer), cast(@after_id as blob))
order by started_at, id
limit sqlc.arg(max_rows);

-- name: NextUsageAccount :one
-- The next account that has rows of that time; empty after the last one. Accounts are gone
-- through one by one, since no index has rows by their time alone.
with recursive accounts (account_id) as (
    select cast(coalesce(min(f.account_id), '') as text)
    from usage f
    where f.account_id > @after_account
    union all
    select cast(coalesce((select min(n.account_id) from usage n where n.account_id > a.account_id), '') as text)
    from accounts a
    where a.account_id <> ''
)
select cast(coalesce((
    select o.account_id
    from accounts o
    where exists (
        select 1
        from usage u
        where u.account_id = o.account_id
          and u.started_at >= @from_at
          and u.started_at < @to_at
    )
    limit 1
), '') as text) as account_id;

-- name: FindUsage :one
select started_at
from usage
where account_id = @account_id
  and id = @id
order by started_at
limit 1;

-- name: DropUsage :execrows
-- By account, as NextUsageAccount. null: after the last one.
delete from usage
where rowid in (
    with recursive accounts (account_id) as (
        select min(f.account_id)
        from usage f
        union all
        select (select min(n.account_id) from usage n where n.account_id > a.account_id)
        from accounts a
        where a.account_id is not null
    )
    select u.rowid
    from accounts o
    cross join usage u
    where u.account_id = o.account_id
      and u.started_at < @before
    limit sqlc.arg(max_rows)
);
