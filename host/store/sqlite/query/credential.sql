-- name: ListCredentials :many
select account_id, provider_id, id, name, hint, weight, enabled, sealed, seal_key, version, created_at, updated_at
from credentials
order by account_id, provider_id, created_at, id;

-- name: CreateCredential :exec
insert into credentials (
    account_id, provider_id, id, name, hint, weight, enabled, sealed, seal_key, version, created_at, updated_at
) values (
    @account_id, @provider_id, @id, @name, @hint, @weight, @enabled, @sealed, @seal_key, @version, @created_at,
    @updated_at
);

-- name: UpdateCredential :execrows
update credentials
set name       = @name,
    hint       = @hint,
    weight     = @weight,
    enabled    = @enabled,
    sealed     = @sealed,
    seal_key   = @seal_key,
    version    = @version,
    updated_at = @updated_at
where account_id = @account_id
  and provider_id = @provider_id
  and id = @id
  and updated_at = coalesce(sqlc.narg('was'), updated_at);

-- name: HasCredential :one
select count(*) from credentials where account_id = @account_id and provider_id = @provider_id and id = @id;

-- name: DeleteCredential :execrows
delete from credentials where account_id = @account_id and provider_id = @provider_id and id = @id;

-- name: DeleteCredentialsOfProvider :exec
delete from credentials where account_id = @account_id and provider_id = @provider_id;
