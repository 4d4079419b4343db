-- Holds: how they are placed, and how they end by a charge or without one (rules 5, 6, 7, 9, 10, 15).
-- Everything here changes state; whoever calls has decided already.

local activity = require("activity")
local alerts = require("alerts")
local arith = require("arith")
local budgets = require("budgets")
local decide = require("decide")
local grants = require("grants")
local unique = require("unique")
local unit = require("unit")

local holds = {}

holds.ACTIVE, holds.COMMITTED, holds.RELEASED, holds.EXPIRED = 1, 2, 3, 4

-- How long an ended reservation is kept, so that a retry gets its answer.
holds.RETENTION = 86400000

-- The reservation of that id, false where there is none.
function holds.get(account, id)
  return unit.get(account, "r:" .. id)
end

-- Keeps a reservation: for good while it is open or occupies capacity, else for the retention.
function holds.put(account, r)
  local keep = r.state == holds.ACTIVE
  for i = 1, #r.items do
    keep = keep or (r.state == holds.COMMITTED and r.items[i].kind == 1 and r.items[i].charge > 0)
  end
  unit.put(account, "r:" .. r.id, r, keep and 0 or unit.drop_after(account, holds.RETENTION))
end

-- The pools of a reservation, each once, in the order of its items.
function holds.pools(account, r)
  local list, seen = {}, {}
  for i = 1, #r.items do
    local name = r.items[i].pool
    if not seen[name] then
      seen[name] = true
      list[#list + 1] = unit.get(account, "p:" .. name)
    end
  end
  return list
end

-- Saves the pools that changed and says what they have reached. `rearm` after a change that adds credits.
function holds.save_pools(account, pools, t, rearm)
  for i = 1, #pools do
    local pool = pools[i]
    if rearm then
      alerts.rearm(account, pool, t)
    else
      alerts.check(account, pool, t)
    end
    pool.seen = t
    unit.put(account, "p:" .. pool.name, pool)
  end
end

-- Adds credits to what an item holds.
function holds.add_part(item, pool, credits)
  pool.held = pool.held + credits
  item.credits = item.credits + credits
  local last = item.parts[#item.parts]
  if last and last.era == pool.era then
    last.credits = last.credits + credits
  else
    item.parts[#item.parts + 1] = { era = pool.era, cycle = pool.cycle, credits = credits }
  end
end

local function new_item(item, pool, granted, i)
  return {
    action = item.action, pool = item.pool, kind = pool.kind, quantity = granted.quantities[i], credits = 0,
    price = item.price, once = item.once, once_ms = item.once_ms, on_expiry = item.on_expiry,
    max_quantity = item.max_quantity, used = 0,
    duplicate = granted.duplicates[i], subject = item.subject, dimensions = item.dimensions, charged = 0,
    charged_quantity = 0, charge = 0, uncovered = 0, overage = 0, charged_duplicate = 0, refunded = 0,
    observed = granted.observed[i] or 0, parts = {}, draws = {},
  }
end

-- The reservation of a request as it would be, with nothing held yet.
function holds.new(request, granted, t, expires)
  local r = {
    id = request.id, state = holds.ACTIVE, created = t, expires = expires, ended = 0, final_unit = granted.final, late = 0,
    metadata = request.metadata, items = {}, budgets = {},
  }
  for i = 1, #request.items do
    r.items[i] = new_item(request.items[i], request.by_name[request.items[i].pool], granted, i)
  end
  for i = 1, #request.budget_list do
    r.budgets[i] = { name = request.budget_list[i].name, made = request.budget_list[i].made, parts = {} }
  end
  return r
end

-- Notes an item that a hard cap which is not enforced yet would have refused (rule 18).
function holds.note_observed(account, r, x, pool, credits, t)
  x.observed = 1
  pool.would_deny = pool.would_deny + 1
  activity.write(account, activity.WOULD_DENY, t, {
    pool = x.pool, action = x.action, credits = credits, quantity = x.quantity, reservation = r.id,
    subject = x.subject, dimensions = x.dimensions, after = grants.available(pool),
  })
end

-- Holds the credits of a new reservation in its pools and budgets.
function holds.place(account, request, r, granted, t)
  local by_pool = {}
  for i = 1, #r.items do
    local x = r.items[i]
    local pool = request.by_name[x.pool]
    if granted.observed[i] then
      holds.note_observed(account, r, x, pool, granted.costs[i], t)
    end
    holds.add_part(x, pool, granted.costs[i])
    by_pool[x.pool] = (by_pool[x.pool] or 0) + granted.costs[i]
  end
  for i = 1, #request.budget_list do
    local budget = request.budget_list[i]
    budgets.hold(account, budget, r.budgets[i], by_pool[budget.pool] or 0)
  end
end

-- Writes one activity entry per item.
function holds.log(account, kind, r, t, metadata, details)
  for i = 1, #r.items do
    local x = r.items[i]
    local pool = unit.get(account, "p:" .. x.pool)
    local charged = x.charged == 1
    local notes = details or {}
    if x.overage > 0 or x.uncovered > 0 then
      notes = { "overage", arith.text(x.overage), "uncovered", arith.text(x.uncovered) }
      for j = 1, #(details or {}) do
        notes[#notes + 1] = details[j]
      end
    end
    activity.write(account, kind, t, {
      pool = x.pool, action = x.action, credits = charged and x.charge or x.credits,
      quantity = charged and x.charged_quantity or x.quantity, reservation = r.id, subject = x.subject,
      duplicate = charged and x.charged_duplicate or x.duplicate, dimensions = x.dimensions,
      metadata = metadata or r.metadata, details = notes, after = grants.available(pool),
    })
  end
end

-- What each item would cost in full: one number each, or nil where one passes 2^53-1.
function holds.costs(account, r, quantities)
  local costs, sums = {}, {}
  for i = 1, #r.items do
    local x = r.items[i]
    costs[i] = x.duplicate == 1 and 0 or arith.cost(x.price, quantities[i])
    if not costs[i] then
      return nil
    end
    local pool = unit.get(account, "p:" .. x.pool)
    sums[x.pool] = (sums[x.pool] or pool.consumed) + costs[i]
    if sums[x.pool] > arith.MAX then
      return nil
    end
  end
  return costs
end

-- How much of `extra` beyond the hold may be charged now.
local function allowed(account, r, pool, extra, extras, t)
  local most = extra
  if decide.enforced(pool, t) then
    local available = grants.available(pool)
    most = available < most and available or most
  end
  local room = budgets.room_of(account, r, pool.name)
  room = room and room - (extras[pool.name] or 0)
  if room and room < most then
    most = room
  end
  return most > 0 and most or 0
end

-- The cycle that an item is charged to: that of its hold, or the present one where the hold is over.
local function cycle_of(item, pool, held)
  local last = held and item.parts[#item.parts]
  return last and last.cycle or pool.cycle
end

-- What an item is to be charged: nothing where its subject was charged within its window, or by an item before it.
local function final_cost(account, x, pool, quantity, cost, held, seen, t)
  local key = x.action .. "\0" .. x.subject
  local once = x.once ~= unique.EVERY_TIME and quantity > 0 and x.duplicate == 0 and x.charge == 0
  if once and (seen[key] or unique.marked(account, x, cycle_of(x, pool, held), t)) then
    return 0, 1
  end
  seen[key] = once
  return cost, x.duplicate
end

-- Ends the hold of an item, charging it as far as it was held. Returns what is left of the cost.
local function settle_item(pool, x, cost, sums, t)
  local left = cost
  for i = 1, #x.parts do
    local part = x.parts[i]
    local take = part.credits < left and part.credits or left
    x.overage = x.overage + grants.settle_held(pool, part, take, x.draws, t)
    left = left - take
  end
  sums.charged[x.pool] = (sums.charged[x.pool] or 0) + cost - left
  return left
end

-- Charges an item what its hold did not cover, as far as there is room. Returns what could not be covered.
local function charge_extra(account, r, pool, x, left, sums, t)
  if left == 0 then
    return 0
  end
  local extra = allowed(account, r, pool, left, sums.extra, t)
  x.overage = x.overage + grants.charge(pool, extra, x.draws)
  pool.uncovered = pool.uncovered + left - extra
  sums.extra[x.pool] = (sums.extra[x.pool] or 0) + extra
  return left - extra
end

-- Ends a reservation by a charge; `costs` are those of `quantities`. All holds end before anything is charged beyond
-- them, so that the order of items does not matter. Where the hold is over already, what was charged at its end counts.
function holds.charge(account, r, quantities, costs, state, t)
  local held = r.state == holds.ACTIVE
  local sums, seen, left = { charged = {}, extra = {} }, {}, {}
  for i = 1, #r.items do
    local x = r.items[i]
    local pool = unit.get(account, "p:" .. x.pool)
    x.charged, x.charged_quantity = 1, quantities[i]
    costs[i], x.charged_duplicate = final_cost(account, x, pool, quantities[i], costs[i], held, seen, t)
    if held then
      left[i] = settle_item(pool, x, costs[i], sums, t)
    else
      left[i] = costs[i] > x.charge and costs[i] - x.charge or 0
    end
  end
  for i = 1, #r.items do
    local x = r.items[i]
    local pool = unit.get(account, "p:" .. x.pool)
    local uncovered = charge_extra(account, r, pool, x, left[i], sums, t)
    local charge = costs[i] - uncovered
    x.uncovered = uncovered
    x.charge = charge > x.charge and charge or x.charge
    if quantities[i] > 0 and x.charged_duplicate == 0 and (x.charge > 0 or costs[i] == 0) then
      unique.mark(account, x, r.id, cycle_of(x, pool, held), pool.ends, t)
    end
  end
  if not held then
    budgets.charge_more(account, r, sums.extra)
  else
    budgets.settle(account, r, sums.charged, sums.extra)
    if r.expires ~= 0 then
      unit.index_hold(account, r.id, r.expires, 0)
    end
  end
  r.state, r.ended = state, t
end

-- Ends a reservation without a charge.
function holds.release(account, r, state, t)
  for i = 1, #r.items do
    local x = r.items[i]
    local pool = unit.get(account, "p:" .. x.pool)
    for j = 1, #x.parts do
      grants.settle_held(pool, x.parts[j], 0, x.draws, t)
    end
  end
  budgets.settle(account, r, {}, {})
  unit.index_hold(account, r.id, r.expires, 0)
  r.state, r.ended = state, t
end

-- Frees the capacity that a committed reservation occupies. Returns whether it occupied any.
function holds.vacate(account, r, t)
  local any = false
  for i = 1, #r.items do
    local x = r.items[i]
    if x.kind == 1 and x.charge > 0 then
      local pool = unit.get(account, "p:" .. x.pool)
      pool.consumed = pool.consumed - x.charge
      budgets.refund(account, r, x.pool, x.charge)
      x.charge, any = 0, true
    end
  end
  if any then
    r.state, r.ended = holds.RELEASED, t
  end
  return any
end

return holds
