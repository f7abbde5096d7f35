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
  and (sqlc.narg(was)::timestamptz is null or updated_at = sqlc.narg(was)::timestamptz);

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

-- name: DueDeliveries :many
-- Rows that another process is just taking are passed over. One that it has taken since this
-- statement began no longer meets the conditions, which are asked again of the locked row.
update webhook_deliveries as d
set tries       = d.tries + 1,
    taken_until = @until::timestamptz
from (
    select l.account_id, l.id
    from webhook_deliveries l
    where (l.account_id, l.id) in (
        select r.account_id, r.id
        from (
            select p.account_id, p.id, p.next_at,
                   coalesce(b.taken, 0) + row_number() over (partition by p.account_id, p.webhook_id order by p.next_at, p.id) as place
            from webhook_deliveries p
            join webhooks w on w.account_id = p.account_id and w.id = p.webhook_id and w.enabled
            left join (
                select account_id, webhook_id, count(*) as taken
                from webhook_deliveries
                where taken_until > @now::timestamptz
                group by account_id, webhook_id
            ) b on b.account_id = p.account_id and b.webhook_id = p.webhook_id
            where p.next_at <= @now::timestamptz
              and (p.taken_until is null or p.taken_until <= @now::timestamptz)
        ) r
        where r.place <= @per_webhook::bigint
        order by r.place, r.next_at, r.id
        limit @max_rows::bigint
    )
      and l.next_at <= @now::timestamptz
      and (l.taken_until is null or l.taken_until <= @now::timestamptz)
    for update of l skip locked
) t
where d.account_id = t.account_id
  and d.id = t.id
returning d.account_id, d.id, d.webhook_id, d.kind, d.payload, d.tries, d.status, d.error, d.created_at, d.next_at, d.done_at, d.taken_until;

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
  and (@webhook_id::text = '' or webhook_id = @webhook_id::text)
order by created_at desc, id desc
limit @max_rows::bigint;

-- name: DropDeliveries :exec
delete from webhook_deliveries
where created_at < @before;
