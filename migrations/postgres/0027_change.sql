-- +goose Up

-- What each write of configuration was of, so that whoever has an older revision reads that
-- alone. The newest are kept; who lacks one reads everything.
create table changes (
    account_id text collate "C" not null, -- whose row; '' a global one
    revision   bigint           not null, -- that the write made
    area       text             not null, -- the part of the configuration; '' any
    subject    text             not null, -- which row; '' any of the account's
    write      text             not null, -- by chance, so that two histories with the same numbers differ
    primary key (account_id, revision)
);

create index changes_revision on changes (revision);
