-- +goose Up

-- Who changed which configuration. The entries of an account form a chain of hashes,
-- engine.HashAudit; rows are only ever inserted.
create table audit (
    account_id    text collate "C" not null, -- '': of global rows
    seq           bigint           not null check (seq >= 1),
    at            timestamptz      not null,
    actor_account text             not null,
    actor_user    text             not null,
    actor_key     text             not null,
    actor_role    text             not null,
    request_id    text             not null,
    action        text collate "C" not null,
    object        text             not null,
    reason        text             not null,
    detail        text, -- JSON, byte for byte as it was hashed
    previous      bytea            not null check (octet_length(previous) = 32),
    hash          bytea            not null check (octet_length(hash) = 32),
    primary key (account_id, seq)
);

-- The end of each account's chain, apart from it: else the newest entries could go unseen.
create table audit_heads (
    account_id text collate "C" not null,
    seq        bigint           not null,
    hash       bytea            not null,
    primary key (account_id)
);
