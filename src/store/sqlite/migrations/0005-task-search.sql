-- Tasks that went wrong are searched newest first. Only a failure adds an entry: a task that is made, handed out or
-- completed writes what it wrote before. `or`, for SQLite fills a table with a longer `in` list at each statement, which
-- would make every write of a task half as slow again; so it was for runs.

create index task_unsuccessful on task (json_extract(details, '$.scheduledMs'))
  where status = 'FAILED' or status = 'TIMED_OUT' or status = 'FAILED_WITH_TERMINAL_ERROR' or status = 'CANCELED';
drop index run_unsuccessful;
create index run_unsuccessful on run (created_ms)
  where status = 'FAILED' or status = 'TIMED_OUT' or status = 'TERMINATED'
