-- Commit, Release and Refund: how a hold ends by a caller's word, and how a charge is taken back.
-- Records: account, the reservation, its pools, budgets and marks.
-- Answers: charged, released, refunded, rejected, stale. A retry gets the answer stored with the ending.

local activity = require("activity")
local arith = require("arith")
local budgets = require("budgets")
local decide = require("decide")
local expiry = require("expiry")
local grants = require("grants")
local holds = require("holds")
local reply = require("reply")
local unique = require("unique")
local unit = require("unit")

local finish = {}

-- Brings the account and the pools of a reservation up to now. Returns the time, or nil and the reply.
local function prepare(account, r)
  local t = unit.now(account)
  local stale, failed = expiry.begin(account, t)
  if not stale then
    return nil, failed
  end
  local pools = decide.pools(account, r.items, t, stale)
  budgets.load(account, r.budgets, t, stale)
  if stale.pending or #stale.pools > 0 or #stale.budgets > 0 then
    return nil, reply.stale(stale, t)
  end
  decide.lapse(account, pools, t)
  return t, pools
end

-- A reservation that ended by this very request answers as it did then.
local function repeated(account, r, request)
  if r.state == holds.ACTIVE then
    return nil
  end
  local given = unit.given(account, "e:" .. r.id)
  return given and given.fingerprint == request.fingerprint and given.answer or nil
end

local function reserved_quantities(r)
  local list = {}
  for i = 1, #r.items do
    list[i] = r.items[i].quantity
  end
  return list
end

local function keep_answer(account, r, request, answer)
  holds.put(account, r)
  return unit.give(account, "e:" .. r.id, request.fingerprint, answer)
end

-- Commit (rules 6, 7): of a live hold, or late, of one that expired.
function finish.commit(account, request)
  local r = holds.get(account, request.id)
  if not r then
    return reply.rejected(reply.RESERVATION_NOT_FOUND)
  end
  local again = repeated(account, r, request)
  if again then
    return again
  end
  local t, pools = prepare(account, r)
  if not t then
    return pools
  end
  if r.state == holds.COMMITTED then
    return reply.rejected(reply.RESERVATION_EXISTS)
  end
  if r.state == holds.RELEASED then
    return reply.rejected(reply.RESERVATION_RELEASED)
  end
  if #request.quantities ~= 0 and #request.quantities ~= #r.items then
    return reply.rejected(reply.QUANTITY_COUNT, arith.text(#r.items))
  end
  local quantities = #request.quantities > 0 and request.quantities or reserved_quantities(r)
  local costs = holds.costs(account, r, quantities)
  if not costs then
    return reply.rejected(reply.AMOUNT_OVERFLOW)
  end
  local late = r.state == holds.EXPIRED
  r.late = late and 1 or 0
  holds.charge(account, r, quantities, costs, holds.COMMITTED, t)
  holds.log(account, activity.COMMIT, r, t, request.metadata ~= "" and request.metadata or nil,
    late and { "late", "true" } or nil)
  holds.save_pools(account, pools, t)
  return keep_answer(account, r, request, reply.charged(r, pools))
end

-- Release: of a live hold, or of committed capacity, which it frees (rule 15).
function finish.release(account, request)
  local r = holds.get(account, request.id)
  if not r then
    return reply.rejected(reply.RESERVATION_NOT_FOUND)
  end
  local again = repeated(account, r, request)
  if again then
    return again
  end
  local t, pools = prepare(account, r)
  if not t then
    return pools
  end
  if r.state == holds.RELEASED then
    return reply.rejected(reply.RESERVATION_EXISTS)
  end
  if r.state == holds.EXPIRED then
    return reply.rejected(reply.RESERVATION_EXPIRED)
  end
  local freed = false
  if r.state == holds.COMMITTED then
    freed = holds.vacate(account, r, t)
    if not freed then
      return reply.rejected(reply.RESERVATION_COMMITTED)
    end
  else
    holds.release(account, r, holds.RELEASED, t)
  end
  holds.log(account, activity.RELEASE, r, t, nil, { "reason", request.reason })
  holds.save_pools(account, pools, t, freed)
  return keep_answer(account, r, request, reply.released(r, pools))
end

-- What is to be refunded per item, or nil and the reply.
local function amounts_of(request, r)
  if #request.credits ~= 0 and #request.credits ~= #r.items then
    return nil, reply.rejected(reply.QUANTITY_COUNT, arith.text(#r.items))
  end
  local amounts, total, chargeable = {}, 0, 0
  for i = 1, #r.items do
    local x = r.items[i]
    local left = x.kind == 0 and x.charge - x.refunded or 0
    amounts[i] = request.credits[i] or left
    if amounts[i] > left then
      return nil, reply.rejected(reply.REFUND_TOO_LARGE, x.action)
    end
    total, chargeable = total + amounts[i], chargeable + (x.kind == 0 and x.charge or 0)
  end
  if total == 0 and chargeable == 0 and request.unmark == 0 then
    return nil, reply.rejected(reply.NOTHING_CHARGED)
  end
  return amounts
end

-- Takes back `amount` of an item's charge, last drawn first: overage, then grants.
local function refund_item(account, r, x, amount, t)
  local pool = unit.get(account, "p:" .. x.pool)
  local left = amount
  local from_overage = x.overage < left and x.overage or left
  x.overage, x.refunded, left = x.overage - from_overage, x.refunded + amount, left - from_overage
  local last = x.parts[#x.parts]
  local cycle = x.draws[1] and x.draws[1].cycle or last and last.cycle or pool.cycle
  local counters = grants.counters(pool, cycle)
  if counters and from_overage > 0 then
    local counted = counters.overage < from_overage and counters.overage or from_overage
    counters.overage, counters.consumed = counters.overage - counted, counters.consumed - counted
    -- A plan change may have covered the overage since (rule 17): then it is the allowance that gets it back.
    local covered = from_overage - counted
    if covered > 0 then
      local grant = grants.find(pool.grants, "allowance")
      pool.consumed = pool.consumed - covered
      if grant then
        grant.remaining = grant.remaining + covered
      else
        pool.lapsed = pool.lapsed + covered
      end
    end
  end
  for i = #x.draws, 1, -1 do
    local d = x.draws[i]
    local take = d.amount < left and d.amount or left
    if take > 0 then
      d.amount, left = d.amount - take, left - take
      local of_cycle = grants.counters(pool, d.cycle)
      local alive = 0
      local over = d.kind == grants.ALLOWANCE and d.cycle ~= pool.cycle or unit.given(account, "v:" .. d.id)
      if not over then
        alive = grants.give_back(pool, d, take, t)
      end
      if of_cycle == pool then
        pool.consumed = pool.consumed - take
        pool.lapsed = pool.lapsed + take - alive
      else
        pool.granted = pool.granted + alive
        if of_cycle then
          of_cycle.consumed, of_cycle.granted = of_cycle.consumed - take, of_cycle.granted - alive
          of_cycle.lapsed = of_cycle.lapsed + take - alive
        end
      end
    end
  end
  budgets.refund(account, r, x.pool, amount)
end

-- Refund (rule 19), once per refund id.
function finish.refund(account, request)
  local field = "f:" .. request.id
  local given = unit.given(account, field)
  if given then
    return given.fingerprint == request.fingerprint and given.answer or reply.rejected(reply.REFUND_EXISTS)
  end
  local r = holds.get(account, request.reservation)
  if not r then
    return reply.rejected(reply.RESERVATION_NOT_FOUND)
  end
  local t, pools = prepare(account, r)
  if not t then
    return pools
  end
  if r.state == holds.ACTIVE or r.state == holds.RELEASED then
    return reply.rejected(reply.NOTHING_CHARGED)
  end
  local amounts, failed = amounts_of(request, r)
  if not amounts then
    return failed
  end
  for i = 1, #r.items do
    local x = r.items[i]
    refund_item(account, r, x, amounts[i], t)
    if request.unmark == 1 then
      unique.unmark(account, x, r.id)
    end
    local pool = unit.get(account, "p:" .. x.pool)
    activity.write(account, activity.REFUND, t, {
      pool = x.pool, action = x.action, credits = amounts[i], reservation = r.id, subject = x.subject,
      dimensions = x.dimensions, metadata = r.metadata, after = grants.available(pool),
      details = { "refund_id", request.id, "reason", request.reason },
    })
  end
  holds.save_pools(account, pools, t)
  holds.put(account, r)
  local answer = reply.refunded(amounts, pools)
  return unit.give(account, field, request.fingerprint, answer, unit.drop_after(account, holds.RETENTION))
end

return finish
