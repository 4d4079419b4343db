-- Unique charges (rule 10): a subject is charged once per window; the mark of it is set by the charge, never by a hold.

local unit = require("unit")

local unique = {}

unique.EVERY_TIME, unique.PER_CYCLE, unique.PER_SPAN, unique.FOREVER = 0, 1, 2, 3

local function field_of(item)
  return "m:" .. item.action .. "\0" .. item.subject
end

-- Whether the item's subject has been charged within its window.
function unique.marked(account, item, t)
  if item.once == unique.EVERY_TIME then
    return false
  end
  local mark = unit.get(account, field_of(item))
  return mark and (mark.till == 0 or mark.till > t)
end

-- Marks the item's subject as charged at `t` by a reservation. `cycle_ends` is the end of the cycle charged, 0 where
-- it never ends.
function unique.mark(account, item, reservation_id, cycle_ends, t)
  if item.once == unique.EVERY_TIME then
    return
  end
  local till = 0
  if item.once == unique.PER_CYCLE then
    till = cycle_ends
  elseif item.once == unique.PER_SPAN then
    till = t + item.once_ms
  end
  local drop_at = till ~= 0 and unit.drop_after(account, till - t > 0 and till - t or 0) or 0
  unit.put(account, field_of(item), { till = till, by = reservation_id }, drop_at)
end

-- Forgets the charge, if it was this reservation's.
function unique.unmark(account, item, reservation_id)
  if item.once == unique.EVERY_TIME then
    return
  end
  local field = field_of(item)
  local mark = unit.get(account, field)
  if mark and mark.by == reservation_id then
    unit.put(account, field, false)
  end
end

return unique
