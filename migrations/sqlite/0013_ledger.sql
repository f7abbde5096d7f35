-- +goose Up

-- Sums over usage, written in the transaction that adds its rows. latency and first_byte are
-- pairs of bucket and count (host/store/row/latency.go), so that a list of them put together
-- is their sum.
create table usage_rollups (
    account_id            text    not null,
    grain                 text    not null, -- minute, hour, day
    starts_at             integer not null, -- of the step
    digest                blob    not null, -- of the seven that follow
    team_id               text    not null,
    user_id               text    not null,
    key_id                text    not null,
    model_id              text    not null,
    provider_id           text    not null,
    source                text    not null,
    task_type             text    not null,
    requests              integer not null,
    attempts              integer not null,
    errors                integer not null,
    prompt_tokens         integer not null,
    cached_tokens         integer not null,
    cache_write_tokens    integer not null,
    cache_write_1h_tokens integer not null,
    completion_tokens     integer not null,
    reasoning_tokens      integer not null,
    cost_nano_usd         integer not null,
    premium_use           integer not null,
    estimated             integer not null,
    unpriced              integer not null,
    latency               text    not null,
    first_byte            text    not null,
    primary key (account_id, grain, starts_at, digest)
) strict, without rowid;

create index usage_rollups_step on usage_rollups (grain, starts_at);
