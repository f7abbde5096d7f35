-- name: ListLimits :many
select account_id, id, name, scope, split_by, kind, amount, window_ms, burst, is_override, enabled, resets, least_role,
       created_at, updated_at
from limits
order by account_id, created_at, id;

-- name: GetLimit :one
select account_id, id, name, scope, split_by, kind, amount, window_ms, burst, is_override, enabled, resets, least_role,
       created_at, updated_at
from limits
where account_id = @account_id
  and id = @id;

-- name: CreateLimit :exec
insert into limits (
    account_id, id, name, scope, split_by, kind, amount, window_ms, burst, is_override, enabled, resets, least_role,
    created_at, updated_at
) values (
    @account_id, @id, @name, @scope, @split_by, @kind, @amount, @window_ms, @burst, @is_override, @enabled,
    @resets, @least_role, @created_at, @updated_at
);

-- name: UpdateLimit :execrows
-- was is the time of the version that the caller has seen; null: any.
update limits
set name        = @name,
    scope       = @scope,
    split_by    = @split_by,
    kind        = @kind,
    amount      = @amount,
    window_ms   = @window_ms,
    burst       = @burst,
    is_override = @is_override,
    enabled     = @enabled,
    resets      = @resets,
    least_role  = @least_role,
    updated_at  = @updated_at
where account_id = @account_id
  and id = @id
  and (cast(sqlc.narg(was) as integer) is null or updated_at = cast(sqlc.narg(was) as integer));

-- name: DeleteLimit :execrows
delete from limits
where account_id = @account_id
  and id = @id;

-- name: DeleteLimitBuckets :exec
delete from limit_buckets
where account_id = @account_id
  and limit_id = @limit_id;

-- name: HasLimit :one
select count(*)
from limits
where account_id = @account_id
  and id = @id;
