-- name: ListTeams :many
select account_id, id, name, created_at, updated_at, deleted_at
from teams
order by account_id, id;

-- name: PageTeams :many
select account_id, id, name, created_at, updated_at, deleted_at
from teams
where (account_id, id) > (cast(@after_account as text), cast(@after_id as text))
  and (cast(@account_id as text) = '' or account_id = cast(@account_id as text))
  and (cast(@id as text) = '' or id = cast(@id as text))
  and instr(search_text, cast(@search as text)) > 0
  and (cast(@inactive as boolean) or deleted_at is null)
order by account_id, id
limit cast(@size as integer);

-- name: CreateTeam :exec
insert into teams (account_id, id, name, created_at, updated_at, deleted_at, search_text)
values (@account_id, @id, @name, @created_at, @updated_at, @deleted_at, @search_text);

-- name: UpdateTeam :execrows
update teams
set name        = @name,
    updated_at  = @updated_at,
    deleted_at  = @deleted_at,
    search_text = @search_text
where account_id = @account_id
  and id = @id
  and updated_at = coalesce(sqlc.narg('was'), updated_at);

-- name: HasTeam :one
select count(*) from teams where account_id = @account_id and id = @id;

-- name: GetTeam :one
select account_id, id, name, created_at, updated_at, deleted_at
from teams
where account_id = @account_id
  and id = @id;
