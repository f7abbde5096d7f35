-- name: ListRuleCases :many
select account_id, id, name, request, given, want_source, want_model, want_code, created_at, updated_at
from rule_cases
where account_id = @account_id
order by id;

-- name: GetRuleCase :one
select account_id, id, name, request, given, want_source, want_model, want_code, created_at, updated_at
from rule_cases
where account_id = @account_id
  and id = @id;

-- name: PutRuleCase :exec
-- The creation stays that of the row that was there.
insert into rule_cases (account_id, id, name, request, given, want_source, want_model, want_code, created_at, updated_at)
values (@account_id, @id, @name, @request, @given, @want_source, @want_model, @want_code, @created_at, @updated_at)
on conflict (account_id, id) do update
set name        = excluded.name,
    request     = excluded.request,
    given       = excluded.given,
    want_source = excluded.want_source,
    want_model  = excluded.want_model,
    want_code   = excluded.want_code,
    updated_at  = excluded.updated_at;

-- name: DeleteRuleCase :execrows
delete from rule_cases
where account_id = @account_id
  and id = @id;

-- name: CountRuleCases :one
select count(*)
from rule_cases
where account_id = @account_id
  and id <> @id;
