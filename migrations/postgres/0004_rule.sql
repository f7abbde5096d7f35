-- +goose Up

create table rules (
    account_id         text collate "C" not null, -- '': global
    id                 text collate "C" not null,
    name               text             not null,
    description        text             not null,
    priority           bigint           not null check (priority between 0 and 10000),
    expression         text             not null, -- '': a plugin decides
    plugin             text             not null, -- '': the expression decides
    config             text, -- JSON for the plugin, byte for byte as it came
    target             text             not null,
    fallbacks          jsonb            not null,
    only_listed        boolean          not null,
    on_failure         text             not null check (on_failure in ('', 'skip', 'refuse')),
    continue_after_cut boolean          not null,
    enabled            boolean          not null,
    is_system          boolean          not null,
    team_id            text             not null,
    created_at         timestamptz      not null,
    updated_at         timestamptz      not null,
    primary key (account_id, id),
    check ((expression = '') <> (plugin = ''))
);
