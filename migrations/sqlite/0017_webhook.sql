-- +goose Up

create table webhooks (
    account_id     text    not null, -- '': the operator's
    id             text    not null,
    name           text    not null,
    url            text    not null,
    events         text    not null, -- JSON
    sealed         blob    not null, -- the signing secrets; see host/tenancy/seal.go
    seal_key       text    not null,
    version        integer not null check (version >= 1),
    previous_until integer, -- null: there is one secret
    enabled        integer not null check (enabled in (0, 1)),
    disabled_why   text    not null,
    created_at     integer not null,
    updated_at     integer not null,
    primary key (account_id, id)
) strict;

create table webhook_deliveries (
    account_id  text    not null,
    id          text    not null,
    webhook_id  text    not null,
    kind        text    not null,
    payload     blob    not null, -- as it is sent and signed
    tries       integer not null check (tries >= 0),
    status      integer not null,
    error       text    not null,
    created_at  integer not null,
    next_at     integer, -- null: done, or given up
    done_at     integer,
    taken_until integer, -- a process sends it, and has until then to say what became of it
    primary key (account_id, id),
    foreign key (account_id, webhook_id) references webhooks (account_id, id) on delete cascade
) strict;

create index webhook_deliveries_list on webhook_deliveries (account_id, webhook_id, created_at);
create index webhook_deliveries_due on webhook_deliveries (next_at) where next_at is not null;
create index webhook_deliveries_taken on webhook_deliveries (taken_until) where taken_until is not null;
create index webhook_deliveries_age on webhook_deliveries (created_at);
