-- Replicas look every few seconds for who has polled lately; workers with random names leave many rows behind.
create index poll_last on poll (last_poll_ms);
