-- name: GetSession :one
select account_id, user_id, id, turns, model, agent, created_at, updated_at, expires_at
from sessions
where account_id = @account_id
  and user_id = @user_id
  and id = @id
  and expires_at > @now;

-- name: SaveSession :batchexec
-- A stored row with more turns stays, unless it had expired when the new one was made.
insert into sessions (
    account_id, user_id, id, turns, model, agent, created_at, updated_at, expires_at
) values (
    @account_id, @user_id, @id, @turns, @model, @agent, @created_at, @updated_at, @expires_at
)
on conflict (account_id, user_id, id) do update
set turns      = excluded.turns,
    model      = excluded.model,
    agent      = excluded.agent,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    expires_at = excluded.expires_at
where sessions.turns <= excluded.turns
   or sessions.expires_at <= excluded.updated_at;

-- name: PageSessions :many
select account_id, user_id, id, turns, model, agent, created_at, updated_at, expires_at
from sessions
where account_id = @account_id
  and expires_at > @now
  and (updated_at, user_id, id) < (@before_at::timestamptz, @before_user_id::text, @before_id::text)
order by updated_at desc, user_id desc, id desc
limit sqlc.arg(max_rows)::bigint;

-- name: PageSessionsOfUser :many
select account_id, user_id, id, turns, model, agent, created_at, updated_at, expires_at
from sessions
where account_id = @account_id
  and user_id = @user_id
  and expires_at > @now
  and (updated_at, id) < (@before_at::timestamptz, @before_id::text)
order by updated_at desc, id desc
limit sqlc.arg(max_rows)::bigint;

-- name: DeleteExpiredSessions :execrows
-- The condition stands twice: a row that is renewed after the subquery saw it stays.
delete from sessions
where sessions.expires_at <= @now
  and (account_id, user_id, id) in (
    select old.account_id, old.user_id, old.id
    from sessions as old
    where old.expires_at <= @now
    order by old.expires_at
    limit sqlc.arg(max_rows)::bigint
  );
