-- +goose Up

-- What is set at one level: null is not set. The override is the super admin's row for
-- the same tenant.
create table preferences (
    account_id         text    not null, -- '': the whole installation
    team_id            text    not null, -- '': not of a team
    user_id            text    not null, -- '': not of a user
    is_override        integer not null check (is_override in (0, 1)),
    default_model      text,
    model              text,
    allowed_models     text, -- JSON, as the next; an empty list allows none
    blocked_models     text,
    max_tokens_per_day integer check (max_tokens_per_day >= 0),
    max_cost_per_day   integer check (max_cost_per_day >= 0), -- nano-USD
    prefer_vision      integer check (prefer_vision in (0, 1)),
    prefer_speed       integer check (prefer_speed in (0, 1)),
    prefer_cost        integer check (prefer_cost in (0, 1)),
    custom_rules_only  integer check (custom_rules_only in (0, 1)),
    store_text         integer check (store_text in (0, 1)),
    locked             text    not null, -- JSON
    reason             text    not null,
    updated_by         text    not null,
    created_at         integer not null,
    updated_at         integer not null,
    primary key (account_id, team_id, user_id, is_override),
    check (account_id <> '' or (team_id = '' and user_id = '')),
    check (team_id = '' or user_id = '')
) strict;

create table assignments (
    account_id text    not null, -- '': the whole installation
    id         text    not null,
    team_id    text    not null,
    user_id    text    not null,
    task_type  text    not null,
    model      text    not null,
    fallbacks  text    not null, -- JSON, as the next
    allowed    text    not null, -- an empty list allows any
    priority   integer not null check (priority between 0 and 10000),
    expression text    not null, -- '': always
    expires_at integer,
    locked     integer not null check (locked in (0, 1)),
    enabled    integer not null check (enabled in (0, 1)),
    updated_by text    not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (account_id, id),
    check (account_id <> '' or (team_id = '' and user_id = '')),
    check (team_id = '' or user_id = '')
) strict;
