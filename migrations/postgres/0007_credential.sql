-- +goose Up

alter table providers add column config text; -- JSON for the adapter, byte for byte as it came
alter table providers add column keyless boolean not null default false;

create table credentials (
    account_id  text collate "C" not null, -- '': of a global provider
    provider_id text collate "C" not null,
    id          text collate "C" not null,
    name        text             not null,
    hint        text             not null, -- the last characters of a long key, to recognise it by
    weight      bigint           not null check (weight >= 1),
    enabled     boolean          not null,
    sealed      bytea            not null, -- the key, encrypted
    seal_key    text             not null, -- which key-encryption key opens it
    version     bigint           not null check (version >= 1), -- of the key: the seal is bound to it
    created_at  timestamptz      not null,
    updated_at  timestamptz      not null,
    primary key (account_id, provider_id, id)
);
