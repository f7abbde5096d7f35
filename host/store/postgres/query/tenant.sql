-- name: GetAccount :one
select account_id, name, created_at
from accounts
where account_id = @account_id;

-- name: CreateAccount :exec
insert into accounts (account_id, name, created_at)
values (@account_id, @name, @created_at);

-- name: ListUsers :many
select account_id, id, team_id, name, role, created_at
from users
order by account_id, id;

-- name: CreateUser :exec
insert into users (account_id, id, team_id, name, role, created_at)
values (@account_id, @id, @team_id, @name, @role, @created_at);
