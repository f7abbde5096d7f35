-- +goose Up

-- What became of requests by bucket, of all replicas together: each adds what it counted
-- since its last report.
create table limit_counts (
    account_id text collate "C" not null, -- whose limit it is
    limit_id   text collate "C" not null,
    digest     bytea            not null,
    kind       text             not null check (kind in ('requests', 'tokens', 'concurrency')),
    of_account text collate "C" not null, -- whose requests are counted; '': not those of one account
    admitted   bigint           not null,
    refused    bigint           not null,
    counted_us bigint           not null, -- microseconds since 1970
    primary key (account_id, limit_id, digest),
    foreign key (account_id, limit_id, digest)
        references limit_buckets (account_id, limit_id, digest) on delete cascade
);

create index limit_counts_of_account on limit_counts (of_account);

-- Of what is held, places of requests that are in flight.
alter table limit_leases
    add column in_use bigint not null default 0;

-- How many reports a replica has made, and when it made the last one.
alter table limit_replicas
    add column reports     bigint not null default 0,
    add column reported_us bigint not null default 0;
