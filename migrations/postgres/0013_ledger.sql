-- +goose Up

-- A sum that is too large stays the largest there is: an error would keep a batch of rows
-- from being stored for ever.
-- +goose StatementBegin
create function saturated(a bigint, b bigint) returns bigint
language sql immutable parallel safe as $$
    select least(greatest(a::numeric + b, -9223372036854775808), 9223372036854775807)::bigint
$$;
-- +goose StatementEnd

-- Sums over usage, written in the transaction that adds its rows. latency and first_byte are
-- 32 counters of 12 decimal digits each (host/store/row/latency.go), so that sums of them are
-- sums of the counters.
create table usage_rollups (
    account_id            text collate "C" not null,
    grain                 text collate "C" not null, -- minute, hour, day
    starts_at             timestamptz      not null, -- of the step
    digest                bytea            not null, -- of the seven that follow
    team_id               text             not null,
    user_id               text             not null,
    key_id                text             not null,
    model_id              text             not null,
    provider_id           text             not null,
    source                text             not null,
    task_type             text             not null,
    requests              bigint           not null,
    attempts              bigint           not null,
    errors                bigint           not null,
    prompt_tokens         bigint           not null,
    cached_tokens         bigint           not null,
    cache_write_tokens    bigint           not null,
    cache_write_1h_tokens bigint           not null,
    completion_tokens     bigint           not null,
    reasoning_tokens      bigint           not null,
    cost_nano_usd         bigint           not null,
    premium_use           bigint           not null,
    estimated             bigint           not null,
    unpriced              bigint           not null,
    latency               numeric          not null,
    first_byte            numeric          not null,
    primary key (account_id, grain, starts_at, digest)
) with (fillfactor = 80); -- room for new versions of a row on its own page

create index usage_rollups_step on usage_rollups (grain, starts_at);
