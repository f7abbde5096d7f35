-- +goose Up

-- Each row of the ledger was written to it. Rows of a time are found account by account, by
-- usage_started.
drop index usage_age;
