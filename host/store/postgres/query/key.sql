-- name: ListKeys :many
select account_id, id, user_id, name, prefix, digest, scopes, role, rotated_to, created_at, updated_at,
       expires_at, revoked_at
from keys
order by account_id, created_at, id;

-- name: PageKeys :many
select keys.account_id, keys.id, keys.user_id, keys.name, keys.prefix, keys.digest, keys.scopes, keys.role, keys.rotated_to,
       keys.created_at, keys.updated_at, keys.expires_at, keys.revoked_at
from keys
join users on users.account_id = keys.account_id and users.id = keys.user_id
where (keys.account_id, keys.id) > (@after_account::text, @after_id::text)
  and (@account_id::text = '' or keys.account_id = @account_id::text)
  and (@team_id::text = '' or users.team_id = @team_id::text)
  and (@user_id::text = '' or users.id = @user_id::text)
  and (@role::text = '' or users.role = @role::text)
  and strpos(keys.search_text, @search::text) > 0
  and (@inactive::boolean or keys.revoked_at is null and (keys.expires_at is null or keys.expires_at > @now::timestamptz))
order by keys.account_id, keys.id
limit @size::bigint;

-- name: CreateKey :exec
insert into keys (
    account_id, id, user_id, name, prefix, digest, scopes, role, rotated_to, created_at, updated_at, expires_at,
    revoked_at, search_text
) values (
    @account_id, @id, @user_id, @name, @prefix, @digest, @scopes, @role, @rotated_to, @created_at, @updated_at,
    @expires_at, @revoked_at, @search_text
);

-- name: UpdateKey :execrows
update keys
set name        = @name,
    scopes      = @scopes,
    rotated_to  = @rotated_to,
    updated_at  = @updated_at,
    expires_at  = @expires_at,
    search_text = @search_text
where account_id = @account_id
  and id = @id
  and updated_at = coalesce(sqlc.narg('was'), updated_at);

-- name: HasKey :one
select count(*) from keys where account_id = @account_id and id = @id;

-- name: RevokeKey :execrows
-- A key revoked before keeps its first time.
update keys
set updated_at = case when revoked_at is null then @revoked_at else updated_at end,
    revoked_at = coalesce(revoked_at, @revoked_at)
where account_id = @account_id
  and id = @id;

-- name: GetKey :one
select account_id, id, user_id, name, prefix, digest, scopes, role, rotated_to, created_at, updated_at,
       expires_at, revoked_at
from keys
where account_id = @account_id
  and id = @id;
