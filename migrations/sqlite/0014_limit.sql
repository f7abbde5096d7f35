-- +goose Up

create table limits (
    account_id  text    not null, -- '': global
    id          text    not null,
    name        text    not null,
    scope       text    not null, -- JSON: the values that are named
    split_by    text    not null, -- JSON: names of dimensions
    kind        text    not null check (kind in ('requests', 'tokens', 'concurrency')),
    amount      integer not null check (amount >= 0),
    window_ms   integer not null check (window_ms in (0, 1000, 60000, 3600000, 86400000)),
    burst       integer not null check (burst >= 0),
    is_override integer not null check (is_override in (0, 1)),
    enabled     integer not null check (enabled in (0, 1)),
    resets      integer not null check (resets >= 0),
    least_role  text    not null, -- that may change it
    created_at  integer not null,
    updated_at  integer not null,
    primary key (account_id, id)
) strict;

-- What is left of limits. Several replicas share these rows; a single process keeps its
-- own and writes them here now and then. No row: the bucket is full. The level is
-- whole + part / window_us at the time at_us (microseconds since 1970).
create table limit_buckets (
    account_id text    not null, -- whose limit it is
    limit_id   text    not null,
    digest     blob    not null, -- of the values that the limit is split by
    scope      text    not null, -- the same for people
    amount     integer not null,
    window_us  integer not null,
    size       integer not null,
    version    integer not null,
    resets     integer not null,
    epoch      integer not null, -- of the last lease
    whole      integer not null,
    part       integer not null,
    at_us      integer not null,
    primary key (account_id, limit_id, digest)
) strict;

-- What replicas hold of a bucket, beyond what is left in it.
create table limit_leases (
    account_id text    not null,
    limit_id   text    not null,
    digest     blob    not null,
    replica_id text    not null,
    epoch      integer not null,
    held       integer not null,
    spent      integer not null, -- ever, as far as it is settled
    expires_us integer not null,
    primary key (account_id, limit_id, digest, replica_id),
    foreign key (account_id, limit_id, digest)
        references limit_buckets (account_id, limit_id, digest) on delete cascade
) strict;

create index limit_leases_replica on limit_leases (replica_id);

create table limit_replicas (
    account_id text    not null check (account_id = ''),
    replica_id text    not null,
    expires_us integer not null,
    primary key (account_id, replica_id)
) strict;
