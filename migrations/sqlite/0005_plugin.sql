-- +goose Up

create table plugins (
    account_id text    not null, -- '': global
    name       text    not null,
    version    text    not null,
    kind       text    not null check (kind in ('rule', 'provider')),
    sha256     blob    not null check (length(sha256) = 32),
    size       integer not null check (size >= 0),
    manifest   text    not null, -- JSON
    active     integer not null check (active in (0, 1)),
    created_at integer not null,
    module     blob    not null, -- last, so that a list never reads its pages
    primary key (account_id, name, version)
) strict;

create unique index plugins_active on plugins (account_id, name) where active;
