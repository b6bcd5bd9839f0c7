-- Runs are searched newest first: all of them, those of a name, and those that went wrong.
create index run_created on run (created_ms, row_id);
create index run_name on run (left(name, 200), created_ms, row_id);
create index run_unsuccessful on run (created_ms, row_id) where status in ('FAILED', 'TIMED_OUT', 'TERMINATED');
