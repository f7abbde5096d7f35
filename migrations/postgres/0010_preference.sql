-- +goose Up

-- What is set at one level: null is not set. The override is the super admin's row for
-- the same tenant.
create table preferences (
    account_id         text collate "C" not null, -- '': the whole installation
    team_id            text collate "C" not null, -- '': not of a team
    user_id            text collate "C" not null, -- '': not of a user
    is_override        boolean          not null,
    default_model      text,
    model              text,
    allowed_models     jsonb, -- an empty list allows none
    blocked_models     jsonb,
    max_tokens_per_day bigint           check (max_tokens_per_day >= 0),
    max_cost_per_day   bigint           check (max_cost_per_day >= 0), -- nano-USD
    prefer_vision      boolean,
    prefer_speed       boolean,
    prefer_cost        boolean,
    custom_rules_only  boolean,
    store_text         boolean,
    locked             jsonb            not null,
    reason             text             not null,
    updated_by         text             not null,
    created_at         timestamptz      not null,
    updated_at         timestamptz      not null,
    primary key (account_id, team_id, user_id, is_override),
    check (account_id <> '' or (team_id = '' and user_id = '')),
    check (team_id = '' or user_id = '')
);

create table assignments (
    account_id text collate "C" not null, -- '': the whole installation
    id         text collate "C" not null,
    team_id    text collate "C" not null,
    user_id    text collate "C" not null,
    task_type  text             not null,
    model      text             not null,
    fallbacks  jsonb            not null,
    allowed    jsonb            not null, -- an empty list allows any
    priority   bigint           not null check (priority between 0 and 10000),
    expression text             not null, -- '': always
    expires_at timestamptz,
    locked     boolean          not null,
    enabled    boolean          not null,
    updated_by text             not null,
    created_at timestamptz      not null,
    updated_at timestamptz      not null,
    primary key (account_id, id),
    check (account_id <> '' or (team_id = '' and user_id = '')),
    check (team_id = '' or user_id = '')
);
