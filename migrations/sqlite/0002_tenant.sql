-- +goose Up

create table accounts (
    account_id text    not null check (account_id <> ''),
    name       text    not null,
    created_at integer not null, -- this and every time: milliseconds since 1970, UTC
    primary key (account_id)
) strict;

create table users (
    account_id text    not null references accounts (account_id),
    id         text    not null,
    team_id    text    not null,
    name       text    not null,
    role       text    not null check (role in ('super_admin', 'account_admin', 'team_lead', 'user')),
    created_at integer not null,
    primary key (account_id, id)
) strict;

create table keys (
    account_id text    not null,
    id         text    not null,
    user_id    text    not null,
    name       text    not null,
    prefix     text    not null,
    digest     blob    not null check (length(digest) = 32),
    created_at integer not null,
    expires_at integer,
    revoked_at integer,
    primary key (account_id, id),
    foreign key (account_id, user_id) references users (account_id, id)
) strict;

-- A presented key names no account, so its digest must be one installation-wide.
create unique index keys_digest on keys (digest);
