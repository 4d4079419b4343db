-- What the rulebook answers, packed. A reply is a status, its payload, then the balances of the pools touched.

local host = require("host")
local grants = require("grants")

local pack, concat = host.pack, host.concat

local reply = {}

local DONE, DENIED, REJECTED, STALE, AGAIN = 0, 1, 2, 3, 4
local RESERVATION, CHARGED, RELEASED, NOTHING, ACCOUNT, GRANT, REVOKED, REFUNDED, BUDGET = 1, 2, 3, 4, 5, 6, 7, 8, 9

-- Why a command was rejected; the order is ledger::Rejection's.
local REJECTIONS = {
  "ACCOUNT_NOT_FOUND", "ACCOUNT_EXISTS", "RESERVATION_NOT_FOUND", "RESERVATION_EXISTS", "RESERVATION_COMMITTED",
  "RESERVATION_RELEASED", "RESERVATION_EXPIRED", "QUANTITY_COUNT", "AMOUNT_OVERFLOW", "EXTEND_EXISTS", "GRANT_EXISTS",
  "GRANT_NOT_FOUND", "TOO_MANY_GRANTS", "GRANT_EXPIRED", "REFUND_EXISTS", "REFUND_TOO_LARGE", "NOTHING_CHARGED",
  "BUDGET_NOT_FOUND", "BUDGET_POOL", "POOL_NOT_IN_PLAN", "NO_TEST_CLOCK", "CLOCK_BACKWARDS", "QUANTITY_TOO_LARGE",
}
for i = 1, #REJECTIONS do
  reply[REJECTIONS[i]] = i
end

local function at_least_zero(number)
  return number > 0 and number or 0
end

local function grant_bytes(g, remaining)
  return pack("<Hc0BI8I8HI8I8Hc0", #g.id, g.id, g.kind, g.amount, remaining, g.priority, g.created, g.expires, #g.note,
    g.note)
end

-- State of a balance: 0 ok, 1 exhausted, 2 overage.
local function state_of(pool, remaining)
  if pool.cap == 0 and remaining == 0 and pool.enforce_from <= pool.seen then
    return 1
  end
  if pool.overage > 0 then
    return 2
  end
  return pool.cap == 0 and remaining == 0 and 1 or 0
end

local function balance_bytes(pool, with_grants)
  local remaining, held = grants.remaining(pool), grants.held(pool)
  local head = pack("<Hc0BBBI8I8I8I8I8I8I8I8I8I8I8I8H", #pool.name, pool.name, pool.kind, pool.cap,
    state_of(pool, remaining), pool.allowance, pool.consumed, held, at_least_zero(grants.available(pool)), remaining,
    grants.purchased(pool), pool.overage, pool.uncovered, pool.lapsed, pool.cycle, pool.starts, pool.ends,
    with_grants and #pool.grants or 0)
  if not with_grants then
    return head
  end
  local parts, remainders = { head }, grants.remainders(pool)
  for i = 1, #pool.grants do
    parts[i + 1] = grant_bytes(pool.grants[i], remainders[i])
  end
  return concat(parts)
end

-- The balances of a list of pools.
local function balances(pools, with_grants)
  if not pools then
    return pack("<H", 0)
  end
  local parts = { pack("<H", #pools) }
  for i = 1, #pools do
    parts[i + 1] = balance_bytes(pools[i], with_grants)
  end
  return concat(parts)
end

local function item_bytes(x)
  if x.charged == 0 then
    return pack("<Hc0Hc0I8I8BHc0B", #x.action, x.action, #x.pool, x.pool, x.quantity, x.credits, x.duplicate,
      #x.subject, x.subject, 0)
  end
  return pack("<Hc0Hc0I8I8BHc0BI8I8I8I8B", #x.action, x.action, #x.pool, x.pool, x.quantity, x.credits, x.duplicate,
    #x.subject, x.subject, 1, x.charged_quantity, x.charge, x.uncovered, x.overage, x.charged_duplicate)
end

local function reservation_bytes(r)
  local parts = {
    pack("<Hc0BI8I8I8BHc0HH", #r.id, r.id, r.state, r.created, r.expires, r.ended, r.final_unit, #r.metadata, r.metadata,
      #r.items, #r.budgets),
  }
  for i = 1, #r.items do
    parts[#parts + 1] = item_bytes(r.items[i])
  end
  for i = 1, #r.budgets do
    parts[#parts + 1] = pack("<Hc0", #r.budgets[i].name, r.budgets[i].name)
  end
  return concat(parts)
end

local function done(kind, payload, pools, with_grants)
  return concat({ pack("<BB", DONE, kind), payload, balances(pools, with_grants) })
end

function reply.reservation(r, pools)
  return done(RESERVATION, reservation_bytes(r), pools)
end

function reply.charged(r, pools)
  return done(CHARGED, concat({ pack("<B", r.late), reservation_bytes(r) }), pools)
end

function reply.released(r, pools)
  return done(RELEASED, reservation_bytes(r), pools)
end

function reply.nothing(pools, with_grants)
  return done(NOTHING, pack("<"), pools, with_grants)
end

function reply.account(account, profile, t)
  local a = account.a
  return done(ACCOUNT, pack("<I8BBI8I8I8I4c0", a.revision, a.status, a.clock ~= 0 and 1 or 0, t, a.created,
    a.pending_at, #profile, profile))
end

function reply.grant(grant, pool)
  return done(GRANT, grant_bytes(grant, grant.remaining), { pool }, true)
end

function reply.revoked(grant, revoked, pool)
  return done(REVOKED, concat({ pack("<I8", revoked), grant_bytes(grant, grant.remaining) }), { pool }, true)
end

function reply.refunded(amounts, pools)
  local parts = { pack("<H", #amounts) }
  for i = 1, #amounts do
    parts[i + 1] = pack("<I8", amounts[i])
  end
  return done(REFUNDED, concat(parts), pools)
end

function reply.budget(b)
  return done(BUDGET, pack("<Hc0Hc0I8BHc0I8I8I8I8I8", #b.name, b.name, #b.pool, b.pool, b.limit, b.cap, #b.cycle,
    b.cycle, b.consumed, b.held, b.number, b.starts, b.ends))
end

-- A refusal for business reasons: reason 1 to 5, pool, budget ("" for none), required, available, held, reset.
function reply.denied(d, pools)
  return concat({ pack("<BBHc0Hc0I8I8I8I8", DENIED, d.reason, #d.pool, d.pool, #d.budget, d.budget, d.required,
    d.available, d.held, d.reset), balances(pools) })
end

-- A command that contradicts the state. `subject` names the budget, pool or item at fault where there are several.
function reply.rejected(rejection, subject)
  subject = subject or ""
  return pack("<BBHc0", REJECTED, rejection, #subject, subject)
end

-- What must be brought up to date before the command can be decided.
function reply.stale(stale, t)
  local parts = {
    pack("<BBBI8HH", STALE, stale.account and 1 or 0, stale.pending and 1 or 0, t, #stale.pools, #stale.budgets),
  }
  for i = 1, #stale.pools do
    local p = stale.pools[i]
    parts[#parts + 1] = pack("<Hc0I8I8", #p.name, p.name, p.cycle, p.ends)
  end
  for i = 1, #stale.budgets do
    local b = stale.budgets[i]
    parts[#parts + 1] = pack("<Hc0I8I8Hc0", #b.name, b.name, b.number, b.ends, #b.cycle, b.cycle)
  end
  return concat(parts)
end

function reply.again()
  return pack("<B", AGAIN)
end

return reply
