-- +goose Up

-- The ledger: a row of each attempt, of each correction of one, and of what was spent
-- elsewhere. No foreign keys and no checks, because a row must be kept whatever has become of
-- its account, key or model. Ids that are UUIDs take 17 bytes (host/store/row/id.go), numbers
-- that are mostly 0 are null then.
alter table usage rename to usage_before;
drop index usage_started;
drop index usage_request;

create table usage (
    started_at            integer not null,
    price_from            integer,
    cost_nano_usd         integer not null,
    prompt_tokens         integer not null,
    cached_tokens         integer,
    cache_write_tokens    integer,
    cache_write_1h_tokens integer,
    completion_tokens     integer not null,
    reasoning_tokens      integer,
    premium_use           integer,
    latency_ms            integer not null,
    first_byte_ms         integer,
    attempt               integer not null,
    status                integer not null,
    substituted           integer not null,
    stream                integer not null,
    estimated             integer not null,
    unpriced              integer not null,
    simulated             integer not null,
    account_id            text    not null,
    id                    blob    not null,
    kind                  text    not null,
    corrects              blob    not null,
    request_id            blob    not null,
    team_id               text    not null,
    user_id               text    not null,
    key_id                blob    not null,
    session_id            blob    not null,
    task_type             text    not null,
    model_id              text    not null,
    provider_id           text    not null,
    upstream_id           text    not null,
    source                text    not null,
    price_of              text    not null,
    outcome               text    not null,
    code                  text    not null,
    primary key (account_id, id, started_at)
) strict;

create index usage_started on usage (account_id, started_at, id);
create index usage_request on usage (account_id, request_id);
create index usage_age on usage (started_at);

insert into usage (
    account_id, id, kind, corrects, request_id, attempt, team_id, user_id, key_id, session_id, task_type, model_id,
    provider_id, upstream_id, substituted, source, stream, prompt_tokens, cached_tokens, cache_write_tokens,
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, estimated, cost_nano_usd, price_from, price_of,
    unpriced, premium_use, outcome, status, code, simulated, started_at, latency_ms, first_byte_ms
)
select account_id, cast(id as blob), '', x'', cast(request_id as blob), min(attempt, 32767), team_id, user_id,
       cast(key_id as blob), cast(session_id as blob), '', model_id, provider_id, upstream_id, substituted, source,
       stream, prompt_tokens, nullif(cached_tokens, 0), nullif(cache_write_tokens, 0),
       nullif(cache_write_1h_tokens, 0), completion_tokens, nullif(reasoning_tokens, 0), estimated, cost_nano_usd,
       null, '', unpriced, nullif(premium_use, 0), outcome, max(min(status, 32767), 0), code, simulated, started_at,
       latency_ms, nullif(first_byte_ms, 0)
from usage_before;

-- As row.PackID writes ids.
update usage
set id = unhex('00' || replace(cast(id as text), '-', ''))
where length(id) = 36
  and cast(id as text) glob '????????-????-????-????-????????????'
  and cast(id as text) not glob '*[^0-9a-f-]*'
  and length(replace(cast(id as text), '-', '')) = 32;

update usage
set request_id = unhex('00' || replace(cast(request_id as text), '-', ''))
where length(request_id) = 36
  and cast(request_id as text) glob '????????-????-????-????-????????????'
  and cast(request_id as text) not glob '*[^0-9a-f-]*'
  and length(replace(cast(request_id as text), '-', '')) = 32;

update usage
set key_id = unhex('00' || replace(cast(key_id as text), '-', ''))
where length(key_id) = 36
  and cast(key_id as text) glob '????????-????-????-????-????????????'
  and cast(key_id as text) not glob '*[^0-9a-f-]*'
  and length(replace(cast(key_id as text), '-', '')) = 32;

update usage
set session_id = unhex('00' || replace(cast(session_id as text), '-', ''))
where length(session_id) = 36
  and cast(session_id as text) glob '????????-????-????-????-????????????'
  and cast(session_id as text) not glob '*[^0-9a-f-]*'
  and length(replace(cast(session_id as text), '-', '')) = 32;

drop table usage_before;

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
