-- Tasks that went wrong are searched newest first. Only a failure adds an entry. The time is found in the text, as in
-- statements: the texts before it escape their quotes.
create index task_unsuccessful on task ((substring(details from '"scheduledMs":([0-9]{1,16})')::bigint), row_id)
  where status = 'FAILED' or status = 'TIMED_OUT' or status = 'FAILED_WITH_TERMINAL_ERROR' or status = 'CANCELED';
