-- +goose Up

-- A session id is its user's own: two users may send the same one. No foreign keys, as
-- in usage: rows expire, and must be storable whatever has become of the user.
create table sessions (
    account_id text collate "C" not null,
    user_id    text collate "C" not null,
    id         text collate "C" not null,
    turns      bigint           not null check (turns >= 0),
    model      text             not null,
    agent      text             not null,
    created_at timestamptz      not null,
    updated_at timestamptz      not null,
    expires_at timestamptz      not null,
    primary key (account_id, user_id, id)
);

create index sessions_account on sessions (account_id, updated_at, user_id, id);
create index sessions_user on sessions (account_id, user_id, updated_at, id);
create index sessions_expiry on sessions (expires_at);

-- Ids sort by time, so the key gives a session's newest rows here and below.
create table session_notes (
    account_id text collate "C" not null,
    user_id    text collate "C" not null,
    session_id text collate "C" not null,
    id         text collate "C" not null,
    type       text             not null check (type in ('context', 'handoff', 'summary', 'preference', 'error')),
    text       text             not null,
    agent      text             not null,
    model      text             not null,
    created_at timestamptz      not null,
    expires_at timestamptz      not null,
    primary key (account_id, user_id, session_id, id)
);

create index session_notes_expiry on session_notes (expires_at);

create table agent_handoffs (
    account_id text collate "C" not null,
    user_id    text collate "C" not null,
    session_id text collate "C" not null,
    id         text collate "C" not null,
    request_id text             not null,
    from_agent text             not null,
    to_agent   text             not null,
    from_model text             not null,
    to_model   text             not null,
    reason     text             not null check (reason in ('routing', 'failover', 'agent')),
    detail     text             not null,
    summary    text             not null,
    notes      bigint           not null check (notes >= 0),
    created_at timestamptz      not null,
    primary key (account_id, user_id, session_id, id)
);

create index agent_handoffs_age on agent_handoffs (created_at);
