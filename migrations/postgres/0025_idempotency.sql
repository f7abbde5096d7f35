-- +goose Up

-- What became of requests that carried an Idempotency-Key, for a day.
create table idempotency_keys (
    account_id  text collate "C" not null,
    digest      bytea            not null check (length(digest) = 32),      -- SHA-256 of the key
    fingerprint bytea            not null check (length(fingerprint) = 32), -- SHA-256 of what was asked for
    claim_id    text             not null,                                  -- of whoever answers it
    request_id  text             not null,
    state       text             not null check (state in ('claimed', 'answered', 'lost')),
    seal_key    text             not null,
    sealed      bytea            not null, -- the answer; empty unless answered
    size        bigint           not null check (size >= 0), -- of sealed
    created_at  timestamptz      not null,
    lease_until timestamptz      not null, -- whoever claimed it has ended by then, or died
    primary key (account_id, digest),
    foreign key (account_id) references accounts (account_id) on delete cascade
);

create index idempotency_keys_age on idempotency_keys (created_at);

-- To count an account's without reading their answers.
create index idempotency_keys_size on idempotency_keys (account_id, size);
