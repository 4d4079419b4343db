-- Cycles (rules 5, 11, 17): a pool's record holds the terms of one cycle; the next is started by a `roll` whose terms the
-- service computed. What was held stays promised, in an era of the cycle that ended.

local activity = require("activity")
local arith = require("arith")
local grants = require("grants")
local holds = require("holds")
local unit = require("unit")

local cycles = {}

-- Promotions (30) and top-ups (40) come after these unless they say otherwise.
local ROLLOVER_PRIORITY, ALLOWANCE_PRIORITY = 10, 20

local TERMS = {
  "kind", "cap", "allowance", "overage_limit", "enforce_from", "rollover_max", "rollover_cycles", "cycle", "starts", "ends",
  "alerts",
}

local function set_terms(pool, terms)
  for i = 1, #TERMS do
    pool[TERMS[i]] = terms[TERMS[i]]
  end
  pool.in_plan = 1
end

local function allowance_grant(pool, amount, remaining)
  return {
    id = "allowance", kind = grants.ALLOWANCE, amount = amount, remaining = remaining, debt = 0,
    priority = ALLOWANCE_PRIORITY, created = pool.starts, expires = pool.ends, note = "",
  }
end

-- Starts the counters of a cycle afresh over the grants that the pool has now.
local function start_counters(pool)
  if pool.kind == 0 then
    local room = arith.MAX - grants.sum(pool.grants)
    local allowance = pool.allowance < room and pool.allowance or room
    grants.insert(pool.grants, allowance_grant(pool, pool.allowance, allowance))
    pool.consumed = 0
  end
  pool.granted = grants.sum(pool.grants)
  pool.overage, pool.uncovered, pool.lapsed = 0, 0, 0
  pool.denied, pool.would_deny, pool.over = { 0, 0, 0, 0, 0 }, 0, 0
end

-- A pool at the start of its account, or of its plan.
function cycles.open(account, terms, t)
  local pool = {
    name = terms.name, seen = t, granted = 0, consumed = 0, held = 0, overage = 0, uncovered = 0, lapsed = 0, fired = 0,
    paused = 0, over = 0, era = 0, denied = { 0, 0, 0, 0, 0 }, would_deny = 0, grants = {}, eras = {}, past = {},
  }
  set_terms(pool, terms)
  start_counters(pool)
  unit.put(account, "p:" .. pool.name, pool)
  return pool
end

-- Keeps the counters of the ending cycle while holds of it are open.
local function keep_past(pool)
  local backing, open = 0, false
  for i = 1, #pool.eras do
    if pool.eras[i].cycle == pool.cycle then
      backing, open = backing + grants.sum(pool.eras[i].pieces), true
    end
  end
  if open then
    pool.past[#pool.past + 1] = {
      cycle = pool.cycle, granted = backing + pool.consumed - pool.overage + pool.lapsed, consumed = pool.consumed,
      overage = pool.overage, uncovered = pool.uncovered, lapsed = pool.lapsed,
    }
  end
end

-- Ends the allowance. Returns what of it rolls over and what lapsed.
local function end_allowance(pool)
  local kept, rolls, lapsed = {}, 0, 0
  for i = 1, #pool.grants do
    local g = pool.grants[i]
    if g.kind == grants.ALLOWANCE then
      if pool.rollover_max >= 0 then
        rolls = g.remaining < pool.rollover_max and g.remaining or pool.rollover_max
      end
      lapsed = lapsed + g.remaining - rolls
    elseif g.remaining > 0 or g.debt > 0 then
      kept[#kept + 1] = g
    end
  end
  pool.grants = kept
  pool.lapsed = pool.lapsed + lapsed
  return rolls, lapsed
end

-- Adds what rolled over: to the grant of earlier cycles where that expires no sooner and no later, else as one of its own.
local function add_rollover(pool, ended, rolls, expires, boundary)
  if rolls == 0 then
    return
  end
  for i = 1, #pool.grants do
    local g = pool.grants[i]
    if g.kind == grants.ROLLOVER and g.expires == expires then
      g.amount, g.remaining = g.amount + rolls, g.remaining + rolls
      return
    end
  end
  grants.insert(pool.grants, {
    id = "rollover." .. arith.text(ended), kind = grants.ROLLOVER, amount = rolls, remaining = rolls, debt = 0,
    priority = ROLLOVER_PRIORITY, created = boundary, expires = expires, note = "",
  })
end

-- Starts the next cycle of a pool of credits at `boundary`, where the last one ended.
local function roll_credits(account, pool, terms, rollover_expires, boundary)
  grants.lapse(account, pool, boundary)
  grants.split_era(pool)
  local rolls, lapsed = end_allowance(pool)
  local details = {
    "cycle", arith.text(pool.cycle), "consumed", arith.text(pool.consumed), "overage", arith.text(pool.overage),
    "lapsed", arith.text(lapsed), "rolled_over", arith.text(rolls),
  }
  activity.denied_counts(pool, details)
  keep_past(pool)
  local ended = pool.cycle
  set_terms(pool, terms)
  pool.fired = 0
  add_rollover(pool, ended, rolls, rollover_expires, boundary)
  start_counters(pool)
  activity.write(account, activity.RESET, boundary, {
    pool = pool.name, credits = pool.allowance, after = grants.available(pool), details = details,
  })
end

-- Starts the cycle that `terms` describe. Capacity has no cycle: only its terms change.
function cycles.roll(account, pool, terms, rollover_expires, boundary)
  if pool.kind == 0 and terms.kind == 0 then
    roll_credits(account, pool, terms, rollover_expires, boundary)
  else
    set_terms(pool, terms)
  end
  holds.save_pools(account, { pool }, boundary, true)
end

-- The allowance of a pool, taken out of its grants; and what of it is used.
local function take_allowance(pool)
  local grant, index = grants.find(pool.grants, "allowance")
  if not grant then
    return 0, 0
  end
  table.remove(pool.grants, index)
  return grant.amount - grant.remaining, grant.remaining
end

-- Puts a pool under other terms within its cycle: the allowance is replaced, what was consumed stays consumed, top-ups
-- stay (rule 17). Open holds keep what they were promised; a smaller allowance is indebted to them.
function cycles.retarget(account, pool, terms, t)
  if pool.kind == 1 or terms.kind == 1 then
    set_terms(pool, terms)
    holds.save_pools(account, { pool }, t, true)
    return
  end
  grants.lapse(account, pool, t)
  grants.split_era(pool)
  -- Of the old allowance, `used` is spent or kept by holds; `rest` goes.
  local used, rest = take_allowance(pool)
  set_terms(pool, terms)
  local left = terms.allowance - used
  local debt = left < 0 and -left or 0
  left = left > 0 and left or 0
  local absorbed = pool.overage < left and pool.overage or left
  pool.overage = pool.overage - absorbed
  local grant = allowance_grant(pool, terms.allowance, left - absorbed)
  grant.amount = used + left
  grant.debt = debt
  grants.insert(pool.grants, grant)
  pool.granted = pool.granted - rest + left
  holds.save_pools(account, { pool }, t, true)
end

-- Takes a pool out of the plan: its allowance goes, top-ups stay for a plan that lists it again.
function cycles.retire(account, pool, t)
  grants.split_era(pool)
  for i = 1, #pool.grants do
    local g = pool.grants[i]
    if g.kind == grants.ALLOWANCE or g.kind == grants.ROLLOVER then
      pool.lapsed = pool.lapsed + g.remaining
      g.amount, g.remaining = g.amount - g.remaining, 0
    end
  end
  pool.in_plan, pool.allowance, pool.ends, pool.seen = 0, 0, 0, t
  unit.put(account, "p:" .. pool.name, pool)
end

return cycles
