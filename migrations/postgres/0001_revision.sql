-- +goose Up

-- One row per installation: what every process watches. A transaction that writes
-- configuration raises it first, which also puts such transactions in a queue.
create table revisions (
    account_id text collate "C" not null,
    value      bigint           not null,
    primary key (account_id)
);

insert into revisions (account_id, value) values ('', 0);

create table settings (
    account_id text collate "C" not null,
    name       text collate "C" not null,
    value      text             not null,
    primary key (account_id, name)
);
