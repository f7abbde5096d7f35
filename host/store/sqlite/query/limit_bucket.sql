-- name: EnsureLimitBucket :exec
insert into limit_buckets (
    account_id, limit_id, digest, scope, amount, window_us, size, version, resets, epoch, whole, part, at_us
) values (
    @account_id, @limit_id, @digest, @scope, @amount, @window_us, @size, @version, @resets, 0, @size, 0, 0
)
on conflict (account_id, limit_id, digest) do nothing;

-- name: LockLimitBucket :one
-- The transaction is the only writer already.
select account_id, limit_id, digest, scope, amount, window_us, size, version, resets, epoch, whole, part, at_us
from limit_buckets
where account_id = @account_id
  and limit_id = @limit_id
  and digest = @digest;

-- name: ListLimitLeases :many
select account_id, limit_id, digest, replica_id, epoch, held, spent, expires_us, in_use
from limit_leases
where account_id = @account_id
  and limit_id = @limit_id
  and digest = @digest
order by replica_id;

-- name: LimitClock :one
-- Microseconds since 1970.
select cast(unixepoch('now', 'subsec') * 1000000 as integer);

-- name: SetLimitBucket :exec
update limit_buckets
set scope     = @scope,
    amount    = @amount,
    window_us = @window_us,
    size      = @size,
    version   = @version,
    resets    = @resets,
    epoch     = @epoch,
    whole     = @whole,
    part      = @part,
    at_us     = @at_us
where account_id = @account_id
  and limit_id = @limit_id
  and digest = @digest;

-- name: PutLimitLease :exec
insert into limit_leases (account_id, limit_id, digest, replica_id, epoch, held, spent, expires_us, in_use)
values (@account_id, @limit_id, @digest, @replica_id, @epoch, @held, @spent, @expires_us, @in_use)
on conflict (account_id, limit_id, digest, replica_id) do update
set epoch      = excluded.epoch,
    held       = excluded.held,
    spent      = excluded.spent,
    expires_us = excluded.expires_us,
    in_use     = excluded.in_use;

-- name: DeleteLimitLease :exec
delete from limit_leases
where account_id = @account_id
  and limit_id = @limit_id
  and digest = @digest
  and replica_id = @replica_id;

-- name: ExpireLimitLeases :exec
-- They return to their buckets when somebody next asks for these.
update limit_leases
set expires_us = 0
where replica_id = @replica_id;

-- name: PutLimitReplica :exec
-- It has counted nothing before it came.
insert into limit_replicas (account_id, replica_id, expires_us, reports, reported_us)
values ('', @replica_id, @expires_us, 0, @now_us)
on conflict (account_id, replica_id) do update
set expires_us = excluded.expires_us;

-- name: CountLimitReplicas :one
select count(*)
from limit_replicas
where account_id = ''
  and expires_us > @now_us;

-- name: DeleteLimitReplica :exec
delete from limit_replicas
where account_id = ''
  and replica_id = @replica_id;

-- name: DeleteGoneLimitReplicas :execrows
delete from limit_replicas
where account_id = ''
  and expires_us < @before_us;

-- name: TakeLimit :one
-- What this does not admit, or might overflow in computing, is looked at again by TakeLimit
-- in Go.
update limit_buckets
set whole = (min(size * window_us, whole * window_us + part + amount * max(cast(@now_us as integer) - at_us, 0))
             - cast(@n as integer) * window_us) / window_us,
    part  = min(size * window_us, whole * window_us + part + amount * max(cast(@now_us as integer) - at_us, 0)) % window_us,
    at_us = max(at_us, cast(@now_us as integer))
where account_id = @account_id
  and limit_id = @limit_id
  and digest = @digest
  and version = @version
  and resets = @resets
  and at_us <= cast(@now_us as integer) + 1000000
  and at_us > cast(@now_us as integer) - 3600000000
  and size < 10000000 and amount < 1000000
  and min(size * window_us, whole * window_us + part + amount * max(cast(@now_us as integer) - at_us, 0))
      >= cast(@n as integer) * window_us
returning whole;

-- name: ListLimitBuckets :many
select account_id, limit_id, digest, scope, amount, window_us, size, version, resets, epoch, whole, part, at_us
from limit_buckets
order by account_id, limit_id, digest;

-- name: PutLimitBucket :exec
insert into limit_buckets (
    account_id, limit_id, digest, scope, amount, window_us, size, version, resets, epoch, whole, part, at_us
) values (
    @account_id, @limit_id, @digest, @scope, @amount, @window_us, @size, @version, @resets, 0, @whole, @part, @at_us
)
on conflict (account_id, limit_id, digest) do update
set scope     = excluded.scope,
    amount    = excluded.amount,
    window_us = excluded.window_us,
    size      = excluded.size,
    version   = excluded.version,
    resets    = excluded.resets,
    whole     = excluded.whole,
    part      = excluded.part,
    at_us     = excluded.at_us;

-- name: DeleteIdleLimitBuckets :execrows
-- A bucket that would be full by now, and of which nobody holds a part.
delete from limit_buckets
where (account_id, limit_id, digest) in (
    select b.account_id, b.limit_id, b.digest
    from limit_buckets b
    where b.at_us + cast(b.size - b.whole as real) * b.window_us / max(b.amount, 1) < cast(@before_us as integer)
      and not exists (
          select 1
          from limit_leases l
          where l.account_id = b.account_id
            and l.limit_id = b.limit_id
            and l.digest = b.digest
            and l.expires_us > cast(@before_us as integer)
      )
      and not exists (
          select 1
          from limit_counts c
          where c.account_id = b.account_id
            and c.limit_id = b.limit_id
            and c.digest = b.digest
            and c.counted_us > cast(@before_us as integer)
      )
    limit cast(@max_rows as integer)
);

-- name: PutLimitReport :execrows
-- None when the replica's report of that number is in already.
insert into limit_replicas (account_id, replica_id, expires_us, reports, reported_us)
values ('', @replica_id, @expires_us, @reports, @reported_us)
on conflict (account_id, replica_id) do update
set expires_us  = max(limit_replicas.expires_us, excluded.expires_us),
    reports     = excluded.reports,
    reported_us = excluded.reported_us
where limit_replicas.reports < excluded.reports;

-- name: AddLimitCount :exec
insert into limit_counts (account_id, limit_id, digest, kind, of_account, admitted, refused, counted_us)
values (@account_id, @limit_id, @digest, @kind, @of_account, @admitted, @refused, @counted_us)
on conflict (account_id, limit_id, digest) do update
set kind       = excluded.kind,
    of_account = excluded.of_account,
    admitted   = limit_counts.admitted + excluded.admitted,
    refused    = limit_counts.refused + excluded.refused,
    counted_us = excluded.counted_us;

-- name: ListLimitCounts :many
-- Those that refused most first. What is held of a bucket is free again when nobody renews it.
select b.account_id, b.limit_id, b.digest, b.scope, b.amount, b.window_us, b.size, b.version, b.resets, b.whole, b.part, b.at_us,
       c.kind, c.admitted, c.refused,
       cast((select coalesce(sum(l.held), 0)
             from limit_leases l
             where l.account_id = c.account_id and l.limit_id = c.limit_id and l.digest = c.digest) as integer) as held,
       cast((select coalesce(sum(l.in_use), 0)
             from limit_leases l
             where l.account_id = c.account_id and l.limit_id = c.limit_id and l.digest = c.digest
               and l.expires_us > cast(@now_us as integer)) as integer) as in_use
from limit_counts c
join limit_buckets b on b.account_id = c.account_id and b.limit_id = c.limit_id and b.digest = c.digest
where (cast(@of_account as text) = '' or c.of_account = cast(@of_account as text))
  and (cast(@every_limit as integer) <> 0
       or c.account_id || '/' || c.limit_id in (select value from json_each(cast(@limits as text))))
order by c.refused desc, c.admitted desc, c.account_id, c.limit_id, c.digest
limit cast(@max_rows as integer);

-- name: LimitReportsSince :one
-- When the replica that reported longest ago did so, of those that live.
select cast(coalesce(min(reported_us), 0) as integer)
from limit_replicas
where account_id = ''
  and expires_us > @now_us;
