-- +goose Up

-- The ledger: a row of each attempt, of each correction of one, and of what was spent
-- elsewhere. No foreign keys and no checks, because a row must be kept whatever has become of
-- its account, key or model. Ids that are UUIDs take 17 bytes (host/store/row/id.go), numbers
-- that are mostly 0 are null then. Wide columns of one width come first: no gaps between them.
alter table usage rename to usage_before;
alter table usage_before rename constraint usage_pkey to usage_before_pkey;
drop index usage_started;
drop index usage_request;

create table usage (
    started_at            timestamptz      not null,
    price_from            timestamptz,
    cost_nano_usd         bigint           not null,
    prompt_tokens         bigint           not null,
    cached_tokens         bigint,
    cache_write_tokens    bigint,
    cache_write_1h_tokens bigint,
    completion_tokens     bigint           not null,
    reasoning_tokens      bigint,
    premium_use           bigint,
    latency_ms            bigint           not null,
    first_byte_ms         bigint,
    attempt               smallint         not null,
    status                smallint         not null,
    substituted           boolean          not null,
    stream                boolean          not null,
    estimated             boolean          not null,
    unpriced              boolean          not null,
    simulated             boolean          not null,
    account_id            text collate "C" not null,
    id                    bytea            not null,
    kind                  text             not null,
    corrects              bytea            not null,
    request_id            bytea            not null,
    team_id               text             not null,
    user_id               text             not null,
    key_id                bytea            not null,
    session_id            bytea            not null,
    task_type             text             not null,
    model_id              text             not null,
    provider_id           text             not null,
    upstream_id           text             not null,
    source                text             not null,
    price_of              text             not null,
    outcome               text             not null,
    code                  text             not null,
    primary key (account_id, id, started_at)
) partition by range (started_at);

create index usage_started on usage (account_id, started_at, id);
create index usage_request on usage (account_id, request_id);

-- Makes the partition of a day in UTC, unless it is there. It is attached when it is whole,
-- so that whoever writes to other days does not wait. tenant is the role that
-- protect_rows takes; empty: there is none.
-- +goose StatementBegin
create function make_usage_day(day date, tenant text) returns void
language plpgsql as $$
declare
    name text := 'usage_' || to_char(day, 'YYYYMMDD');
begin
    perform pg_advisory_xact_lock(hashtext('pointsman usage days'), hashtext(current_schema()));
    if to_regclass(format('%I.%I', current_schema(), name)) is not null then
        return;
    end if;
    execute format('create table %I (like usage including defaults including constraints)', name);
    if tenant <> '' then
        perform protect_rows(name, tenant, false, true);
    end if;
    execute format('alter table usage attach partition %I for values from (%L) to (%L)', name,
        to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
end
$$;
-- +goose StatementEnd

-- Drops the partitions of days that ended before that time.
-- +goose StatementBegin
create function drop_usage_days(before timestamptz) returns void
language plpgsql as $$
declare
    name text;
begin
    perform pg_advisory_xact_lock(hashtext('pointsman usage days'), hashtext(current_schema()));
    for name in
        select c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = format('%I.usage', current_schema())::regclass
          and to_date(right(c.relname, 8), 'YYYYMMDD') < (before at time zone 'UTC')::date
        order by c.relname
    loop
        execute format('drop table %I', name);
    end loop;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
do $$
declare
    day date;
begin
    perform make_usage_day((now() at time zone 'UTC')::date, '');
    for day in select distinct (started_at at time zone 'UTC')::date from usage_before
    loop
        perform make_usage_day(day, '');
    end loop;
end
$$;
-- +goose StatementEnd

-- As row.PackID writes ids.
-- +goose StatementBegin
create function pack_id(id text) returns bytea
language sql immutable as $$
    select case when id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        then decode('00' || replace(id, '-', ''), 'hex')
        else convert_to(id, 'UTF8') end
$$;
-- +goose StatementEnd

insert into usage (
    account_id, id, kind, corrects, request_id, attempt, team_id, user_id, key_id, session_id, task_type, model_id,
    provider_id, upstream_id, substituted, source, stream, prompt_tokens, cached_tokens, cache_write_tokens,
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, estimated, cost_nano_usd, price_from, price_of,
    unpriced, premium_use, outcome, status, code, simulated, started_at, latency_ms, first_byte_ms
)
select account_id, pack_id(id), '', '', pack_id(request_id), least(attempt, 32767), team_id, user_id, pack_id(key_id),
       pack_id(session_id), '', model_id, provider_id, upstream_id, substituted, source, stream, prompt_tokens,
       nullif(cached_tokens, 0), nullif(cache_write_tokens, 0), nullif(cache_write_1h_tokens, 0), completion_tokens,
       nullif(reasoning_tokens, 0), estimated, cost_nano_usd, null, '', unpriced, nullif(premium_use, 0), outcome,
       greatest(least(status, 32767), 0), code, simulated, started_at, latency_ms, nullif(first_byte_ms, 0)
from usage_before;

drop function pack_id;
drop table usage_before;

-- A sum that is too large stays the largest there is: an error would keep a batch of rows
-- from being stored for ever.
-- +goose StatementBegin
create function saturated(a bigint, b bigint) returns bigint
language sql immutable parallel safe as $$
    select case
        when a between -4611686018427387904 and 4611686018427387903 and b between -4611686018427387904 and 4611686018427387903 then a + b
        else least(greatest(a::numeric + b, -9223372036854775808), 9223372036854775807)::bigint
    end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create function saturated(total numeric) returns bigint
language sql immutable parallel safe as $$
    select least(greatest(total, -9223372036854775808), 9223372036854775807)::bigint
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
    team_id               text collate "C" not null,
    user_id               text collate "C" not null,
    key_id                text collate "C" not null,
    model_id              text collate "C" not null,
    provider_id           text collate "C" not null,
    source                text collate "C" not null,
    task_type             text collate "C" not null,
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
