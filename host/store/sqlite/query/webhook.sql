-- name: ListWebhooks :many
select account_id, id, name, url, events, sealed, seal_key, version, previous_until, enabled, disabled_why, created_at, updated_at
from webhooks
order by account_id, id;

-- name: CreateWebhook :exec
insert into webhooks (
    account_id, id, name, url, events, sealed, seal_key, version, previous_until, enabled, disabled_why, created_at, updated_at
) values (
    @account_id, @id, @name, @url, @events, @sealed, @seal_key, @version, @previous_until, @enabled, @disabled_why, @created_at, @updated_at
);

-- name: UpdateWebhook :execrows
-- was is the time of the version that the caller has seen; null: any.
update webhooks
set name           = @name,
    url            = @url,
    events         = @events,
    sealed         = @sealed,
    seal_key       = @seal_key,
    version        = @version,
    previous_until = @previous_until,
    enabled        = @enabled,
    disabled_why   = @disabled_why,
    updated_at     = @updated_at
where account_id = @account_id
  and id = @id
  and (cast(sqlc.narg(was) as integer) is null or updated_at = cast(sqlc.narg(was) as integer));

-- name: HasWebhook :one
select count(*) from webhooks where account_id = @account_id and id = @id;

-- name: DeleteWebhook :execrows
delete from webhooks
where account_id = @account_id
  and id = @id;

-- name: CountPendingDeliveries :one
select count(*)
from webhook_deliveries
where account_id = @account_id
  and webhook_id = @webhook_id
  and next_at is not null;

-- name: AddDelivery :execrows
insert into webhook_deliveries (
    account_id, id, webhook_id, kind, payload, tries, status, error, created_at, next_at, done_at
) values (
    @account_id, @id, @webhook_id, @kind, @payload, @tries, @status, @error, @created_at, @next_at, @done_at
)
on conflict (account_id, id) do nothing;

-- name: ListDueDeliveries :many
select r.account_id, r.id
from (
    select p.account_id, p.id, p.next_at,
           coalesce(b.taken, 0) + row_number() over (partition by p.account_id, p.webhook_id order by p.next_at, p.id) as place
    from webhook_deliveries p
    join webhooks w on w.account_id = p.account_id and w.id = p.webhook_id and w.enabled = 1
    left join (
        select account_id, webhook_id, count(*) as taken
        from webhook_deliveries
        where taken_until > cast(@now as integer)
        group by account_id, webhook_id
    ) b on b.account_id = p.account_id and b.webhook_id = p.webhook_id
    where p.next_at <= cast(@now as integer)
      and (p.taken_until is null or p.taken_until <= cast(@now as integer))
) r
where r.place <= cast(@per_webhook as integer)
order by r.place, r.next_at, r.id
limit @max_rows;

-- name: TakeDelivery :one
update webhook_deliveries
set tries       = tries + 1,
    taken_until = @until
where account_id = @account_id
  and id = @id
returning account_id, id, webhook_id, kind, payload, tries, status, error, created_at, next_at, done_at, taken_until;

-- name: SaveDelivery :execrows
-- Whoever took it since has counted a try more, and it is theirs.
update webhook_deliveries
set status      = @status,
    error       = @error,
    next_at     = @next_at,
    done_at     = @done_at,
    taken_until = null
where account_id = @account_id
  and id = @id
  and tries = @tries;

-- name: RetryDelivery :execrows
update webhook_deliveries
set next_at = @next_at,
    done_at = null
where account_id = @account_id
  and webhook_id = @webhook_id
  and id = @id;

-- name: ListDeliveries :many
select account_id, id, webhook_id, kind, payload, tries, status, error, created_at, next_at, done_at, taken_until
from webhook_deliveries
where account_id = @account_id
  and (cast(@webhook_id as text) = '' or webhook_id = cast(@webhook_id as text))
order by created_at desc, id desc
limit @max_rows;

-- name: DropDeliveries :exec
delete from webhook_deliveries
where created_at < @before;
