-- A charge's document keeps what never changes; what a settlement changes has columns. Null amount_micros: a row from
-- before, not changed since, whose document is whole.
alter table charge drop column fingerprint;
alter table charge add column amount_micros integer;
alter table charge add column settled_ms integer;
alter table charge add column attempt integer;
alter table charge add column body text;
alter table charge add column vendor_object_id text
