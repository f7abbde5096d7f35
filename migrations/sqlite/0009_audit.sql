-- +goose Up

-- Who changed which configuration. The entries of an account form a chain of hashes,
-- engine.HashAudit; rows are only ever inserted.
create table audit (
    account_id    text    not null, -- '': of global rows
    seq           integer not null check (seq >= 1),
    at            integer not null,
    actor_account text    not null,
    actor_user    text    not null,
    actor_key     text    not null,
    actor_role    text    not null,
    request_id    text    not null,
    action        text    not null,
    object        text    not null,
    reason        text    not null,
    detail        text, -- JSON, byte for byte as it was hashed
    previous      blob    not null check (length(previous) = 32),
    hash          blob    not null check (length(hash) = 32),
    primary key (account_id, seq)
) strict;

-- The end of each account's chain, apart from it: else the newest entries could go unseen.
create table audit_heads (
    account_id text    not null,
    seq        integer not null,
    hash       blob    not null,
    primary key (account_id)
) strict;
