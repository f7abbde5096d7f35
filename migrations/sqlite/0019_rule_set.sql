-- +goose Up

-- One row per change of an account's rules.
create table rule_sets (
    account_id text    not null, -- '': the global rules
    version    integer not null check (version >= 1),
    digest     text    not null,
    rule_count integer not null check (rule_count >= 0),
    note       text    not null,
    made_by    text    not null, -- account/user; '': the seed
    restores   integer not null check (restores >= 0), -- 0: no other version
    created_at integer not null,
    primary key (account_id, version)
) strict;

-- What a rule was, from the version since to the one before until.
create table rule_set_rules (
    account_id text    not null,
    id         text    not null,
    since      integer not null,
    until      integer check (until > since), -- null: it still is
    body       text    not null, -- JSON
    primary key (account_id, id, since)
) strict;

create index rule_set_rules_until on rule_set_rules (account_id, until);

create table rule_cases (
    account_id  text    not null, -- '': of the global rules
    id          text    not null,
    name        text    not null,
    request     text    not null, -- JSON, byte for byte as it came
    given       text, -- JSON
    want_source text    not null,
    want_model  text    not null,
    want_code   text    not null,
    created_at  integer not null,
    updated_at  integer not null,
    primary key (account_id, id)
) strict;
