-- +goose Up

create table providers (
    account_id text    not null, -- '': global
    id         text    not null,
    name       text    not null,
    adapter    text    not null,
    base_url   text    not null,
    credential text    not null, -- where the key is from, never the key
    enabled    integer not null check (enabled in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    primary key (account_id, id)
) strict;

create table models (
    account_id     text    not null, -- '': global
    id             text    not null,
    family         text    not null,
    display_name   text    not null,
    tier           text    not null,
    premium_centi  integer not null check (premium_centi >= 0),
    provider_id    text    not null,
    upstream_id    text    not null,
    api            text    not null,
    context_window integer not null check (context_window >= 0),
    max_output     integer not null check (max_output >= 0),
    modalities     text    not null, -- JSON, as the four below
    capabilities   text    not null,
    unsupported    text    not null,
    rename         text    not null,
    fallbacks      text    not null,
    source         text    not null,
    retires_at     integer,
    replacement    text, -- JSON
    no_substitute  integer not null check (no_substitute in (0, 1)),
    enabled        integer not null check (enabled in (0, 1)),
    created_at     integer not null,
    updated_at     integer not null,
    primary key (account_id, id)
) strict;

-- Money is integer nano-USD per million tokens; null: the vendor names no such price.
create table prices (
    account_id     text    not null, -- '': global
    provider_id    text    not null,
    upstream_id    text    not null,
    valid_from     integer not null,
    above_prompt   integer not null check (above_prompt >= 0),
    input          integer not null check (input >= 0),
    output         integer not null check (output >= 0),
    cached_input   integer check (cached_input >= 0),
    cache_write    integer check (cache_write >= 0),
    cache_write_1h integer check (cache_write_1h >= 0),
    source         text    not null,
    primary key (account_id, provider_id, upstream_id, valid_from, above_prompt)
) strict;
