-- name: ListPlugins :many
select account_id, name, version, kind, sha256, size, manifest, active, created_at
from plugins
order by account_id, name, created_at, version;

-- name: GetPlugin :one
select account_id, name, version, kind, sha256, size, manifest, active, created_at, module
from plugins
where account_id = @account_id
  and name = @name
  and version = @version;

-- name: CreatePlugin :exec
insert into plugins (
    account_id, name, version, kind, sha256, size, manifest, active, created_at, module
) values (
    @account_id, @name, @version, @kind, @sha256, @size, @manifest, @active, @created_at, @module
);

-- name: DeactivatePlugin :exec
-- Before another version becomes the active one: at most one may be, at any instant.
update plugins
set active = false
where account_id = @account_id
  and name = @name
  and active;

-- name: ActivatePlugin :execrows
update plugins
set active = true
where account_id = @account_id
  and name = @name
  and version = @version;

-- name: DeletePlugin :execrows
delete from plugins
where account_id = @account_id
  and name = @name
  and version = @version;
