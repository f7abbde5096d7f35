-- name: ListKeys :many
select account_id, id, user_id, name, prefix, digest, created_at, expires_at, revoked_at
from keys
order by account_id, created_at, id;

-- name: CreateKey :exec
insert into keys (account_id, id, user_id, name, prefix, digest, created_at, expires_at, revoked_at)
values (@account_id, @id, @user_id, @name, @prefix, @digest, @created_at, @expires_at, @revoked_at);

-- name: RevokeKey :execrows
-- A key revoked before keeps its first time.
update keys
set revoked_at = coalesce(revoked_at, sqlc.arg(revoked_at))
where account_id = @account_id
  and id = @id;
