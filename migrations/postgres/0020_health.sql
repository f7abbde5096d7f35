-- +goose Up

-- What is known of providers, models there ('' : the provider) and credentials there.
create table health_states (
    account_id    text collate "C" not null, -- of the provider's row
    provider_id   text collate "C" not null,
    upstream_id   text collate "C" not null,
    credential_id text collate "C" not null,
    version       bigint           not null, -- of the credential's secret
    sequence      bigint           not null, -- of transition
    changed_us    bigint           not null, -- when that was, microseconds since 1970
    transition    jsonb, -- the last one
    measured      jsonb, -- by the process that asked it last
    checked       jsonb, -- the last probe
    updated_at    timestamptz      not null,
    primary key (account_id, provider_id, upstream_id, credential_id)
);

create index health_states_age on health_states (updated_at);

create table health_transitions (
    account_id    text collate "C" not null,
    id            text collate "C" not null,
    sequence      bigint           not null, -- rises in the order of commits
    replica_id    text collate "C" not null,
    provider_id   text collate "C" not null,
    upstream_id   text collate "C" not null,
    credential_id text collate "C" not null,
    version       bigint           not null,
    transition    jsonb            not null,
    happened_at   timestamptz      not null,
    primary key (account_id, id)
);

create index health_transitions_sequence on health_transitions (sequence);
create index health_transitions_list on health_transitions (account_id, provider_id, happened_at);
create index health_transitions_age on health_transitions (happened_at);

-- One row, by which those who write transitions queue.
create table health_sequences (
    account_id text collate "C" not null check (account_id = ''),
    value      bigint           not null,
    primary key (account_id)
);

insert into health_sequences (account_id, value) values ('', 0);

-- What happened in five minutes.
create table health_cells (
    account_id    text collate "C" not null,
    provider_id   text collate "C" not null,
    upstream_id   text collate "C" not null,
    credential_id text collate "C" not null,
    begins_at     timestamptz      not null,
    attempts      bigint           not null check (attempts >= 0),
    failures      bigint           not null check (failures >= 0),
    fallbacks     bigint           not null check (fallbacks >= 0),
    p95_ms        bigint           not null,
    worst         bigint           not null check (worst between 0 and 3), -- not known, healthy, degraded, down
    primary key (account_id, provider_id, upstream_id, credential_id, begins_at)
);

create index health_cells_age on health_cells (begins_at);

-- What administrators decided.
create table health_controls (
    account_id    text collate "C" not null,
    provider_id   text collate "C" not null,
    upstream_id   text collate "C" not null,
    credential_id text collate "C" not null,
    switch        text             not null check (switch in ('', 'drained', 'disabled')),
    note          text             not null,
    switched_at   timestamptz,
    switched_by   text             not null,
    paid_probe    boolean          not null,
    daily_cap     bigint           not null check (daily_cap >= 0), -- nano-USD
    every_seconds bigint           not null check (every_seconds >= 0),
    spent         bigint           not null, -- nano-USD on the day spent_on
    spent_on      text             not null,
    updated_at    timestamptz      not null,
    primary key (account_id, provider_id, upstream_id, credential_id),
    foreign key (account_id, provider_id) references providers (account_id, id) on delete cascade
);
