-- +goose Up

-- Sessions of the dashboard.
create table logins (
    account_id text    not null, -- of the key
    id         text    not null,
    key_id     text    not null,
    digest     blob    not null check (length(digest) = 32), -- SHA-256 of the browser's secret
    created_at integer not null,
    seen_at    integer not null,
    expires_at integer not null,
    primary key (account_id, id),
    foreign key (account_id, key_id) references keys (account_id, id) on delete cascade
) strict;

-- A cookie names no account, so its digest must be one installation-wide.
create unique index logins_digest on logins (digest);
create index logins_of_key on logins (account_id, key_id, created_at);
create index logins_expiry on logins (expires_at);
create index logins_seen on logins (seen_at);
