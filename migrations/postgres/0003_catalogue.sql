-- +goose Up

create table providers (
    account_id text collate "C" not null, -- '': global
    id         text collate "C" not null,
    name       text             not null,
    adapter    text             not null,
    base_url   text             not null,
    credential text             not null, -- where the key is from, never the key
    enabled    boolean          not null,
    created_at timestamptz      not null,
    updated_at timestamptz      not null,
    primary key (account_id, id)
);

create table models (
    account_id     text collate "C" not null, -- '': global
    id             text collate "C" not null,
    family         text             not null,
    display_name   text             not null,
    tier           text             not null,
    premium_centi  bigint           not null check (premium_centi >= 0),
    provider_id    text collate "C" not null,
    upstream_id    text collate "C" not null,
    api            text             not null,
    context_window bigint           not null check (context_window >= 0),
    max_output     bigint           not null check (max_output >= 0),
    modalities     jsonb            not null,
    capabilities   jsonb            not null,
    unsupported    jsonb            not null,
    rename         jsonb            not null,
    fallbacks      jsonb            not null,
    source         text             not null,
    retires_at     timestamptz,
    replacement    jsonb,
    no_substitute  boolean          not null,
    enabled        boolean          not null,
    created_at     timestamptz      not null,
    updated_at     timestamptz      not null,
    primary key (account_id, id)
);

-- Money is integer nano-USD per million tokens; null: the vendor names no such price.
create table prices (
    account_id     text collate "C" not null, -- '': global
    provider_id    text collate "C" not null,
    upstream_id    text collate "C" not null,
    valid_from     timestamptz      not null,
    above_prompt   bigint           not null check (above_prompt >= 0),
    input          bigint           not null check (input >= 0),
    output         bigint           not null check (output >= 0),
    cached_input   bigint           check (cached_input >= 0),
    cache_write    bigint           check (cache_write >= 0),
    cache_write_1h bigint           check (cache_write_1h >= 0),
    source         text             not null,
    primary key (account_id, provider_id, upstream_id, valid_from, above_prompt)
);
