-- Runs are searched newest first: all of them, those of a name, and those that went wrong. What the first two hold never
-- changes, so that only a start writes to them, at their right edges.

create index run_created on run (created_ms);
create index run_name on run (name, created_ms);
create index run_unsuccessful on run (created_ms) where status in ('FAILED', 'TIMED_OUT', 'TERMINATED')
