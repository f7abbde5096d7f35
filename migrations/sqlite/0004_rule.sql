-- +goose Up

create table rules (
    account_id         text    not null, -- '': global
    id                 text    not null,
    name               text    not null,
    description        text    not null,
    priority           integer not null check (priority between 0 and 10000),
    expression         text    not null, -- '': a plugin decides
    plugin             text    not null, -- '': the expression decides
    config             text, -- JSON for the plugin, byte for byte as it came
    target             text    not null,
    fallbacks          text    not null, -- JSON
    only_listed        integer not null check (only_listed in (0, 1)),
    on_failure         text    not null check (on_failure in ('', 'skip', 'refuse')),
    continue_after_cut integer not null check (continue_after_cut in (0, 1)),
    enabled            integer not null check (enabled in (0, 1)),
    is_system          integer not null check (is_system in (0, 1)),
    team_id            text    not null,
    created_at         integer not null,
    updated_at         integer not null,
    primary key (account_id, id),
    check ((expression = '') <> (plugin = ''))
) strict;
