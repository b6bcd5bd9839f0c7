-- Schedules, found by name, and their firings, newest first: of all of them, and of one.
create table schedule (
  name text primary key,
  next_ms bigint not null, -- 0: not to fire while it is as it is
  start_name text not null,
  start_key text, -- idempotency key of its starts
  document text not null
) with (fillfactor = 70);

create table schedule_execution (
  row_id bigint generated always as identity primary key,
  id text not null,
  schedule_name text not null,
  workflow_name text not null,
  workflow_id text,
  state text not null,
  scheduled_ms bigint not null,
  executed_ms bigint not null,
  document text not null
);
create index schedule_execution_executed on schedule_execution (executed_ms, row_id);
create index schedule_execution_of on schedule_execution (schedule_name, executed_ms, row_id);

alter table stamp add column schedules bigint not null default 0;
