-- +goose Up

create table webhooks (
    account_id     text collate "C" not null, -- '': the operator's
    id             text collate "C" not null,
    name           text             not null,
    url            text             not null,
    events         jsonb            not null,
    sealed         bytea            not null, -- the signing secrets; see host/tenancy/seal.go
    seal_key       text             not null,
    version        bigint           not null check (version >= 1),
    previous_until timestamptz, -- null: there is one secret
    enabled        boolean          not null,
    disabled_why   text             not null,
    created_at     timestamptz      not null,
    updated_at     timestamptz      not null,
    primary key (account_id, id)
);

create table webhook_deliveries (
    account_id  text collate "C" not null,
    id          text collate "C" not null,
    webhook_id  text collate "C" not null,
    kind        text             not null,
    payload     bytea            not null, -- as it is sent and signed
    tries       bigint           not null check (tries >= 0),
    status      bigint           not null,
    error       text             not null,
    created_at  timestamptz      not null,
    next_at     timestamptz, -- null: done, or given up
    done_at     timestamptz,
    taken_until timestamptz, -- a process sends it, and has until then to say what became of it
    primary key (account_id, id),
    foreign key (account_id, webhook_id) references webhooks (account_id, id) on delete cascade
);

create index webhook_deliveries_list on webhook_deliveries (account_id, webhook_id, created_at);
create index webhook_deliveries_due on webhook_deliveries (next_at) where next_at is not null;
create index webhook_deliveries_taken on webhook_deliveries (taken_until) where taken_until is not null;
create index webhook_deliveries_age on webhook_deliveries (created_at);
