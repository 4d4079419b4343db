-- Accounts, their cycles and budgets, and what is read of them.
-- Records: account, profile, pools, budgets. Answers: account, budget, nothing (with balances), rejected, stale.

local activity = require("activity")
local budgets = require("budgets")
local cycles = require("cycles")
local decide = require("decide")
local expiry = require("expiry")
local host = require("host")
local holds = require("holds")
local reply = require("reply")
local unit = require("unit")

local accounts = {}

local function nothing_stale()
  return { pools = {}, budgets = {} }
end

local function answer(account)
  local info = unit.get(account, "i")
  return reply.account(account, info and info.profile or "", unit.now(account))
end

-- Creates an account (expected -1), or changes what of it touches no pool.
function accounts.put(account, request)
  local a = account.a
  if request.expected < 0 and a or request.expected >= 0 and not (a and a.revision == request.expected) then
    local stale = nothing_stale()
    stale.account = true
    return reply.stale(stale, a and unit.now(account) or 0)
  end
  if a then
    a.status, a.pending_at, a.revision = request.status, request.pending_at, a.revision + 1
    activity.write(account, activity.ACCOUNT, unit.now(account), {})
  else
    account.a = {
      revision = unit.host_now(), status = request.status, created = 0, seen = 0, clock = request.clock, next_expiry = 0,
      pending_at = request.pending_at,
    }
    account.a.created = unit.now(account)
    for i = 1, #request.pools do
      cycles.open(account, request.pools[i], account.a.created)
    end
    activity.write(account, activity.ACCOUNT, account.a.created, { details = { "created", "true" } })
  end
  unit.touch_account(account)
  unit.put(account, "i", { profile = request.profile })
  return answer(account)
end

function accounts.get(account)
  return answer(account)
end

-- Removes the account; the host removes every record of it with this one.
function accounts.delete(account)
  host.remove(account.id)
  unit.drop_account(account)
  return reply.nothing()
end

-- Moves a test clock on. What comes due on the way is settled by whoever asks next.
function accounts.advance(account, request)
  local a = account.a
  if a.clock == 0 then
    return reply.rejected(reply.NO_TEST_CLOCK)
  end
  if request.to < a.clock then
    return reply.rejected(reply.CLOCK_BACKWARDS)
  end
  a.clock = request.to
  unit.touch_account(account)
  return answer(account)
end

-- Every pool that the change concerns must have come as far as the change: those that have not.
local function behind(account, request, at)
  local stale = nothing_stale()
  if not expiry.settle(account, at, stale) then
    return stale
  end
  local function check(name)
    local pool = unit.get(account, "p:" .. name)
    if pool and pool.ends ~= 0 and (pool.ends < at or (request.at == 0 and pool.ends <= at)) then
      stale.pools[#stale.pools + 1] = pool
    end
  end
  for i = 1, #request.pools do
    check(request.pools[i].name)
  end
  for i = 1, #request.dropped do
    check(request.dropped[i])
  end
  return #stale.pools > 0 and stale or nil
end

-- Puts the account under other terms (rule 17): now, or at a past moment for a change that waited for it.
function accounts.retarget(account, request)
  local a = account.a
  local at = request.at > 0 and request.at or unit.now(account)
  local stale = behind(account, request, at)
  if stale then
    return stale.again and reply.again() or reply.stale(stale, unit.now(account))
  end
  for i = 1, #request.pools do
    local terms = request.pools[i]
    local pool = unit.get(account, "p:" .. terms.name)
    if not pool then
      cycles.open(account, terms, at)
    elseif pool.ends ~= 0 and pool.ends <= at then
      terms.starts = pool.ends
      cycles.roll(account, pool, terms, terms.ends, at)
    elseif pool.in_plan == 0 and terms.starts ~= pool.starts then
      cycles.roll(account, pool, terms, terms.ends, at)
    else
      cycles.retarget(account, pool, terms, at)
    end
  end
  for i = 1, #request.dropped do
    local pool = unit.get(account, "p:" .. request.dropped[i])
    if pool and pool.in_plan == 1 then
      cycles.retire(account, pool, at)
    end
  end
  a.status, a.pending_at, a.revision = request.status, request.pending_at, a.revision + 1
  unit.touch_account(account)
  unit.put(account, "i", { profile = request.profile })
  activity.write(account, activity.PLAN_CHANGED, at, { details = { "plan", request.plan } })
  return answer(account)
end

-- Starts the cycles that are due; a step whose cycle was started already is passed over.
function accounts.roll(account, request)
  for i = 1, #request.steps do
    local step = request.steps[i]
    if step.terms then
      local pool = unit.get(account, "p:" .. step.terms.name)
      if pool and pool.in_plan == 1 and pool.cycle == step.from and pool.ends ~= 0 then
        local stale = nothing_stale()
        if not expiry.settle(account, pool.ends - 1, stale) then
          return stale.again and reply.again() or reply.stale(stale, unit.now(account))
        end
        cycles.roll(account, pool, step.terms, step.rollover_expires, pool.ends)
      end
    else
      local budget = budgets.get(account, step.name)
      if budget and budget.number == step.from and budget.ends ~= 0 then
        budget.number, budget.starts, budget.ends = step.number, step.starts, step.ends
        budget.consumed, budget.held = 0, 0
        budgets.put(account, budget)
      end
    end
  end
  return reply.nothing()
end

-- Balances of pools, exact now.
function accounts.balances(account, request)
  local t = unit.now(account)
  local stale, failed = expiry.begin(account, t)
  if not stale then
    return failed
  end
  local named = {}
  for i = 1, #request.pools do
    named[i] = { pool = request.pools[i] }
  end
  local pools = decide.pools(account, named, t, stale)
  if stale.pending or #stale.pools > 0 then
    return reply.stale(stale, t)
  end
  decide.lapse(account, pools, t)
  return reply.nothing(pools, true)
end

function accounts.reservation(account, request)
  local stale, failed = expiry.begin(account, unit.now(account))
  if not stale then
    return failed
  end
  local r = holds.get(account, request.id)
  if not r then
    return reply.rejected(reply.RESERVATION_NOT_FOUND)
  end
  return reply.reservation(r)
end

-- The budget of a name when its cycle is up to date, else nil and the reply.
local function current_budget(account, name)
  local t = unit.now(account)
  local stale, failed = expiry.begin(account, t)
  if not stale then
    return nil, failed
  end
  local budget = budgets.get(account, name)
  if not budget then
    return nil, reply.rejected(reply.BUDGET_NOT_FOUND, name)
  end
  if budget.ends ~= 0 and budget.ends <= t then
    stale.budgets[1] = budget
    return nil, reply.stale(stale, t)
  end
  return budget
end

-- Creates a budget, or changes its limit, cap and cycle; what it consumed stays.
function accounts.put_budget(account, request)
  local t = unit.now(account)
  if not budgets.get(account, request.name) then
    local budget = budgets.new(request.name, request, t)
    budgets.put(account, budget)
    return reply.budget(budget)
  end
  local budget, failed = current_budget(account, request.name)
  if not budget then
    return failed
  end
  if budget.pool ~= request.pool then
    return reply.rejected(reply.BUDGET_POOL, budget.pool)
  end
  budget.limit, budget.cap = request.limit, request.cap
  if budget.cycle ~= request.cycle then
    -- The number stays: open holds know theirs by it.
    budget.cycle, budget.starts, budget.ends = request.cycle, request.starts, request.ends
  end
  budgets.put(account, budget)
  activity.write(account, activity.BUDGET, t, { pool = budget.pool, credits = budget.limit,
    details = { "budget", budget.name } })
  return reply.budget(budget)
end

function accounts.get_budget(account, request)
  local budget, failed = current_budget(account, request.name)
  return budget and reply.budget(budget) or failed
end

function accounts.delete_budget(account, request)
  if not budgets.get(account, request.name) then
    return reply.rejected(reply.BUDGET_NOT_FOUND, request.name)
  end
  unit.put(account, "b:" .. request.name, false)
  return reply.nothing()
end

return accounts
