-- Schedules, found by name, and their firings, newest first: of all of them, and of one.
create table schedule (
  name text primary key,
  next_ms integer not null, -- 0: not to fire while it is as it is
  start_name text not null,
  start_key text, -- idempotency key of its starts
  document text not null
);

create table schedule_execution (
  row_id integer primary key,
  id text not null,
  schedule_name text not null,
  workflow_name text not null,
  workflow_id text,
  state text not null,
  scheduled_ms integer not null,
  executed_ms integer not null,
  document text not null
);
create index schedule_execution_executed on schedule_execution (executed_ms, row_id);
create index schedule_execution_of on schedule_execution (schedule_name, executed_ms, row_id);
