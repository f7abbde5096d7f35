-- name: AddNote :exec
insert into session_notes (
    account_id, user_id, session_id, id, type, text, agent, model, created_at, expires_at
) values (
    @account_id, @user_id, @session_id, @id, @type, @text, @agent, @model, @created_at, @expires_at
)
on conflict (account_id, user_id, session_id, id) do nothing;

-- name: ListNotes :many
select account_id, user_id, session_id, id, type, text, agent, model, created_at, expires_at
from session_notes
where account_id = @account_id
  and user_id = @user_id
  and session_id = @session_id
  and expires_at > @now
order by id desc
limit sqlc.arg(max_rows);

-- name: CountNotes :one
select count(*)
from session_notes
where account_id = @account_id
  and user_id = @user_id
  and expires_at > @now;

-- name: DeleteNote :execrows
delete from session_notes
where account_id = @account_id
  and user_id = @user_id
  and session_id = @session_id
  and id = @id;

-- name: DeleteExpiredNotes :execrows
delete from session_notes
where (account_id, user_id, session_id, id) in (
    select old.account_id, old.user_id, old.session_id, old.id
    from session_notes as old
    where old.expires_at <= @now
    order by old.expires_at
    limit sqlc.arg(max_rows)
  );
