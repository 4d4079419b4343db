-- Budgets (rule 16): named sub-limits that are checked and counted in the same step as the pool. A budget counts the
-- items of its pool; what was held in one of its cycles is charged to that cycle.

local unit = require("unit")

local budgets = {}

local function field_of(name)
  return "b:" .. name
end

function budgets.get(account, name)
  return unit.get(account, field_of(name))
end

function budgets.put(account, budget)
  unit.put(account, field_of(budget.name), budget)
end

-- Room left; nil where nothing bounds it.
function budgets.room(budget)
  if budget.cap == 1 then
    return nil
  end
  local room = budget.limit - budget.consumed - budget.held
  return room > 0 and room or 0
end

-- A budget as a template or a request has it, not yet kept.
function budgets.new(name, terms, t)
  return {
    name = name, pool = terms.pool, limit = terms.limit, cap = terms.cap, cycle = terms.cycle, number = terms.number,
    starts = terms.starts, ends = terms.ends, consumed = 0, held = 0, made = t,
  }
end

-- Loads the budgets that a request names. Returns the list, or nil and the name of one that is not there; those whose
-- cycle has ended are noted in `stale`.
function budgets.load(account, uses, t, stale)
  local list = {}
  for i = 1, #uses do
    local use = uses[i]
    local budget = budgets.get(account, use.name)
    if not budget then
      if not use.terms then
        return nil, use.name
      end
      budget = budgets.new(use.name, use.terms, t)
    end
    if budget.ends ~= 0 and budget.ends <= t then
      stale.budgets[#stale.budgets + 1] = budget
    end
    list[i] = budget
  end
  return list
end

-- Holds credits; `entry` is the reservation's share in the budget.
function budgets.hold(account, budget, entry, credits)
  budget.held = budget.held + credits
  local last = entry.parts[#entry.parts]
  if last and last.number == budget.number then
    last.credits = last.credits + credits
  else
    entry.parts[#entry.parts + 1] = { number = budget.number, credits = credits }
  end
  budgets.put(account, budget)
end

-- The budget that a reservation counts against, or nil when it is gone, or gone and made anew.
local function same(account, entry)
  local budget = budgets.get(account, entry.name)
  if budget and budget.made == entry.made then
    return budget
  end
  return nil
end

-- Room that the budgets of a reservation leave for more of a pool; nil where none bounds it.
function budgets.room_of(account, reservation, pool_name)
  local least
  for i = 1, #reservation.budgets do
    local budget = same(account, reservation.budgets[i])
    if budget and budget.pool == pool_name then
      local room = budgets.room(budget)
      if room and (not least or room < least) then
        least = room
      end
    end
  end
  return least
end

-- Ends the holds of a reservation in its budgets and charges them: `charged[pool]` is what it was charged within its
-- holds, `extra[pool]` beyond them.
function budgets.settle(account, reservation, charged, extra)
  for i = 1, #reservation.budgets do
    local entry = reservation.budgets[i]
    local budget = same(account, entry)
    if budget then
      local cost = charged[budget.pool] or 0
      for j = 1, #entry.parts do
        local part = entry.parts[j]
        local take = part.credits < cost and part.credits or cost
        cost = cost - take
        if part.number == budget.number then
          budget.held = budget.held - part.credits
          budget.consumed = budget.consumed + take
        end
      end
      budget.consumed = budget.consumed + cost + (extra[budget.pool] or 0)
      budgets.put(account, budget)
    end
  end
end

-- Charges what a late commit takes beyond a hold that is over.
function budgets.charge_more(account, reservation, extra)
  for i = 1, #reservation.budgets do
    local budget = same(account, reservation.budgets[i])
    if budget and extra[budget.pool] then
      budget.consumed = budget.consumed + extra[budget.pool]
      budgets.put(account, budget)
    end
  end
end

-- Gives back what a refund returns, as far as this cycle counts it.
function budgets.refund(account, reservation, pool_name, credits)
  for i = 1, #reservation.budgets do
    local entry = reservation.budgets[i]
    local budget = same(account, entry)
    local last = entry.parts[#entry.parts]
    if budget and budget.pool == pool_name and last and last.number == budget.number then
      budget.consumed = budget.consumed > credits and budget.consumed - credits or 0
      budgets.put(account, budget)
    end
  end
end

return budgets
