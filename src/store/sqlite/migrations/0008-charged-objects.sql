-- What was counted for a vendor object longer ago than memory goes back.
create index charge_object on charge (key_id, vendor_object_id) where vendor_object_id is not null
