-- +goose Up

create table accounts (
    account_id text collate "C" not null check (account_id <> ''),
    name       text             not null,
    created_at timestamptz      not null,
    primary key (account_id)
);

create table users (
    account_id text collate "C" not null references accounts (account_id),
    id         text collate "C" not null,
    team_id    text collate "C" not null,
    name       text             not null,
    role       text             not null check (role in ('super_admin', 'account_admin', 'team_lead', 'user')),
    created_at timestamptz      not null,
    primary key (account_id, id)
);

create table keys (
    account_id text collate "C" not null,
    id         text collate "C" not null,
    user_id    text collate "C" not null,
    name       text             not null,
    prefix     text             not null,
    digest     bytea            not null check (octet_length(digest) = 32),
    created_at timestamptz      not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (account_id, id),
    foreign key (account_id, user_id) references users (account_id, id)
);

-- A presented key names no account, so its digest must be one installation-wide.
create unique index keys_digest on keys (digest);
