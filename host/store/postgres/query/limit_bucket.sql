-- name: EnsureLimitBucket :batchexec
insert into limit_buckets (
    account_id, limit_id, digest, scope, amount, window_us, size, version, resets, epoch, whole, part, at_us
) values (
    @account_id, @limit_id, @digest, @scope, @amount, @window_us, @size, @version, @resets, 0, @size, 0, 0
)
on conflict (account_id, limit_id, digest) do nothing;

-- name: LockLimitBucket :batchone
-- In the order of the keys, so that two replicas never wait for each other; "no key", as else who adds a row
-- that refers to the bucket, of its counts, would wait too.
select account_id, limit_id, digest, scope, amount, window_us, size, version, resets, epoch, whole, part, at_us
from limit_buckets
where account_id = @account_id
  and limit_id = @limit_id
  and digest = @digest
for no key update;

-- name: ListLimitLeases :batchmany
select account_id, limit_id, digest, replica_id, epoch, held, spent, expires_us, in_use
from limit_leases
where account_id = @account_id
  and limit_id = @limit_id
  and digest = @digest
order by replica_id;

-- name: LimitClock :one
-- Microseconds since 1970. It is asked for when the buckets are locked, so that it never
-- runs behind what another replica wrote.
select (extract(epoch from clock_timestamp()) * 1000000)::bigint;

-- name: SetLimitBucket :batchexec
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

-- name: PutLimitLease :batchexec
insert into limit_leases (account_id, limit_id, digest, replica_id, epoch, held, spent, expires_us, in_use)
values (@account_id, @limit_id, @digest, @replica_id, @epoch, @held, @spent, @expires_us, @in_use)
on conflict (account_id, limit_id, digest, replica_id) do update
set epoch      = excluded.epoch,
    held       = excluded.held,
    spent      = excluded.spent,
    expires_us = excluded.expires_us,
    in_use     = excluded.in_use;

-- name: DeleteLimitLease :batchexec
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
-- Exact: a concurrent taker is waited for and the row read again. What this does not
-- admit, or cannot compute, is looked at again under a lock. now_us of 0 is the clock;
-- one who was waited for may have written a time that is a little later.
with c as (
    select coalesce(nullif(sqlc.arg(now_us)::bigint, 0), (extract(epoch from statement_timestamp()) * 1000000)::bigint) as now_us
)
update limit_buckets
set whole = div(least(size::numeric * window_us, whole::numeric * window_us + part + amount::numeric * greatest(c.now_us - at_us, 0))
                - (sqlc.arg(n)::bigint) * window_us, window_us)::bigint,
    part  = mod(least(size::numeric * window_us, whole::numeric * window_us + part + amount::numeric * greatest(c.now_us - at_us, 0)),
                window_us)::bigint,
    at_us = greatest(at_us, c.now_us)
from c
where account_id = sqlc.arg(account_id)
  and limit_id = sqlc.arg(limit_id)
  and digest = sqlc.arg(digest)
  and version = sqlc.arg(version)
  and resets = sqlc.arg(resets)
  and at_us <= c.now_us + 1000000
  and least(size::numeric * window_us, whole::numeric * window_us + part + amount::numeric * greatest(c.now_us - at_us, 0))
      >= (sqlc.arg(n)::bigint) * window_us
returning whole;

-- name: ListLimitBuckets :many
select account_id, limit_id, digest, scope, amount, window_us, size, version, resets, epoch, whole, part, at_us
from limit_buckets
order by account_id, limit_id, digest;

-- name: PutLimitBucket :batchexec
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
    where b.at_us + (b.size - b.whole)::float8 * b.window_us / greatest(b.amount, 1) < @before_us::bigint
      and not exists (
          select 1
          from limit_leases l
          where l.account_id = b.account_id
            and l.limit_id = b.limit_id
            and l.digest = b.digest
            and l.expires_us > @before_us::bigint
      )
      and not exists (
          select 1
          from limit_counts c
          where c.account_id = b.account_id
            and c.limit_id = b.limit_id
            and c.digest = b.digest
            and c.counted_us > @before_us::bigint
      )
    limit @max_rows::bigint
    for update skip locked
);

-- name: PutLimitReport :execrows
-- None when the replica's report of that number is in already.
insert into limit_replicas (account_id, replica_id, expires_us, reports, reported_us)
values ('', @replica_id, @expires_us, @reports, @reported_us)
on conflict (account_id, replica_id) do update
set expires_us  = greatest(limit_replicas.expires_us, excluded.expires_us),
    reports     = excluded.reports,
    reported_us = excluded.reported_us
where limit_replicas.reports < excluded.reports;

-- name: AddLimitCount :batchexec
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
       (select coalesce(sum(l.held), 0)::bigint
        from limit_leases l
        where l.account_id = c.account_id and l.limit_id = c.limit_id and l.digest = c.digest) as held,
       (select coalesce(sum(l.in_use), 0)::bigint
        from limit_leases l
        where l.account_id = c.account_id and l.limit_id = c.limit_id and l.digest = c.digest
          and l.expires_us > @now_us::bigint) as in_use
from limit_counts c
join limit_buckets b on b.account_id = c.account_id and b.limit_id = c.limit_id and b.digest = c.digest
where (@of_account::text = '' or c.of_account = @of_account::text)
  and (@every_limit::boolean or c.account_id || '/' || c.limit_id = any(@limits::text[]))
order by c.refused desc, c.admitted desc, c.account_id, c.limit_id, c.digest
limit @max_rows::bigint;

-- name: LimitReportsSince :one
-- When the replica that reported longest ago did so, of those that live.
select coalesce(min(reported_us), 0)::bigint
from limit_replicas
where account_id = ''
  and expires_us > @now_us;
