-- name: ListRules :many
select account_id, id, name, description, priority, expression, plugin, config, target, fallbacks,
       only_listed, on_failure, continue_after_cut, enabled, is_system, team_id, created_at, updated_at
from rules
order by account_id, priority desc, created_at, id;

-- name: GetRule :one
select account_id, id, name, description, priority, expression, plugin, config, target, fallbacks,
       only_listed, on_failure, continue_after_cut, enabled, is_system, team_id, created_at, updated_at
from rules
where account_id = @account_id
  and id = @id;

-- name: CreateRule :exec
insert into rules (
    account_id, id, name, description, priority, expression, plugin, config, target, fallbacks, only_listed,
    on_failure, continue_after_cut, enabled, is_system, team_id, created_at, updated_at
) values (
    @account_id, @id, @name, @description, @priority, @expression, @plugin, @config, @target, @fallbacks,
    @only_listed, @on_failure, @continue_after_cut, @enabled, @is_system, @team_id, @created_at, @updated_at
);

-- name: UpdateRule :execrows
-- was is the time of the version that the caller has seen; null: any.
update rules
set name               = @name,
    description        = @description,
    priority           = @priority,
    expression         = @expression,
    plugin             = @plugin,
    config             = @config,
    target             = @target,
    fallbacks          = @fallbacks,
    only_listed        = @only_listed,
    on_failure         = @on_failure,
    continue_after_cut = @continue_after_cut,
    enabled            = @enabled,
    team_id            = @team_id,
    updated_at         = @updated_at
where account_id = @account_id
  and id = @id
  and (cast(sqlc.narg(was) as integer) is null or updated_at = cast(sqlc.narg(was) as integer));

-- name: DeleteRule :execrows
delete from rules
where account_id = @account_id
  and id = @id
  and is_system = 0;

-- name: HasRule :one
select count(*)
from rules
where account_id = @account_id
  and id = @id;
