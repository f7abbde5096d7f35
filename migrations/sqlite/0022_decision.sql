-- +goose Up

-- What was decided on requests. No foreign keys and no checks: a row is kept whatever has
-- become of its account. Ids that are UUIDs take 17 bytes (host/store/row/id.go). What lists
-- are narrowed by has columns, the rest is in data (engine/decision_codec.go).
create table decisions (
    at            integer not null,
    cost_nano_usd integer not null,
    account_id    text    not null,
    request_id    blob    not null, -- callers may choose it: there may be several
    team_id       text    not null,
    user_id       text    not null,
    key_id        blob    not null,
    session_id    blob    not null,
    source        text    not null,
    model_id      text    not null, -- '': nobody served
    provider_id   text    not null,
    code          text    not null, -- '': answered
    variant       text    not null,
    data          blob    not null,
    primary key (account_id, at, request_id)
) strict, without rowid;

create index decisions_request on decisions (account_id, request_id);

create table decision_settings (
    account_id text    not null, -- '': of accounts without a row
    share      integer not null check (share between 0 and 10000),
    keep_text  integer not null check (keep_text in (0, 1)),
    days       integer not null check (days between 1 and 90),
    updated_by text    not null,
    updated_at integer not null,
    primary key (account_id)
) strict;
