-- name: ListPreferences :many
select account_id, team_id, user_id, is_override, default_model, model, allowed_models, blocked_models,
       max_tokens_per_day, max_cost_per_day, prefer_vision, prefer_speed, prefer_cost, custom_rules_only, store_text,
       locked, reason, updated_by, created_at, updated_at
from preferences
order by account_id, team_id, user_id, is_override;

-- name: CreatePreferences :exec
insert into preferences (
    account_id, team_id, user_id, is_override, default_model, model, allowed_models, blocked_models,
    max_tokens_per_day, max_cost_per_day, prefer_vision, prefer_speed, prefer_cost, custom_rules_only, store_text,
    locked, reason, updated_by, created_at, updated_at
) values (
    @account_id, @team_id, @user_id, @is_override, @default_model, @model, @allowed_models, @blocked_models,
    @max_tokens_per_day, @max_cost_per_day, @prefer_vision, @prefer_speed, @prefer_cost, @custom_rules_only,
    @store_text, @locked, @reason, @updated_by, @created_at, @updated_at
);

-- name: UpdatePreferences :execrows
-- was is the time of the version that the caller has seen; null: any.
update preferences
set default_model      = @default_model,
    model              = @model,
    allowed_models     = @allowed_models,
    blocked_models     = @blocked_models,
    max_tokens_per_day = @max_tokens_per_day,
    max_cost_per_day   = @max_cost_per_day,
    prefer_vision      = @prefer_vision,
    prefer_speed       = @prefer_speed,
    prefer_cost        = @prefer_cost,
    custom_rules_only  = @custom_rules_only,
    store_text         = @store_text,
    locked             = @locked,
    reason             = @reason,
    updated_by         = @updated_by,
    updated_at         = @updated_at
where account_id = @account_id
  and team_id = @team_id
  and user_id = @user_id
  and is_override = @is_override
  and (sqlc.narg(was)::timestamptz is null or updated_at = sqlc.narg(was)::timestamptz);

-- name: DeletePreferences :execrows
delete from preferences
where account_id = @account_id
  and team_id = @team_id
  and user_id = @user_id
  and is_override = @is_override;
