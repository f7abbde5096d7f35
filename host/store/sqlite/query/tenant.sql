-- name: GetAccount :one
select account_id, name, created_at, updated_at, suspended_at, deleted_at
from accounts
where account_id = @account_id;

-- name: ListAccounts :many
select account_id, name, created_at, updated_at, suspended_at, deleted_at
from accounts
order by account_id;

-- name: PageAccounts :many
select account_id, name, created_at, updated_at, suspended_at, deleted_at
from accounts
where account_id > @after
  and (cast(@account_id as text) = '' or account_id = cast(@account_id as text))
  and instr(search_text, cast(@search as text)) > 0
  and (cast(@inactive as boolean) or deleted_at is null)
order by account_id
limit cast(@size as integer);

-- name: CreateAccount :exec
insert into accounts (account_id, name, created_at, updated_at, suspended_at, deleted_at, search_text)
values (@account_id, @name, @created_at, @updated_at, @suspended_at, @deleted_at, @search_text);

-- name: UpdateAccount :execrows
update accounts
set name         = @name,
    updated_at   = @updated_at,
    suspended_at = @suspended_at,
    deleted_at   = @deleted_at,
    search_text  = @search_text
where account_id = @account_id
  and updated_at = coalesce(sqlc.narg('was'), updated_at);

-- name: HasAccount :one
select count(*) from accounts where account_id = @account_id;

-- name: ListUsers :many
select account_id, id, team_id, name, role, created_at, updated_at, suspended_at, deleted_at
from users
order by account_id, id;

-- name: PageUsers :many
select account_id, id, team_id, name, role, created_at, updated_at, suspended_at, deleted_at
from users
where (account_id, id) > (cast(@after_account as text), cast(@after_id as text))
  and (cast(@account_id as text) = '' or account_id = cast(@account_id as text))
  and (cast(@team_id as text) = '' or team_id = cast(@team_id as text))
  and (cast(@id as text) = '' or id = cast(@id as text))
  and (cast(@role as text) = '' or role = cast(@role as text))
  and instr(search_text, cast(@search as text)) > 0
  and (cast(@inactive as boolean) or deleted_at is null)
order by account_id, id
limit cast(@size as integer);

-- name: CreateUser :exec
insert into users (
    account_id, id, team_id, name, role, created_at, updated_at, suspended_at, deleted_at, search_text
) values (
    @account_id, @id, @team_id, @name, @role, @created_at, @updated_at, @suspended_at, @deleted_at, @search_text
);

-- name: UpdateUser :execrows
update users
set team_id      = @team_id,
    name         = @name,
    role         = @role,
    updated_at   = @updated_at,
    suspended_at = @suspended_at,
    deleted_at   = @deleted_at,
    search_text  = @search_text
where account_id = @account_id
  and id = @id
  and updated_at = coalesce(sqlc.narg('was'), updated_at);

-- name: HasUser :one
select count(*) from users where account_id = @account_id and id = @id;

-- name: GetUser :one
select account_id, id, team_id, name, role, created_at, updated_at, suspended_at, deleted_at
from users
where account_id = @account_id
  and id = @id;
