-- Reserve and Charge.
-- Records: account, pools of the items, budgets named, the reservation, marks of its subjects.
-- Answers: reservation (Reserve), charged (Charge), denied, rejected, stale.
-- A retry gets the answer stored in the reservation; a refusal stores none.

local activity = require("activity")
local arith = require("arith")
local budgets = require("budgets")
local decide = require("decide")
local expiry = require("expiry")
local holds = require("holds")
local reply = require("reply")
local unit = require("unit")

local reserve = {}

-- Loads what the request touches and brings it up to `t`. Returns nil when all is ready, else the reply.
local function prepare(account, request, t)
  local stale, failed = expiry.begin(account, t)
  if not stale then
    return failed
  end
  request.pools, request.by_name = decide.pools(account, request.items, t, stale)
  local missing
  request.budget_list, missing = budgets.load(account, request.budgets, t, stale)
  if not request.budget_list then
    return reply.rejected(reply.BUDGET_NOT_FOUND, missing)
  end
  if stale.pending or #stale.pools > 0 or #stale.budgets > 0 then
    return reply.stale(stale, t)
  end
  decide.lapse(account, request.pools, t)
  return nil
end

-- Answers a request whose id is known already.
local function known(account, request)
  local given = unit.given(account, "q:" .. request.id)
  if given and given.fingerprint == request.fingerprint then
    return given.answer
  end
  return reply.rejected(reply.RESERVATION_EXISTS)
end

-- Brings quantities within what an action allows: an item that takes less is cut, and final; another is rejected.
local function bound_quantities(items)
  for i = 1, #items do
    local item = items[i]
    if item.max_quantity > 0 and item.quantity > item.max_quantity then
      if item.min_quantity == 0 or item.min_quantity > item.max_quantity then
        return reply.rejected(reply.QUANTITY_TOO_LARGE, arith.text(item.max_quantity))
      end
      item.quantity, item.cut = item.max_quantity, true
    end
  end
  return nil
end

local function run(account, request, at_once)
  local r = holds.get(account, request.id)
  if r then
    return known(account, request)
  end
  local too_large = bound_quantities(request.items)
  if too_large then
    return too_large
  end
  local t = unit.now(account)
  local failed = prepare(account, request, t)
  if failed then
    return failed
  end
  local granted, denial, item = decide.items(account, request, t, at_once)
  if not granted then
    if not denial then
      return reply.rejected(reply.AMOUNT_OVERFLOW)
    end
    decide.note_denial(account, request, denial, item, t)
    return reply.denied(denial, request.pools)
  end
  local expires = at_once and 0 or t + request.ttl
  r = holds.new(request, granted, t, expires)
  if request.dry_run == 1 then
    for i = 1, #r.items do
      r.items[i].credits = granted.costs[i]
    end
    return at_once and reply.charged(r, request.pools) or reply.reservation(r, request.pools)
  end
  holds.place(account, request, r, granted, t)
  if at_once then
    local quantities = {}
    for i = 1, #r.items do
      quantities[i] = r.items[i].quantity
    end
    holds.charge(account, r, quantities, granted.costs, holds.COMMITTED, t)
    holds.log(account, activity.CHARGE, r, t)
    holds.save_pools(account, request.pools, t)
  else
    unit.index_hold(account, r.id, 0, expires)
    holds.log(account, activity.RESERVE, r, t)
    holds.save_pools(account, request.pools, t)
  end
  holds.put(account, r)
  local answer = at_once and reply.charged(r, request.pools) or reply.reservation(r, request.pools)
  return unit.give(account, "q:" .. r.id, request.fingerprint, answer)
end

function reserve.reserve(account, request)
  return run(account, request, false)
end

function reserve.charge(account, request)
  return run(account, request, true)
end

-- Decides an extension as a request for what it adds.
local function decide_extension(account, request, r, added, t)
  local probe = { items = {}, by_name = request.by_name, budget_list = request.budget_list }
  for i = 1, #r.items do
    local x = r.items[i]
    probe.items[i] = {
      action = x.action, pool = x.pool, in_plan = 1, quantity = added[i], min_quantity = 0, subject = x.subject,
      price = { credits = 1, per = 1, round = 0 }, once = 0, dimensions = x.dimensions,
    }
  end
  return decide.items(account, probe, t, false)
end

-- The credits that each item needs on top for its new total quantity; nil past 2^53-1.
local function additions(r, quantities)
  local added, totals = {}, {}
  for i = 1, #r.items do
    local x = r.items[i]
    totals[i] = x.quantity + (quantities[i] or 0)
    local cost = totals[i] <= arith.MAX and arith.cost(x.price, totals[i])
    if not cost then
      return nil
    end
    added[i] = x.duplicate == 0 and cost > x.credits and cost - x.credits or 0
  end
  return added, totals
end

local function apply_extension(account, request, r, granted, totals, t)
  local by_pool, added = {}, granted.costs
  for i = 1, #r.items do
    local x = r.items[i]
    x.quantity = totals[i]
    x.used = request.used[i] or x.used
    if granted.observed[i] then
      holds.note_observed(account, r, x, request.by_name[x.pool], added[i], t)
    end
    if added[i] > 0 then
      holds.add_part(x, request.by_name[x.pool], added[i])
      by_pool[x.pool] = (by_pool[x.pool] or 0) + added[i]
    end
  end
  for i = 1, #request.budget_list do
    local budget = request.budget_list[i]
    if by_pool[budget.pool] then
      budgets.hold(account, budget, request.entries[i], by_pool[budget.pool])
    end
  end
  if request.ttl > 0 and t + request.ttl > r.expires then
    unit.index_hold(account, r.id, r.expires, t + request.ttl)
    r.expires = t + request.ttl
  end
end

local ENDED = {
  [holds.COMMITTED] = reply.RESERVATION_COMMITTED, [holds.RELEASED] = reply.RESERVATION_RELEASED,
  [holds.EXPIRED] = reply.RESERVATION_EXPIRED,
}

-- The budgets of a reservation that are still there, with its entries in them.
local function budgets_of(account, r, request)
  request.budgets, request.entries = {}, {}
  for i = 1, #r.budgets do
    local budget = budgets.get(account, r.budgets[i].name)
    if budget and budget.made == r.budgets[i].made then
      request.budgets[#request.budgets + 1] = { name = budget.name }
      request.entries[#request.entries + 1] = r.budgets[i]
    end
  end
end

-- Extend (rule 14): records as Reserve, and the answer given under the extend id.
function reserve.extend(account, request)
  local field = "x:" .. request.id .. "\0" .. request.extend_id
  local given = unit.given(account, field)
  if given then
    return given.fingerprint == request.fingerprint and given.answer or reply.rejected(reply.EXTEND_EXISTS)
  end
  local r = holds.get(account, request.id)
  if not r then
    return reply.rejected(reply.RESERVATION_NOT_FOUND)
  end
  local t = unit.now(account)
  request.items = r.items
  budgets_of(account, r, request)
  local failed = prepare(account, request, t)
  if failed then
    return failed
  end
  if r.state ~= holds.ACTIVE then
    return reply.rejected(ENDED[r.state])
  end
  if #request.quantities ~= 0 and #request.quantities ~= #r.items or #request.used ~= 0 and #request.used ~= #r.items then
    return reply.rejected(reply.QUANTITY_COUNT, arith.text(#r.items))
  end
  local added, totals = additions(r, request.quantities)
  for i = 1, #r.items do
    local most = r.items[i].max_quantity
    if totals and most > 0 and totals[i] > most then
      return reply.rejected(reply.QUANTITY_TOO_LARGE, arith.text(most))
    end
  end
  if not added then
    return reply.rejected(reply.AMOUNT_OVERFLOW)
  end
  local granted, denial, item = decide_extension(account, request, r, added, t)
  if not granted then
    if not denial then
      return reply.rejected(reply.AMOUNT_OVERFLOW)
    end
    decide.note_denial(account, request, denial, item, t)
    return reply.denied(denial, request.pools)
  end
  apply_extension(account, request, r, granted, totals, t)
  holds.put(account, r)
  holds.log(account, activity.EXTEND, r, t, "", { "extend_id", request.extend_id })
  holds.save_pools(account, request.pools, t)
  local answer = reply.reservation(r, request.pools)
  return unit.give(account, field, request.fingerprint, answer, unit.drop_after(account, holds.RETENTION))
end

return reserve
