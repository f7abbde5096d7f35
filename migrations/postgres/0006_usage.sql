-- +goose Up

-- The ledger: one settled row per attempt. No foreign keys and no checks, because
-- a row must be kept whatever has become of its account, key or model.
create table usage (
    account_id            text collate "C" not null,
    id                    text collate "C" not null,
    request_id            text collate "C" not null,
    attempt               bigint           not null,
    team_id               text             not null,
    user_id               text             not null,
    key_id                text             not null,
    session_id            text             not null,
    model_id              text             not null,
    provider_id           text             not null,
    upstream_id           text             not null,
    substituted           boolean          not null,
    source                text             not null,
    decision              text             not null,
    stream                boolean          not null,
    prompt_tokens         bigint           not null,
    cached_tokens         bigint           not null,
    cache_write_tokens    bigint           not null,
    cache_write_1h_tokens bigint           not null,
    completion_tokens     bigint           not null,
    reasoning_tokens      bigint           not null,
    estimated             boolean          not null,
    cost_nano_usd         bigint           not null,
    unpriced              boolean          not null,
    premium_use           bigint           not null,
    outcome               text             not null,
    status                bigint           not null,
    code                  text             not null,
    simulated             boolean          not null,
    started_at            timestamptz      not null,
    latency_ms            bigint           not null,
    first_byte_ms         bigint           not null,
    primary key (account_id, id)
);

create index usage_started on usage (account_id, started_at, id);
create index usage_request on usage (account_id, request_id);
