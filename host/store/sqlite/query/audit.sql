-- name: GetLastAudit :one
-- Where the next entry goes. The head and the last entry are the same unless somebody has
-- deleted either: the later one counts, so that a gap stays a gap.
select seq, hash
from (
    select seq, hash from audit_heads where audit_heads.account_id = @account_id
    union all
    select seq, hash from (
        select seq, hash from audit where audit.account_id = @account_id order by seq desc limit 1
    ) as entries
) as ends
order by seq desc
limit 1;

-- name: AddAudit :exec
insert into audit (
    account_id, seq, at, actor_account, actor_user, actor_key, actor_role, request_id, action, object, reason, detail,
    previous, hash
) values (
    @account_id, @seq, @at, @actor_account, @actor_user, @actor_key, @actor_role, @request_id, @action, @object, @reason,
    @detail, @previous, @hash
);

-- name: PutAuditHead :exec
insert into audit_heads (account_id, seq, hash)
values (@account_id, @seq, @hash)
on conflict (account_id) do update
set seq = excluded.seq, hash = excluded.hash;

-- name: GetAuditHead :one
select account_id, seq, hash
from audit_heads
where account_id = @account_id;

-- name: ListAuditedAccounts :many
select account_id from audit_heads
union
select account_id from audit
order by account_id;

-- name: ReadAudit :many
select account_id, seq, at, actor_account, actor_user, actor_key, actor_role, request_id, action, object, reason, detail,
       previous, hash
from audit
where account_id = @account_id
  and seq > @after
order by seq
limit cast(@size as integer);

-- name: ListAudit :many
-- An action that ends in "." means all that begin so.
select account_id, seq, at, actor_account, actor_user, actor_key, actor_role, request_id, action, object, reason, detail,
       previous, hash
from audit
where account_id = @account_id
  and seq < @before
  and (cast(@action as text) = '' or action = cast(@action as text) or cast(@action as text) like '%.' and substr(action, 1, length(cast(@action as text))) = cast(@action as text))
  and (cast(@object as text) = '' or object = cast(@object as text))
  and (cast(@actor_user as text) = '' or actor_user = cast(@actor_user as text))
  and at >= @since
  and at < @until
order by seq desc
limit cast(@size as integer);
