-- +goose Up

-- The ledger: one settled row per attempt. No foreign keys and no checks, because
-- a row must be kept whatever has become of its account, key or model.
create table usage (
    account_id            text    not null,
    id                    text    not null,
    request_id            text    not null,
    attempt               integer not null,
    team_id               text    not null,
    user_id               text    not null,
    key_id                text    not null,
    session_id            text    not null,
    model_id              text    not null,
    provider_id           text    not null,
    upstream_id           text    not null,
    substituted           integer not null,
    source                text    not null,
    decision              text    not null,
    stream                integer not null,
    prompt_tokens         integer not null,
    cached_tokens         integer not null,
    cache_write_tokens    integer not null,
    cache_write_1h_tokens integer not null,
    completion_tokens     integer not null,
    reasoning_tokens      integer not null,
    estimated             integer not null,
    cost_nano_usd         integer not null,
    unpriced              integer not null,
    premium_use           integer not null,
    outcome               text    not null,
    status                integer not null,
    code                  text    not null,
    simulated             integer not null,
    started_at            integer not null,
    latency_ms            integer not null,
    first_byte_ms         integer not null,
    primary key (account_id, id)
) strict;

create index usage_started on usage (account_id, started_at, id);
create index usage_request on usage (account_id, request_id);
