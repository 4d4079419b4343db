-- Grant and Revoke: credits given to a pool, and taken back.
-- Records: account, the pool, the answer given under the grant's id (kept for good: a payment may be told twice, days apart).
-- Answers: grant, revoked, rejected, stale.

local activity = require("activity")
local arith = require("arith")
local decide = require("decide")
local expiry = require("expiry")
local grants = require("grants")
local holds = require("holds")
local reply = require("reply")
local unit = require("unit")

local credits = {}

-- Brings the account and a pool up to now. Returns time and pool, or nil and the reply.
local function prepare(account, name)
  local t = unit.now(account)
  local stale, failed = expiry.begin(account, t)
  if not stale then
    return nil, failed
  end
  local pool = unit.get(account, "p:" .. name)
  if not pool or pool.in_plan == 0 then
    return nil, reply.rejected(reply.POOL_NOT_IN_PLAN)
  end
  if pool.ends ~= 0 and pool.ends <= t then
    stale.pools[1] = pool
  end
  if stale.pending or #stale.pools > 0 then
    return nil, reply.stale(stale, t)
  end
  decide.lapse(account, { pool }, t)
  return t, pool
end

-- Makes room among the grants by letting go of spent ones.
local function prune(pool)
  local kept = {}
  for i = 1, #pool.grants do
    local g = pool.grants[i]
    if g.remaining > 0 or g.debt > 0 or g.kind == grants.ALLOWANCE then
      kept[#kept + 1] = g
    end
  end
  pool.grants = kept
end

function credits.grant(account, request)
  local field = "g:" .. request.id
  local given = unit.given(account, field)
  if given then
    return given.fingerprint == request.fingerprint and given.answer or reply.rejected(reply.GRANT_EXISTS)
  end
  local t, pool = prepare(account, request.pool)
  if not t then
    return pool
  end
  if request.expires ~= 0 and request.expires <= t then
    return reply.rejected(reply.GRANT_EXPIRED)
  end
  if #pool.grants >= grants.MOST then
    prune(pool)
    if #pool.grants >= grants.MOST then
      return reply.rejected(reply.TOO_MANY_GRANTS, arith.text(grants.MOST))
    end
  end
  local whole = pool.kind == 1 and grants.capacity(pool) or pool.granted + pool.overage + grants.remaining(pool)
  if whole + request.amount > arith.MAX then
    return reply.rejected(reply.AMOUNT_OVERFLOW)
  end
  local grant = {
    id = request.id, kind = request.kind, amount = request.amount, remaining = request.amount, debt = 0,
    priority = request.priority, created = t, expires = request.expires, note = request.note,
  }
  grants.insert(pool.grants, grant)
  if pool.kind == 0 then
    pool.granted = pool.granted + request.amount
  end
  activity.write(account, activity.GRANT, t, {
    pool = pool.name, credits = request.amount, after = grants.available(pool),
    details = { "grant_id", request.id, "note", request.note },
  })
  holds.save_pools(account, { pool }, t, true)
  return unit.give(account, field, request.fingerprint, reply.grant(grant, pool))
end

-- Takes back what is unspent of a grant and backs no hold. Revoked again, it takes back nothing.
function credits.revoke(account, request)
  local t, pool = prepare(account, request.pool)
  if not t then
    return pool
  end
  local grant, index = grants.find(pool.grants, request.id)
  if not grant or grant.kind == grants.ALLOWANCE then
    if not unit.given(account, "g:" .. request.id) then
      return reply.rejected(reply.GRANT_NOT_FOUND)
    end
    return reply.revoked({
      id = request.id, kind = grants.TOP_UP, amount = 0, remaining = 0, priority = 1, created = t, expires = 0, note = "",
    }, 0, pool)
  end
  if pool.kind == 0 then
    grants.split_era(pool)
  end
  for i = 1, #pool.eras do
    local piece = grants.find(pool.eras[i].pieces, request.id)
    if piece then
      piece.expires = t -- what the holds leave of it lapses
    end
  end
  local revoked = grant.remaining
  table.remove(pool.grants, index)
  grant.remaining = 0
  if pool.kind == 0 then
    pool.lapsed = pool.lapsed + revoked
  end
  activity.write(account, activity.REVOKE, t, {
    pool = pool.name, credits = revoked, after = grants.available(pool),
    details = { "grant_id", request.id, "reason", request.reason },
  })
  holds.save_pools(account, { pool }, t)
  return unit.give(account, "v:" .. request.id, "", reply.revoked(grant, revoked, pool))
end

return credits
