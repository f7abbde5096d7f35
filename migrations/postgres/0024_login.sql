-- +goose Up

-- Sessions of the dashboard.
create table logins (
    account_id text collate "C" not null, -- of the key
    id         text collate "C" not null,
    key_id     text collate "C" not null,
    digest     bytea            not null check (length(digest) = 32), -- SHA-256 of the browser's secret
    created_at timestamptz      not null,
    seen_at    timestamptz      not null,
    expires_at timestamptz      not null,
    primary key (account_id, id),
    foreign key (account_id, key_id) references keys (account_id, id) on delete cascade
);

-- A cookie names no account, so its digest must be one installation-wide.
create unique index logins_digest on logins (digest);
create index logins_of_key on logins (account_id, key_id, created_at);
create index logins_expiry on logins (expires_at);
create index logins_seen on logins (seen_at);
