-- Unique charges (rule 10): a subject is charged once per window; the mark of it is set by the charge, never by a hold.

local unit = require("unit")

local unique = {}

unique.EVERY_TIME, unique.PER_CYCLE, unique.PER_SPAN, unique.FOREVER = 0, 1, 2, 3

local function field_of(item)
  return "m:" .. item.action .. "\0" .. item.subject
end

-- Whether the item's subject has been charged within its window: for windows of a cycle, within that `cycle`.
function unique.marked(account, item, cycle, t)
  if item.once == unique.EVERY_TIME then
    return false
  end
  local mark = unit.get(account, field_of(item))
  if mark and item.once == unique.PER_CYCLE then
    return mark.cycle == cycle or mark.earlier == cycle
  end
  return mark and (mark.till == 0 or mark.till > t)
end

-- Marks the item's subject as charged at `t`, in `cycle`, by a reservation. `cycle_ends` is the end of the pool's present
-- cycle, 0 where it never ends. Of cycles, the last two that were charged are known: a hold may end in the next one.
function unique.mark(account, item, reservation_id, cycle, cycle_ends, t)
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
  local before, earlier = unit.get(account, field_of(item)), -1
  if before and before.cycle ~= cycle then
    earlier = before.cycle
    if earlier > cycle then
      cycle, earlier = earlier, cycle
    end
  end
  unit.put(account, field_of(item), { till = till, cycle = cycle, earlier = earlier, by = reservation_id }, drop_at)
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
