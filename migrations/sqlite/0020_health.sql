-- +goose Up

-- What is known of providers, models there ('' : the provider) and credentials there.
create table health_states (
    account_id    text    not null, -- of the provider's row
    provider_id   text    not null,
    upstream_id   text    not null,
    credential_id text    not null,
    version       integer not null, -- of the credential's secret
    sequence      integer not null, -- of transition
    changed_us    integer not null, -- when that was, microseconds since 1970
    transition    text, -- the last one
    measured      text, -- by the process that asked it last
    checked       text, -- the last probe
    updated_at    integer not null,
    primary key (account_id, provider_id, upstream_id, credential_id)
) strict;

create index health_states_age on health_states (updated_at);

create table health_transitions (
    account_id    text    not null,
    id            text    not null,
    sequence      integer not null, -- rises in the order of commits
    replica_id    text    not null,
    provider_id   text    not null,
    upstream_id   text    not null,
    credential_id text    not null,
    version       integer not null,
    transition    text    not null,
    happened_at   integer not null,
    primary key (account_id, id)
) strict;

create index health_transitions_sequence on health_transitions (sequence);
create index health_transitions_list on health_transitions (account_id, provider_id, happened_at);
create index health_transitions_age on health_transitions (happened_at);

-- One row, by which those who write transitions queue.
create table health_sequences (
    account_id    text    not null check (account_id = ''),
    value         integer not null,
    primary key (account_id)
) strict;

insert into health_sequences (account_id, value) values ('', 0);

-- What happened in five minutes.
create table health_cells (
    account_id    text    not null,
    provider_id   text    not null,
    upstream_id   text    not null,
    credential_id text    not null,
    begins_at     integer not null,
    attempts      integer not null check (attempts >= 0),
    failures      integer not null check (failures >= 0),
    fallbacks     integer not null check (fallbacks >= 0),
    p95_ms        integer not null,
    worst         integer not null check (worst between 0 and 3), -- not known, healthy, degraded, down
    primary key (account_id, provider_id, upstream_id, credential_id, begins_at)
) strict;

create index health_cells_age on health_cells (begins_at);

-- What administrators decided.
create table health_controls (
    account_id    text    not null,
    provider_id   text    not null,
    upstream_id   text    not null,
    credential_id text    not null,
    switch        text    not null check (switch in ('', 'drained', 'disabled')),
    note          text    not null,
    switched_at   integer,
    switched_by   text    not null,
    paid_probe    integer not null check (paid_probe in (0, 1)),
    daily_cap     integer not null check (daily_cap >= 0), -- nano-USD
    every_seconds integer not null check (every_seconds >= 0),
    spent         integer not null, -- nano-USD on the day spent_on
    spent_on      text    not null,
    updated_at    integer not null,
    primary key (account_id, provider_id, upstream_id, credential_id),
    foreign key (account_id, provider_id) references providers (account_id, id) on delete cascade
) strict;
