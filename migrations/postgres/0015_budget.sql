-- +goose Up

create table budgets (
    account_id text collate "C" not null check (account_id <> ''),
    id         text collate "C" not null,
    name       text             not null,
    team_id    text collate "C" not null, -- '': any, here and in the next three
    user_id    text collate "C" not null,
    key_id     text collate "C" not null,
    model_id   text collate "C" not null,
    period     text             not null check (period in ('day', 'week', 'month', 'rolling_24h', 'rolling_30d')),
    nano_usd   bigint           not null check (nano_usd >= 0),
    hard       boolean          not null,
    thresholds jsonb            not null,
    enabled    boolean          not null,
    least_role text             not null, -- that may change it
    updated_by text             not null,
    created_at timestamptz      not null,
    updated_at timestamptz      not null,
    primary key (account_id, id)
);

-- What is known of a budget that money was asked of. Whoever moves money locks its row. A
-- budget may be one that preferences imply, also of everybody ('').
create table budget_heads (
    account_id text collate "C" not null,
    budget_id  text collate "C" not null,
    version    bigint           not null, -- of the amount
    nano_usd   bigint           not null,
    primary key (account_id, budget_id)
);

-- What is spent in one step of a budget, and what replicas hold to spend. A calendar window
-- has one step, a rolling one many.
create table budget_windows (
    account_id   text collate "C" not null,
    budget_id    text collate "C" not null,
    window_start timestamptz      not null,
    spent        bigint           not null,
    held         bigint           not null,
    primary key (account_id, budget_id, window_start)
);

create table budget_leases (
    account_id   text collate "C" not null,
    budget_id    text collate "C" not null,
    window_start timestamptz      not null,
    replica_id   text collate "C" not null,
    held         bigint           not null,
    spent        bigint           not null, -- ever, as far as it is in the window
    expires_at   timestamptz      not null,
    primary key (account_id, budget_id, window_start, replica_id)
);

create index budget_leases_expiry on budget_leases (expires_at);
create index budget_leases_replica on budget_leases (replica_id);

create table budget_alerts (
    account_id   text collate "C" not null,
    budget_id    text collate "C" not null,
    window_start timestamptz      not null,
    percent      integer          not null,
    projected    boolean          not null,
    team_id      text collate "C" not null,
    user_id      text collate "C" not null,
    key_id       text collate "C" not null,
    model_id     text collate "C" not null,
    actions      jsonb            not null,
    nano_usd     bigint           not null,
    spent        bigint           not null,
    fired_at     timestamptz      not null,
    primary key (account_id, budget_id, window_start, percent, projected)
);

create index budget_alerts_time on budget_alerts (account_id, fired_at);
