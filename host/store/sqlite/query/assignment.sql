-- name: ListAssignments :many
select account_id, id, team_id, user_id, task_type, model, fallbacks, allowed, priority, expression, expires_at,
       locked, enabled, updated_by, created_at, updated_at
from assignments
order by account_id, priority desc, created_at, id;

-- name: GetAssignment :one
select account_id, id, team_id, user_id, task_type, model, fallbacks, allowed, priority, expression, expires_at,
       locked, enabled, updated_by, created_at, updated_at
from assignments
where account_id = @account_id
  and id = @id;

-- name: CreateAssignment :exec
insert into assignments (
    account_id, id, team_id, user_id, task_type, model, fallbacks, allowed, priority, expression, expires_at, locked,
    enabled, updated_by, created_at, updated_at
) values (
    @account_id, @id, @team_id, @user_id, @task_type, @model, @fallbacks, @allowed, @priority, @expression,
    @expires_at, @locked, @enabled, @updated_by, @created_at, @updated_at
);

-- name: UpdateAssignment :execrows
-- was is the time of the version that the caller has seen; null: any.
update assignments
set team_id    = @team_id,
    user_id    = @user_id,
    task_type  = @task_type,
    model      = @model,
    fallbacks  = @fallbacks,
    allowed    = @allowed,
    priority   = @priority,
    expression = @expression,
    expires_at = @expires_at,
    locked     = @locked,
    enabled    = @enabled,
    updated_by = @updated_by,
    updated_at = @updated_at
where account_id = @account_id
  and id = @id
  and (cast(sqlc.narg(was) as integer) is null or updated_at = cast(sqlc.narg(was) as integer));

-- name: DeleteAssignment :execrows
delete from assignments
where account_id = @account_id
  and id = @id;

-- name: HasAssignment :one
select count(*)
from assignments
where account_id = @account_id
  and id = @id;
