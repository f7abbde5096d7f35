-- +goose Up

-- Row-level security is Postgres's. SQLite has neither roles nor policies: there the account
-- in every query's where is the one wall.
select 1;
