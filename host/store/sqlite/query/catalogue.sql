-- name: ListProviders :many
select account_id, id, name, adapter, base_url, credential, enabled, created_at, updated_at, config, keyless
from providers
order by account_id, id;

-- name: PutProvider :exec
insert into providers (
    account_id, id, name, adapter, base_url, credential, enabled, created_at, updated_at, config, keyless
) values (
    @account_id, @id, @name, @adapter, @base_url, @credential, @enabled, @created_at, @updated_at, @config, @keyless
)
on conflict (account_id, id) do update
set name       = excluded.name,
    adapter    = excluded.adapter,
    base_url   = excluded.base_url,
    credential = excluded.credential,
    enabled    = excluded.enabled,
    updated_at = excluded.updated_at,
    config     = excluded.config,
    keyless    = excluded.keyless;

-- name: CreateProvider :exec
insert into providers (
    account_id, id, name, adapter, base_url, credential, enabled, created_at, updated_at, config, keyless
) values (
    @account_id, @id, @name, @adapter, @base_url, @credential, @enabled, @created_at, @updated_at, @config, @keyless
);

-- name: UpdateProvider :execrows
update providers
set name       = @name,
    adapter    = @adapter,
    base_url   = @base_url,
    credential = @credential,
    enabled    = @enabled,
    updated_at = @updated_at,
    config     = @config,
    keyless    = @keyless
where account_id = @account_id
  and id = @id
  and updated_at = coalesce(sqlc.narg('was'), updated_at);

-- name: HasProvider :one
select count(*) from providers where account_id = @account_id and id = @id;

-- name: DeleteProvider :execrows
delete from providers where account_id = @account_id and id = @id;

-- Models that this row serves: its account's, and for a global row those of every
-- account that has no provider of that id itself.
-- name: CountModelsOfProvider :one
select count(*)
from models m
where m.provider_id = @id
  and (m.account_id = @account_id
    or (@account_id = '' and not exists (
        select 1 from providers p where p.account_id = m.account_id and p.id = m.provider_id)));

-- name: DeletePricesOfProvider :exec
delete from prices where account_id = @account_id and provider_id = @provider_id;

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

-- name: CreateModel :exec
insert into models (
    account_id, id, family, display_name, tier, premium_centi, provider_id, upstream_id, api, context_window,
    max_output, modalities, capabilities, unsupported, rename, fallbacks, source, retires_at, replacement,
    no_substitute, enabled, created_at, updated_at
) values (
    @account_id, @id, @family, @display_name, @tier, @premium_centi, @provider_id, @upstream_id, @api,
    @context_window, @max_output, @modalities, @capabilities, @unsupported, @rename, @fallbacks, @source,
    @retires_at, @replacement, @no_substitute, @enabled, @created_at, @updated_at
);

-- name: UpdateModel :execrows
update models
set family         = @family,
    display_name   = @display_name,
    tier           = @tier,
    premium_centi  = @premium_centi,
    provider_id    = @provider_id,
    upstream_id    = @upstream_id,
    api            = @api,
    context_window = @context_window,
    max_output     = @max_output,
    modalities     = @modalities,
    capabilities   = @capabilities,
    unsupported    = @unsupported,
    rename         = @rename,
    fallbacks      = @fallbacks,
    source         = @source,
    retires_at     = @retires_at,
    replacement    = @replacement,
    no_substitute  = @no_substitute,
    enabled        = @enabled,
    updated_at     = @updated_at
where account_id = @account_id
  and id = @id
  and updated_at = coalesce(sqlc.narg('was'), updated_at);

-- name: HasModel :one
select count(*) from models where account_id = @account_id and id = @id;

-- name: DeleteModel :execrows
delete from models where account_id = @account_id and id = @id;

-- name: ListPrices :many
select account_id, provider_id, upstream_id, valid_from, above_prompt, input, output, cached_input,
       cache_write, cache_write_1h, source, reasoning, per_request, per_image
from prices
order by account_id, provider_id, upstream_id, valid_from, above_prompt;

-- name: PutPrice :exec
insert into prices (
    account_id, provider_id, upstream_id, valid_from, above_prompt, input, output, cached_input, cache_write,
    cache_write_1h, source, reasoning, per_request, per_image
) values (
    @account_id, @provider_id, @upstream_id, @valid_from, @above_prompt, @input, @output, @cached_input,
    @cache_write, @cache_write_1h, @source, @reasoning, @per_request, @per_image
)
on conflict (account_id, provider_id, upstream_id, valid_from, above_prompt) do update
set input          = excluded.input,
    output         = excluded.output,
    cached_input   = excluded.cached_input,
    cache_write    = excluded.cache_write,
    cache_write_1h = excluded.cache_write_1h,
    source         = excluded.source,
    reasoning      = excluded.reasoning,
    per_request    = excluded.per_request,
    per_image      = excluded.per_image;

-- name: DeletePriceVersion :execrows
delete from prices
where account_id = @account_id
  and provider_id = @provider_id
  and upstream_id = @upstream_id
  and valid_from = @valid_from;
