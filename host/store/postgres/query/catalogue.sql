-- name: ListProviders :many
select account_id, id, name, adapter, base_url, credential, enabled, created_at, updated_at
from providers
order by account_id, id;

-- name: PutProvider :exec
insert into providers (
    account_id, id, name, adapter, base_url, credential, enabled, created_at, updated_at
) values (
    @account_id, @id, @name, @adapter, @base_url, @credential, @enabled, @created_at, @updated_at
)
on conflict (account_id, id) do update
set name       = excluded.name,
    adapter    = excluded.adapter,
    base_url   = excluded.base_url,
    credential = excluded.credential,
    enabled    = excluded.enabled,
    updated_at = excluded.updated_at;

-- name: ListModels :many
select account_id, id, family, display_name, tier, premium_centi, provider_id, upstream_id, api,
       context_window, max_output, modalities, capabilities, unsupported, rename, fallbacks, source,
       retires_at, replacement, no_substitute, enabled, created_at, updated_at
from models
order by account_id, id;

-- name: PutModel :exec
insert into models (
    account_id, id, family, display_name, tier, premium_centi, provider_id, upstream_id, api, context_window,
    max_output, modalities, capabilities, unsupported, rename, fallbacks, source, retires_at, replacement,
    no_substitute, enabled, created_at, updated_at
) values (
    @account_id, @id, @family, @display_name, @tier, @premium_centi, @provider_id, @upstream_id, @api,
    @context_window, @max_output, @modalities, @capabilities, @unsupported, @rename, @fallbacks, @source,
    @retires_at, @replacement, @no_substitute, @enabled, @created_at, @updated_at
)
on conflict (account_id, id) do update
set family         = excluded.family,
    display_name   = excluded.display_name,
    tier           = excluded.tier,
    premium_centi  = excluded.premium_centi,
    provider_id    = excluded.provider_id,
    upstream_id    = excluded.upstream_id,
    api            = excluded.api,
    context_window = excluded.context_window,
    max_output     = excluded.max_output,
    modalities     = excluded.modalities,
    capabilities   = excluded.capabilities,
    unsupported    = excluded.unsupported,
    rename         = excluded.rename,
    fallbacks      = excluded.fallbacks,
    source         = excluded.source,
    retires_at     = excluded.retires_at,
    replacement    = excluded.replacement,
    no_substitute  = excluded.no_substitute,
    enabled        = excluded.enabled,
    updated_at     = excluded.updated_at;

-- name: ListPrices :many
select account_id, provider_id, upstream_id, valid_from, above_prompt, input, output, cached_input,
       cache_write, cache_write_1h, source
from prices
order by account_id, provider_id, upstream_id, valid_from, above_prompt;

-- name: PutPrice :exec
insert into prices (
    account_id, provider_id, upstream_id, valid_from, above_prompt, input, output, cached_input, cache_write,
    cache_write_1h, source
) values (
    @account_id, @provider_id, @upstream_id, @valid_from, @above_prompt, @input, @output, @cached_input,
    @cache_write, @cache_write_1h, @source
)
on conflict (account_id, provider_id, upstream_id, valid_from, above_prompt) do update
set input          = excluded.input,
    output         = excluded.output,
    cached_input   = excluded.cached_input,
    cache_write    = excluded.cache_write,
    cache_write_1h = excluded.cache_write_1h,
    source         = excluded.source;
