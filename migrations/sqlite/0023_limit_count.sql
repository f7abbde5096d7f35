-- +goose Up

-- What became of requests by bucket, of all replicas together: each adds what it counted
-- since its last report.
create table limit_counts (
    account_id text    not null, -- whose limit it is
    limit_id   text    not null,
    digest     blob    not null,
    kind       text    not null check (kind in ('requests', 'tokens', 'concurrency')),
    of_account text    not null, -- whose requests are counted; '': not those of one account
    admitted   integer not null,
    refused    integer not null,
    counted_us integer not null, -- microseconds since 1970
    primary key (account_id, limit_id, digest),
    foreign key (account_id, limit_id, digest)
        references limit_buckets (account_id, limit_id, digest) on delete cascade
) strict;

create index limit_counts_of_account on limit_counts (of_account);

-- Of what is held, places of requests that are in flight.
alter table limit_leases
    add column in_use integer not null default 0;

-- How many reports a replica has made, and when it made the last one.
alter table limit_replicas
    add column reports integer not null default 0;
alter table limit_replicas
    add column reported_us integer not null default 0;
