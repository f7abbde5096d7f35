-- name: AddHandoff :exec
insert into agent_handoffs (
    account_id, user_id, session_id, id, request_id, from_agent, to_agent, from_model, to_model, reason, detail,
    summary, notes, created_at
) values (
    @account_id, @user_id, @session_id, @id, @request_id, @from_agent, @to_agent, @from_model, @to_model, @reason,
    @detail, @summary, @notes, @created_at
)
on conflict (account_id, user_id, session_id, id) do nothing;

-- name: ListHandoffs :many
select account_id, user_id, session_id, id, request_id, from_agent, to_agent, from_model, to_model, reason, detail,
       summary, notes, created_at
from agent_handoffs
where account_id = @account_id
  and user_id = @user_id
  and session_id = @session_id
order by id desc
limit sqlc.arg(max_rows);

-- name: DeleteOldHandoffs :execrows
delete from agent_handoffs
where (account_id, user_id, session_id, id) in (
    select old.account_id, old.user_id, old.session_id, old.id
    from agent_handoffs as old
    where old.created_at <= @before
    order by old.created_at
    limit sqlc.arg(max_rows)
  );
