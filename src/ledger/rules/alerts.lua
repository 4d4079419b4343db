-- Who should hear what: thresholds, exhausted, resumed, overage (rule 12). Each speaks once per cycle, unless a top-up, a
-- plan change or a reset brings the pool back below it.

local activity = require("activity")
local arith = require("arith")
local grants = require("grants")

local alerts = {}

-- used_percent = consumed / (consumed - overage + remaining), compared in whole numbers.
local function reached(pool, percent)
  if pool.consumed == 0 then
    return false
  end
  local whole = pool.consumed - pool.overage + grants.remaining(pool)
  local least = arith.mul_div_ceil(whole, percent, 100)
  return least ~= nil and pool.consumed >= least
end

local function enforced(pool, t)
  return pool.cap == 0 and pool.enforce_from <= t
end

-- A hard pool is paused when nothing remains of it.
local function check_pause(account, pool, t)
  local remaining = grants.remaining(pool)
  if pool.paused == 0 and remaining == 0 and enforced(pool, t) then
    pool.paused = 1
    activity.write(account, activity.EXHAUSTED, t, { pool = pool.name, credits = pool.consumed })
  elseif pool.paused == 1 and (remaining > 0 or pool.cap == 1) then
    pool.paused = 0
    activity.write(account, activity.RESUMED, t,
      { pool = pool.name, credits = remaining, after = grants.available(pool) })
  end
end

-- Speaks of what the change just made has reached.
function alerts.check(account, pool, t)
  if pool.in_plan == 0 then
    return
  end
  while pool.fired < #pool.alerts and reached(pool, pool.alerts[pool.fired + 1]) do
    pool.fired = pool.fired + 1
    activity.write(account, activity.THRESHOLD, t, {
      pool = pool.name, credits = pool.consumed, after = grants.available(pool),
      details = { "threshold", arith.text(pool.alerts[pool.fired]) },
    })
  end
  check_pause(account, pool, t)
  if pool.over == 0 and pool.overage > 0 then
    pool.over = 1
    activity.write(account, activity.OVERAGE_STARTED, t, { pool = pool.name, credits = pool.overage })
  end
end

-- Arms again what the pool has come back below, then checks.
function alerts.rearm(account, pool, t)
  while pool.fired > 0 and not (pool.alerts[pool.fired] and reached(pool, pool.alerts[pool.fired])) do
    pool.fired = pool.fired - 1
  end
  if pool.overage == 0 then
    pool.over = 0
  end
  alerts.check(account, pool, t)
end

return alerts
