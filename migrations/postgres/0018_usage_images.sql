-- +goose Up

-- How many images a request had: what a price for images is a price of. Rows of before have
-- none. Null where there are none.
alter table usage add column images bigint;

-- A sum is written again with every batch: a new version of a row that finds no room on its
-- page costs an entry in each index. With much room, a batch costs less than half.
alter table usage_rollups set (fillfactor = 40);
