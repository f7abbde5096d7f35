-- name: GetDecision :one
-- The newest of a request that the filter means.
select at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
       variant, data
from decisions
where account_id = @account_id
  and request_id = @request_id
  and (@team_id::text = '' or team_id = @team_id::text)
  and (@user_id::text = '' or user_id = @user_id::text)
  and (length(@key_id::bytea) = 0 or key_id = @key_id::bytea)
  and (length(@session_id::bytea) = 0 or session_id = @session_id::bytea)
  and (@source::text = '' or source = @source::text)
  and (@model_id::text = '' or model_id = @model_id::text)
  and (@code::text = '' or code = @code::text)
  and (not @answered::boolean or code = '')
  and (@variant::text = '' or variant = @variant::text)
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
      and (at, request_id) < (@before_at, @before_id::bytea)
    order by at desc, request_id desc
    limit sqlc.arg(max_looked)::bigint
)
select at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
       variant, data
from looked
where (@team_id::text = '' or team_id = @team_id::text)
  and (@user_id::text = '' or user_id = @user_id::text)
  and (length(@key_id::bytea) = 0 or key_id = @key_id::bytea)
  and (length(@session_id::bytea) = 0 or session_id = @session_id::bytea)
  and (@source::text = '' or source = @source::text)
  and (@model_id::text = '' or model_id = @model_id::text)
  and (@code::text = '' or code = @code::text)
  and (not @answered::boolean or code = '')
  and (@variant::text = '' or variant = @variant::text)
order by at desc, request_id desc
limit sqlc.arg(max_rows)::bigint;

-- name: PassDecisions :one
-- The last of the rows that PageDecisions looks at, if there are so many.
select at, request_id
from decisions
where account_id = @account_id
  and at >= @from_at
  and (at, request_id) < (@before_at, @before_id::bytea)
order by at desc, request_id desc
limit 1 offset sqlc.arg(passed)::bigint;

-- name: ScanDecisions :many
-- The account's decisions, oldest first, after the last one seen.
select at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
       variant, data
from decisions
where account_id = @account_id
  and at < @to_at
  and (at, request_id) > (@after_at::timestamptz, @after_id::bytea)
order by at, request_id
limit sqlc.arg(max_rows)::bigint;

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
    limit sqlc.arg(max_rows)::bigint
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

-- name: MakeDecisionDay :exec
select make_decision_day(@day::date, @tenant::text);

-- name: DropDecisionDays :exec
select drop_decision_days(@before::timestamptz);
