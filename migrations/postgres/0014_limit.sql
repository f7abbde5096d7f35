-- +goose Up

create table limits (
    account_id  text collate "C" not null, -- '': global
    id          text collate "C" not null,
    name        text             not null,
    scope       jsonb            not null, -- the values that are named
    split_by    jsonb            not null, -- names of dimensions
    kind        text             not null check (kind in ('requests', 'tokens', 'concurrency')),
    amount      bigint           not null check (amount >= 0),
    window_ms   bigint           not null check (window_ms in (0, 1000, 60000, 3600000, 86400000)),
    burst       bigint           not null check (burst >= 0),
    is_override boolean          not null,
    enabled     boolean          not null,
    resets      bigint           not null check (resets >= 0),
    least_role  text             not null, -- that may change it
    created_at  timestamptz      not null,
    updated_at  timestamptz      not null,
    primary key (account_id, id)
);

-- What is left of limits. Several replicas share these rows; a single process keeps its
-- own and writes them here now and then. No row: the bucket is full. The level is
-- whole + part / window_us at the time at_us (microseconds since 1970).
create table limit_buckets (
    account_id text collate "C" not null, -- whose limit it is
    limit_id   text collate "C" not null,
    digest     bytea            not null, -- of the values that the limit is split by
    scope      text             not null, -- the same for people
    amount     bigint           not null,
    window_us  bigint           not null,
    size       bigint           not null,
    version    bigint           not null,
    resets     bigint           not null,
    epoch      bigint           not null, -- of the last lease
    whole      bigint           not null,
    part       bigint           not null,
    at_us      bigint           not null,
    primary key (account_id, limit_id, digest)
);

-- What replicas hold of a bucket, beyond what is left in it.
create table limit_leases (
    account_id text collate "C" not null,
    limit_id   text collate "C" not null,
    digest     bytea            not null,
    replica_id text collate "C" not null,
    epoch      bigint           not null,
    held       bigint           not null,
    spent      bigint           not null, -- ever, as far as it is settled
    expires_us bigint           not null,
    primary key (account_id, limit_id, digest, replica_id),
    foreign key (account_id, limit_id, digest)
        references limit_buckets (account_id, limit_id, digest) on delete cascade
);

create index limit_leases_replica on limit_leases (replica_id);

create table limit_replicas (
    account_id text collate "C" not null check (account_id = ''),
    replica_id text collate "C" not null,
    expires_us bigint           not null,
    primary key (account_id, replica_id)
);
