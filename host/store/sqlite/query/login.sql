-- name: CreateLogin :exec
insert into logins (account_id, id, key_id, digest, created_at, seen_at, expires_at)
values (@account_id, @id, @key_id, @digest, @created_at, @seen_at, @expires_at);

-- name: TrimLogins :exec
delete from logins
where logins.account_id = @account_id
  and logins.key_id = @key_id
  and logins.id not in (
    select newest.id
    from logins newest
    where newest.account_id = @account_id
      and newest.key_id = @key_id
    order by newest.created_at desc, newest.id desc
    limit @most
  );

-- name: FindLogin :one
select account_id, id, key_id, digest, created_at, seen_at, expires_at
from logins
where digest = @digest;

-- name: SeeLogin :execrows
update logins
set seen_at = case when seen_at < @seen_at then @seen_at else seen_at end
where account_id = @account_id
  and id = @id;

-- name: DeleteLogin :execrows
delete from logins
where account_id = @account_id
  and id = @id;

-- name: DropLogins :execrows
delete from logins
where (logins.account_id, logins.id) in (
    select ended.account_id, ended.id
    from logins ended
    where ended.expires_at <= @now
       or ended.seen_at <= @idle
    limit @max_rows
  );
