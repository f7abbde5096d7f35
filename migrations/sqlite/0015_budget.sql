-- +goose Up

create table budgets (
    account_id text    not null check (account_id <> ''),
    id         text    not null,
    name       text    not null,
    team_id    text    not null, -- '': any, here and in the next three
    user_id    text    not null,
    key_id     text    not null,
    model_id   text    not null,
    period     text    not null check (period in ('day', 'week', 'month', 'rolling_24h', 'rolling_30d')),
    nano_usd   integer not null check (nano_usd >= 0),
    hard       integer not null check (hard in (0, 1)),
    thresholds text    not null, -- JSON
    enabled    integer not null check (enabled in (0, 1)),
    least_role text    not null, -- that may change it
    updated_by text    not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (account_id, id)
) strict;

-- What is known of a budget that money was asked of. Whoever moves money locks its row. A
-- budget may be one that preferences imply, also of everybody ('').
create table budget_heads (
    account_id text    not null,
    budget_id  text    not null,
    version    integer not null, -- of the amount
    nano_usd   integer not null,
    primary key (account_id, budget_id)
) strict;

-- What is spent in one step of a budget, and what replicas hold to spend. A calendar window
-- has one step, a rolling one many.
create table budget_windows (
    account_id   text    not null,
    budget_id    text    not null,
    window_start integer not null,
    spent        integer not null,
    held         integer not null,
    primary key (account_id, budget_id, window_start)
) strict;

create table budget_leases (
    account_id   text    not null,
    budget_id    text    not null,
    window_start integer not null,
    replica_id   text    not null,
    held         integer not null,
    spent        integer not null, -- ever, as far as it is in the window
    expires_at   integer not null,
    primary key (account_id, budget_id, window_start, replica_id)
) strict;

create index budget_leases_expiry on budget_leases (expires_at);
create index budget_leases_replica on budget_leases (replica_id);

create table budget_alerts (
    account_id   text    not null,
    budget_id    text    not null,
    window_start integer not null,
    percent      integer not null,
    projected    integer not null check (projected in (0, 1)),
    team_id      text    not null,
    user_id      text    not null,
    key_id       text    not null,
    model_id     text    not null,
    actions      text    not null, -- JSON
    nano_usd     integer not null,
    spent        integer not null,
    fired_at     integer not null,
    primary key (account_id, budget_id, window_start, percent, projected)
) strict;

create index budget_alerts_time on budget_alerts (account_id, fired_at);
