-- Whether items may be held: prices, duplicates, caps, budgets, partial grants (rules 2, 3, 9, 10, 13, 16, 18).
-- Decides only: nothing is held here. Grants that have expired are ended on the way, for that is true in any case.

local activity = require("activity")
local alerts = require("alerts")
local arith = require("arith")
local budgets = require("budgets")
local grants = require("grants")
local unique = require("unique")
local unit = require("unit")

local decide = {}

decide.INSUFFICIENT_CREDITS, decide.BUDGET_EXCEEDED, decide.OVERAGE_LIMIT = 1, 2, 3
decide.NOT_IN_PLAN, decide.ACCOUNT_SUSPENDED = 4, 5

-- A pool that the plan does not list and the account never had; kept only to count refusals.
local function absent_pool(name, t)
  return {
    name = name, in_plan = 0, kind = 0, cap = 0, allowance = 0, overage_limit = -1, enforce_from = 0, rollover_max = -1,
    rollover_cycles = 0, cycle = 0, starts = t, ends = 0, seen = t, granted = 0, consumed = 0, held = 0, overage = 0,
    uncovered = 0, lapsed = 0, fired = 0, paused = 0, over = 0, era = 0, denied = { 0, 0, 0, 0, 0 }, would_deny = 0,
    alerts = {}, grants = {}, eras = {}, past = {},
  }
end

-- The pools of a list of items, each once, in order; those whose cycle has ended are noted in `stale`.
function decide.pools(account, items, t, stale)
  local list, by_name = {}, {}
  for i = 1, #items do
    local name = items[i].pool
    if not by_name[name] then
      local pool = unit.get(account, "p:" .. name) or absent_pool(name, t)
      by_name[name] = pool
      if pool.seen < t then
        pool.seen = t
      end
      list[#list + 1] = pool
      if pool.ends ~= 0 and pool.ends <= t then
        stale.pools[#stale.pools + 1] = pool
      end
    end
  end
  return list, by_name
end

-- Ends the expired grants of pools that are up to date.
function decide.lapse(account, pools, t)
  for i = 1, #pools do
    if grants.lapse(account, pools[i], t) then
      alerts.check(account, pools[i], t)
      unit.put(account, "p:" .. pools[i].name, pools[i])
    end
  end
end

-- Whether a hard cap holds at `t`.
function decide.enforced(pool, t)
  return pool.cap == 0 and pool.enforce_from <= t
end

-- Credits that may still be held, below 0 where holds are past it; nil where nothing bounds them.
local function room(pool, t)
  if pool.cap == 0 then
    return decide.enforced(pool, t) and grants.available(pool) or nil
  end
  if pool.overage_limit >= 0 then
    return grants.available(pool) + pool.overage_limit - pool.overage
  end
  return nil
end

local function positive(number)
  return number > 0 and number or 0
end

-- What the whole request needs at least from a pool.
local function required_of(items, costs, pool_name)
  local total = 0
  for i = 1, #items do
    if items[i].pool == pool_name then
      local least = items[i].min_quantity
      total = total + (least and least > 0 and costs[i] > 0 and arith.cost(items[i].price, least) or costs[i])
    end
  end
  return total
end

local function pool_denial(reason, pool, required)
  return {
    reason = reason, pool = pool.name, budget = "", required = required, available = positive(grants.available(pool)),
    held = grants.held(pool), reset = pool.ends,
  }
end

local function budget_denial(budget, required)
  return {
    reason = decide.BUDGET_EXCEEDED, pool = budget.pool, budget = budget.name, required = required,
    available = budgets.room(budget), held = budget.held, reset = budget.ends,
  }
end

-- The full cost of each item; nil past 2^53-1. A subject within its window costs nothing.
local function full_costs(account, items, by_name, t, at_once)
  local costs, duplicates, seen = {}, {}, {}
  for i = 1, #items do
    local item = items[i]
    local key = item.action .. "\0" .. item.subject
    local again = at_once and item.once ~= unique.EVERY_TIME and seen[key]
    seen[key] = true
    duplicates[i] = (again or unique.marked(account, item, by_name[item.pool].cycle, t)) and 1 or 0
    costs[i] = duplicates[i] == 1 and 0 or arith.cost(item.price, item.quantity)
    if not costs[i] then
      return nil
    end
  end
  return costs, duplicates
end

-- The budget with the least room for more of a pool, and that room; nil where none bounds it.
local function tightest(list, spent, pool_name)
  local bound, least
  for i = 1, #list do
    local budget = list[i]
    if budget.pool == pool_name then
      local left = budgets.room(budget)
      left = left and left - (spent[budget.name] or 0)
      if left and (not least or left < least) then
        bound, least = budget, left
      end
    end
  end
  return bound, least
end

local function spend(list, spent, pool_name, cost)
  for i = 1, #list do
    if list[i].pool == pool_name then
      spent[list[i].name] = (spent[list[i].name] or 0) + cost
    end
  end
end

-- Decides a request of items. `request` has items and budget_list (loaded), by_name (its pools); `at_once` says that it
-- is charged at once, so that a subject named twice in it is charged once.
-- Returns { costs, quantities, duplicates, observed, final } or nil and a denial, or nil and nil where an amount passes 2^53-1.
function decide.items(account, request, t, at_once)
  local items, by_name, list = request.items, request.by_name, request.budget_list
  for i = 1, #items do
    local pool = by_name[items[i].pool]
    if account.a.status == 1 then
      return nil, pool_denial(decide.ACCOUNT_SUSPENDED, pool, 0), items[i]
    end
    if items[i].in_plan == 0 or pool.in_plan == 0 then
      return nil, pool_denial(decide.NOT_IN_PLAN, pool, 0), items[i]
    end
  end
  local costs, duplicates = full_costs(account, items, by_name, t, at_once)
  if not costs then
    return nil, nil
  end
  local granted = { costs = {}, quantities = {}, duplicates = duplicates, observed = {}, final = 0 }
  local used, spent = {}, {}
  for i = 1, #items do
    local item, cost, quantity = items[i], costs[i], items[i].quantity
    local pool = by_name[item.pool]
    local taken = used[item.pool] or 0
    local pool_room = room(pool, t)
    pool_room = pool_room and pool_room - taken
    local budget, budget_room = tightest(list, spent, item.pool)
    local least = pool_room
    if budget_room and (not least or budget_room < least) then
      least = budget_room
    end
    if least and cost > 0 and cost > least then
      local fits = item.min_quantity > 0 and least >= 0 and arith.affordable(item.price, least, quantity) or 0
      if fits == 0 or fits < item.min_quantity then
        if pool_room and cost > pool_room then
          local reason = pool.cap == 0 and decide.INSUFFICIENT_CREDITS or decide.OVERAGE_LIMIT
          return nil, pool_denial(reason, pool, required_of(items, costs, item.pool)), item
        end
        return nil, budget_denial(budget, required_of(items, costs, item.pool)), item
      end
      quantity, cost = fits, arith.cost(item.price, fits)
    end
    if least and item.min_quantity > 0 and (quantity < item.quantity or (cost > 0 and least == cost)) then
      granted.final = 1
    elseif item.cut then
      granted.final = 1
    end
    if cost > 0 and pool.cap == 0 and pool.enforce_from > t and cost > grants.available(pool) - taken then
      granted.observed[i] = 1
    end
    granted.costs[i], granted.quantities[i] = cost, quantity
    used[item.pool] = taken + cost
    spend(list, spent, item.pool, cost)
    if grants.held(pool) + pool.consumed + used[item.pool] > arith.MAX then
      return nil, nil
    end
  end
  for i = 1, #list do
    if list[i].held + list[i].consumed + (spent[list[i].name] or 0) > arith.MAX then
      return nil, nil
    end
  end
  return granted
end

-- Notes a refusal where it can be seen, except of a trial.
function decide.note_denial(account, request, denial, item, t)
  if not request.dry_run or request.dry_run == 0 then
    local pool = request.by_name[denial.pool] or request.pools[1]
    -- A cap that came into force meanwhile is noticed here first.
    alerts.check(account, pool, t)
    activity.denied(account, pool, t, denial, item)
  end
end

return decide
