-- name: AddDecision :exec
-- Run by the loader, as AddUsage is.
insert or fail into decisions (
    at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
    variant, data
) values (
    @at, @cost_nano_usd, @account_id, @request_id, @team_id, @user_id, @key_id, @session_id, @source, @model_id,
    @provider_id, @code, @variant, @data
)
on conflict (account_id, at, request_id) do nothing;

-- name: GetDecision :one
-- The newest of a request that the filter means.
select at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
       variant, data
from decisions
where account_id = @account_id
  and request_id = @request_id
  and (cast(@team_id as text) = '' or team_id = cast(@team_id as text))
  and (cast(@user_id as text) = '' or user_id = cast(@user_id as text))
  and (length(cast(@key_id as blob)) = 0 or key_id = cast(@key_id as blob))
  and (length(cast(@session_id as blob)) = 0 or session_id = cast(@session_id as blob))
  and (cast(@source as text) = '' or source = cast(@source as text))
  and (cast(@model_id as text) = '' or model_id = cast(@model_id as text))
  and (cast(@code as text) = '' or code = cast(@code as text))
  and (cast(@answered as integer) = 0 or code = '')
  and (cast(@variant as text) = '' or variant = cast(@variant as text))
order by at desc
limit 1;

-- name: PageDecisions :many
-- The row (before_at, before_id) is the last one seen; of the first page it is to_at and an
-- empty id. No more than max_looked rows are looked at, however few of them are meant.
with looked as (
    select at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
           variant, data
    from decisions
    where account_id = @account_id
      and at >= @from_at
      and (at, request_id) < (@before_at, cast(@before_id as blob))
    order by at desc, request_id desc
    limit sqlc.arg(max_looked)
)
select at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
       variant, data
from looked
where (cast(@team_id as text) = '' or team_id = cast(@team_id as text))
  and (cast(@user_id as text) = '' or user_id = cast(@user_id as text))
  and (length(cast(@key_id as blob)) = 0 or key_id = cast(@key_id as blob))
  and (length(cast(@session_id as blob)) = 0 or session_id = cast(@session_id as blob))
  and (cast(@source as text) = '' or source = cast(@source as text))
  and (cast(@model_id as text) = '' or model_id = cast(@model_id as text))
  and (cast(@code as text) = '' or code = cast(@code as text))
  and (cast(@answered as integer) = 0 or code = '')
  and (cast(@variant as text) = '' or variant = cast(@variant as text))
order by at desc, request_id desc
limit sqlc.arg(max_rows);

-- name: PassDecisions :one
-- The last of the rows that PageDecisions looks at, if there are so many.
select at, request_id
from decisions
where account_id = @account_id
  and at >= @from_at
  and (at, request_id) < (@before_at, cast(@before_id as blob))
order by at desc, request_id desc
limit 1 offset sqlc.arg(passed);

-- name: ScanDecisions :many
-- The account's decisions, oldest first, after the last one seen.
select at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
       variant, data
from decisions
where account_id = @account_id
  and at < @to_at
  and (at, request_id) > (cast(@after_at as integer), cast(@after_id as blob))
order by at, request_id
limit sqlc.arg(max_rows);

-- name: NextDecisionAccount :one
-- The next account that has decisions of that time; '' after the last one.
select cast(coalesce(min(account_id), '') as text) as account_id
from decisions
where at >= @from_at
  and at < @to_at
  and account_id > @after_account;

-- name: DeleteDecisions :execrows
delete from decisions
where (account_id, at, request_id) in (
    select d.account_id, d.at, d.request_id
    from decisions d
    where d.account_id = @account_id
      and d.at < @before
    order by d.at
    limit sqlc.arg(max_rows)
);

-- name: ListDecisionSettings :many
select account_id, share, keep_text, days, updated_by, updated_at
from decision_settings
order by account_id;

-- name: PutDecisionSettings :exec
insert into decision_settings (account_id, share, keep_text, days, updated_by, updated_at)
values (@account_id, @share, @keep_text, @days, @updated_by, @updated_at)
on conflict (account_id) do update
set share      = excluded.share,
    keep_text  = excluded.keep_text,
    days       = excluded.days,
    updated_by = excluded.updated_by,
    updated_at = excluded.updated_at;

-- name: DeleteDecisionSettings :exec
delete from decision_settings
where account_id = @account_id;
