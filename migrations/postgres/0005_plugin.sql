-- +goose Up

create table plugins (
    account_id text collate "C" not null, -- '': global
    name       text collate "C" not null,
    version    text collate "C" not null,
    kind       text             not null check (kind in ('rule', 'provider')),
    sha256     bytea            not null check (octet_length(sha256) = 32),
    size       bigint           not null check (size >= 0),
    manifest   text             not null, -- JSON
    active     boolean          not null,
    created_at timestamptz      not null,
    module     bytea            not null,
    primary key (account_id, name, version)
);

create unique index plugins_active on plugins (account_id, name) where active;
