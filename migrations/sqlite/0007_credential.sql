-- +goose Up

alter table providers add column config text; -- JSON for the adapter, byte for byte as it came
alter table providers add column keyless integer not null default 0 check (keyless in (0, 1));

create table credentials (
    account_id  text    not null, -- '': of a global provider
    provider_id text    not null,
    id          text    not null,
    name        text    not null,
    hint        text    not null, -- the last characters of a long key, to recognise it by
    weight      integer not null check (weight >= 1),
    enabled     integer not null check (enabled in (0, 1)),
    sealed      blob    not null, -- the key, encrypted
    seal_key    text    not null, -- which key-encryption key opens it
    version     integer not null check (version >= 1), -- of the key: the seal is bound to it
    created_at  integer not null,
    updated_at  integer not null,
    primary key (account_id, provider_id, id)
) strict;
