-- Where credits come from and in what order they go (rules 3, 4, 5).
-- A pool's `grants` are kept in draw order: priority, then earliest expiry, then oldest, then id.
-- When a grant ends while holds are open, the holds keep what they were promised: the credits that back them, in draw
-- order, move into an era of the pool and stay there until those holds end. `pool.held` and `pool.grants` are the
-- present era; `pool.eras` the earlier ones. What an era no longer needs goes back to its grant, or lapses with it.

local activity = require("activity")

local grants = {}

grants.ALLOWANCE, grants.ROLLOVER, grants.PROMO, grants.TOP_UP = 1, 2, 3, 4
grants.MOST = 256

local function before(x, y)
  if x.priority ~= y.priority then
    return x.priority < y.priority
  end
  if x.expires ~= y.expires then
    return x.expires ~= 0 and (y.expires == 0 or x.expires < y.expires)
  end
  if x.created ~= y.created then
    return x.created < y.created
  end
  return x.id < y.id
end

-- Puts a grant in its place.
function grants.insert(list, grant)
  local place = #list + 1
  while place > 1 and before(grant, list[place - 1]) do
    place = place - 1
  end
  table.insert(list, place, grant)
end

function grants.find(list, id)
  for i = 1, #list do
    if list[i].id == id then
      return list[i], i
    end
  end
  return nil
end

-- What remains of a list of grants or pieces.
function grants.sum(list)
  local total = 0
  for i = 1, #list do
    total = total + list[i].remaining
  end
  return total
end

-- What a capacity pool can hold in all: its limit and what was bought on top.
function grants.capacity(pool)
  local total = pool.allowance
  for i = 1, #pool.grants do
    total = total + pool.grants[i].amount
  end
  return total
end

-- Unspent credits of the present era.
function grants.live(pool)
  if pool.kind == 1 then
    return grants.capacity(pool) - pool.consumed
  end
  return grants.sum(pool.grants)
end

-- Credits that can be held now; below 0 where holds of a soft pool go past its grants.
function grants.available(pool)
  return grants.live(pool) - pool.held
end

-- All unspent credits, those that earlier eras keep included.
function grants.remaining(pool)
  local total = grants.live(pool)
  if total < 0 then
    total = 0 -- a capacity pool whose limit fell below what is occupied
  end
  for i = 1, #pool.eras do
    total = total + grants.sum(pool.eras[i].pieces)
  end
  return total
end

-- Credits in open holds of any era.
function grants.held(pool)
  local total = pool.held
  for i = 1, #pool.eras do
    total = total + pool.eras[i].held
  end
  return total
end

-- What remains of each of a pool's grants, in their order. Of capacity, what is occupied past the limit occupies what was
-- bought.
function grants.remainders(pool)
  local list, occupied = {}, 0
  if pool.kind == 1 and pool.consumed > pool.allowance then
    occupied = pool.consumed - pool.allowance
  end
  for i = 1, #pool.grants do
    local remaining = pool.grants[i].remaining
    local taken = remaining < occupied and remaining or occupied
    occupied = occupied - taken
    list[i] = remaining - taken
  end
  return list
end

-- What remains of top-ups.
function grants.purchased(pool)
  local total, remainders = 0, pool.kind == 1 and grants.remainders(pool)
  for i = 1, #pool.grants do
    local g = pool.grants[i]
    if g.kind == grants.TOP_UP then
      total = total + (remainders and remainders[i] or g.remaining)
    end
  end
  for i = 1, #pool.eras do
    local pieces = pool.eras[i].pieces
    for j = 1, #pieces do
      if pieces[j].kind == grants.TOP_UP then
        total = total + pieces[j].remaining
      end
    end
  end
  return total
end

-- The counters that a charge of that cycle goes to: the pool's own, those of an ended cycle, or nil when it is closed.
function grants.counters(pool, cycle)
  if cycle == pool.cycle then
    return pool
  end
  for i = 1, #pool.past do
    if pool.past[i].cycle == cycle then
      return pool.past[i]
    end
  end
  return nil
end

local function find_era(pool, number)
  for i = 1, #pool.eras do
    if pool.eras[i].era == number then
      return pool.eras[i], i
    end
  end
  return nil
end

-- Takes up to `amount` from a list in draw order and notes it in `draws`; returns what it took.
local function draw(list, amount, draws, cycle)
  local left = amount
  for i = 1, #list do
    if left == 0 then
      break
    end
    local g = list[i]
    local take = g.remaining < left and g.remaining or left
    if take > 0 then
      g.remaining = g.remaining - take
      left = left - take
      draws[#draws + 1] = {
        id = g.id, kind = g.kind, grant_amount = g.amount, priority = g.priority, created = g.created,
        expires = g.expires, note = g.note, cycle = cycle, amount = take,
      }
    end
  end
  return amount - left
end

-- Gives credits back to a grant of the present era, or lets them lapse where the grant is over.
-- Returns what came back to life.
function grants.give_back(pool, from, amount, t)
  if from.expires ~= 0 and from.expires <= t then
    return 0
  end
  local grant = grants.find(pool.grants, from.id)
  if not grant then
    if from.kind == grants.ALLOWANCE then
      return 0
    end
    grant = {
      id = from.id, kind = from.kind, amount = from.grant_amount or from.amount, remaining = 0, debt = 0,
      priority = from.priority, created = from.created, expires = from.expires, note = from.note,
    }
    grants.insert(pool.grants, grant)
  end
  local debt = grant.debt < amount and grant.debt or amount
  grant.debt = grant.debt - debt
  grant.remaining = grant.remaining + amount - debt
  return amount - debt
end

-- Lets go of what an earlier era keeps beyond its holds, last in draw order first; closes it when its holds are gone.
local function trim(pool, era, index, t)
  local excess = grants.sum(era.pieces) - era.held
  local counters = grants.counters(pool, era.cycle)
  for i = #era.pieces, 1, -1 do
    if excess <= 0 then
      break
    end
    local piece = era.pieces[i]
    local take = piece.remaining < excess and piece.remaining or excess
    excess = excess - take
    piece.remaining = piece.remaining - take
    local alive = grants.give_back(pool, piece, take, t)
    counters.lapsed = counters.lapsed + take - alive
    if era.cycle ~= pool.cycle then
      counters.granted = counters.granted - alive
      pool.granted = pool.granted + alive
    end
  end
  if era.held > 0 then
    return
  end
  table.remove(pool.eras, index)
  if era.cycle == pool.cycle then
    return
  end
  for i = 1, #pool.eras do
    if pool.eras[i].cycle == era.cycle then
      return
    end
  end
  for i = 1, #pool.past do
    if pool.past[i].cycle == era.cycle then
      table.remove(pool.past, i)
      return
    end
  end
end

-- Ends a part of a hold by charging `cost` (at most what it holds) to the cycle that it was made in; the rest returns.
-- Returns the overage: what no grant covered, 0 unless the pool is soft or was only observed.
function grants.settle_held(pool, part, cost, draws, t)
  if part.era == pool.era then
    pool.held = pool.held - part.credits
    pool.consumed = pool.consumed + cost
    if pool.kind == 1 then
      return 0
    end
    local overage = cost - draw(pool.grants, cost, draws, pool.cycle)
    pool.overage = pool.overage + overage
    return overage
  end
  local era, index = find_era(pool, part.era)
  local counters = grants.counters(pool, era.cycle)
  era.held = era.held - part.credits
  local drawn = draw(era.pieces, cost, draws, era.cycle)
  counters.consumed = counters.consumed + cost
  counters.overage = counters.overage + cost - drawn
  trim(pool, era, index, t)
  return cost - drawn
end

-- Charges credits beyond any hold to the present cycle, out of what no hold has been promised. Returns the overage.
function grants.charge(pool, cost, draws)
  if pool.kind == 1 then
    pool.consumed = pool.consumed + cost
    return 0
  end
  local available = grants.available(pool)
  local most = available < cost and available or cost
  local overage = cost - (most > 0 and draw(pool.grants, most, draws, pool.cycle) or 0)
  pool.consumed = pool.consumed + cost
  pool.overage = pool.overage + overage
  return overage
end

-- Puts what backs the open holds into an era of its own.
function grants.split_era(pool)
  if pool.held == 0 or pool.kind == 1 then
    return
  end
  local need, pieces = pool.held, {}
  for i = 1, #pool.grants do
    local g = pool.grants[i]
    local take = g.remaining < need and g.remaining or need
    if take > 0 then
      g.remaining = g.remaining - take
      need = need - take
      pieces[#pieces + 1] = {
        id = g.id, kind = g.kind, amount = g.amount, remaining = take, debt = 0, priority = g.priority,
        created = g.created, expires = g.expires, note = g.note,
      }
    end
  end
  pool.eras[#pool.eras + 1] = { era = pool.era, cycle = pool.cycle, held = pool.held, pieces = pieces }
  pool.era = pool.era + 1
  pool.held = 0
end

-- Whether open holds count on a grant, in draw order.
local function backs_holds(pool, grant)
  local ahead = 0
  for i = 1, #pool.grants do
    if pool.grants[i] == grant then
      return grant.remaining > 0 and ahead < pool.held
    end
    ahead = ahead + pool.grants[i].remaining
  end
  return false
end

-- The grant whose expiry is due first, allowances left out: they end with their cycle.
local function first_expired(pool, t)
  local first
  for i = 1, #pool.grants do
    local g = pool.grants[i]
    if g.expires ~= 0 and g.expires <= t and g.kind ~= grants.ALLOWANCE then
      if not first or g.expires < first.expires then
        first = g
      end
    end
  end
  return first
end

-- Ends the grants whose expiry has passed. Returns whether any did.
function grants.lapse(account, pool, t)
  local changed = false
  local grant = first_expired(pool, t)
  while grant do
    changed = true
    if backs_holds(pool, grant) then
      grants.split_era(pool)
    end
    local _, index = grants.find(pool.grants, grant.id)
    table.remove(pool.grants, index)
    if pool.kind == 0 then
      pool.lapsed = pool.lapsed + grant.remaining
    end
    activity.grant_expired(account, pool, grant, grants.available(pool))
    grant = first_expired(pool, t)
  end
  return changed
end

return grants
