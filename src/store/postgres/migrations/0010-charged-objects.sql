-- What was counted for a vendor object longer ago than memory goes back. Vendors choose the length of their ids, and an
-- index entry has a longest one.
create index charge_object on charge (key_id, left(vendor_object_id, 100)) where vendor_object_id is not null;
