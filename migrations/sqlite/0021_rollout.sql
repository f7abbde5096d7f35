-- +goose Up

-- Drafts of rules that are tried on live traffic.
create table rollouts (
    account_id text    not null, -- '': of the global rules
    id         text    not null,
    kind       text    not null check (kind in ('shadow', 'canary')),
    status     text    not null,
    rules      text, -- JSON, a list of rules as rule_set_rules has them; null: a plugin's version is tried
    plugin     text    not null,
    version    text    not null, -- of the plugin
    base       integer not null, -- version of the rule set that the draft was made from
    share      integer not null check (share between 1 and 10000), -- basis points
    guards     text    not null, -- JSON
    note       text    not null,
    reason     text    not null,
    made_by    text    not null, -- account/user
    created_at integer not null,
    updated_at integer not null,
    ended_at   integer, -- null: it runs
    primary key (account_id, id)
) strict;

create unique index rollouts_running on rollouts (account_id, kind) where ended_at is null;

-- What one process has counted of a rollout.
create table rollout_stats (
    account_id text    not null,
    rollout_id text    not null,
    process    text    not null,
    stats      text    not null, -- JSON
    updated_at integer not null,
    primary key (account_id, rollout_id, process),
    foreign key (account_id, rollout_id) references rollouts (account_id, id) on delete cascade
) strict;
