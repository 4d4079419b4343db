-- The activity log: one packed entry per change, and for what changed nothing but should be seen (rule 20).
-- Entry: kind, time, pool, action, credits, quantity, reservation, subject, duplicate, dimensions, metadata (both opaque),
-- details as key-value pairs, `available` of the pool after it.

local host = require("host")
local arith = require("arith")
local unit = require("unit")

local activity = {}

activity.RESERVE, activity.COMMIT, activity.RELEASE, activity.EXPIRE, activity.EXTEND = 1, 2, 3, 4, 5
activity.CHARGE, activity.REFUND, activity.GRANT, activity.REVOKE, activity.GRANT_EXPIRED = 6, 7, 8, 9, 10
activity.RESET, activity.PLAN_CHANGED, activity.THRESHOLD, activity.EXHAUSTED, activity.RESUMED = 11, 12, 13, 14, 15
activity.OVERAGE_STARTED, activity.DENIED, activity.WOULD_DENY, activity.BUDGET, activity.ACCOUNT = 16, 17, 18, 19, 20

local LAYOUT = "<BI8Hc0Hc0I8I8Hc0Hc0BHc0Hc0I8B"
local NONE = {}

-- Writes an entry. `entry` may hold pool, action, credits, quantity, reservation, subject, duplicate, dimensions,
-- metadata, details (a list of key, value, key, value) and after.
function activity.write(account, kind, t, entry)
  local pool, action, reservation = entry.pool or "", entry.action or "", entry.reservation or ""
  local subject, dimensions, metadata = entry.subject or "", entry.dimensions or "", entry.metadata or ""
  local details = entry.details or NONE
  local after = entry.after or 0
  local head = host.pack(LAYOUT, kind, t, #pool, pool, #action, action, entry.credits or 0, entry.quantity or 0,
    #reservation, reservation, #subject, subject, entry.duplicate or 0, #dimensions, dimensions, #metadata, metadata,
    after > 0 and after or 0, #details)
  if #details == 0 then
    unit.emit(account, head)
    return
  end
  local parts = { head }
  for i = 1, #details do
    parts[i + 1] = host.pack("<Hc0", #details[i], details[i])
  end
  unit.emit(account, host.concat(parts))
end

function activity.grant_expired(account, pool, grant, after)
  activity.write(account, activity.GRANT_EXPIRED, grant.expires, {
    pool = pool.name, credits = grant.remaining, after = after, details = { "grant_id", grant.id },
  })
end

local REASONS = { "INSUFFICIENT_CREDITS", "BUDGET_EXCEEDED", "OVERAGE_LIMIT", "NOT_IN_PLAN", "ACCOUNT_SUSPENDED" }

-- Counts a refusal; the first of its pool, reason and cycle is written, the rest are counted for the reset's entry.
function activity.denied(account, pool, t, denial, item)
  local count = pool.denied[denial.reason] + 1
  pool.denied[denial.reason] = count
  pool.seen = t
  unit.put(account, "p:" .. pool.name, pool)
  if count > 1 then
    return
  end
  activity.write(account, activity.DENIED, t, {
    pool = pool.name, action = item.action, credits = denial.required, quantity = item.quantity, subject = item.subject,
    dimensions = item.dimensions, after = denial.available,
    details = { "reason", REASONS[denial.reason], "budget", denial.budget },
  })
end

-- The refusals of a cycle as details of its reset: reason, count, reason, count.
function activity.denied_counts(pool, details)
  for reason = 1, #REASONS do
    if pool.denied[reason] > 0 then
      details[#details + 1] = "denied." .. REASONS[reason]
      details[#details + 1] = arith.text(pool.denied[reason])
    end
  end
  if pool.would_deny > 0 then
    details[#details + 1] = "would_deny"
    details[#details + 1] = arith.text(pool.would_deny)
  end
end

return activity
