-- The commands as they come from the service, unpacked. One reader per verb; the numbers are ledger::wire's.
-- A reader takes the bytes and a position and returns the command and the position after it.

local host = require("host")

local unpack = host.unpack

local command = {}

local readers = {}

local function texts(s, pos)
  local list, count = {}
  count, pos = unpack("<H", s, pos)
  for i = 1, count do
    list[i], pos = unpack("<Hc0", s, pos)
  end
  return list, pos
end

local function numbers(s, pos)
  local list, count = {}
  count, pos = unpack("<H", s, pos)
  for i = 1, count do
    list[i], pos = unpack("<I8", s, pos)
  end
  return list, pos
end

local function budget_terms(s, pos)
  local b = {}
  b.name, b.pool, b.limit, b.cap, b.cycle, b.number, b.starts, b.ends, pos = unpack("<Hc0Hc0I8BHc0I8I8I8", s, pos)
  return b, pos
end

local function pool_terms(s, pos)
  local p, alerts = { alerts = {} }
  p.name, p.kind, p.cap, p.allowance, p.overage_limit, p.enforce_from, p.rollover_max, p.rollover_cycles, p.cycle, p.starts, p.ends, alerts, pos =
    unpack("<Hc0BBI8i8I8i8HI8I8I8B", s, pos)
  for i = 1, alerts do
    p.alerts[i], pos = unpack("<H", s, pos)
  end
  return p, pos
end

local function pool_list(s, pos)
  local list, count = {}
  count, pos = unpack("<H", s, pos)
  for i = 1, count do
    list[i], pos = pool_terms(s, pos)
  end
  return list, pos
end

local function reserve(s, pos)
  local c, items, budgets = { items = {}, budgets = {} }
  c.id, c.fingerprint, c.ttl, c.dry_run, c.metadata, items, budgets, pos = unpack("<Hc0Bc0I8BHc0HH", s, pos)
  for i = 1, items do
    local x = { price = {} }
    x.action, x.pool, x.in_plan, x.quantity, x.min_quantity, x.price.credits, x.price.per, x.price.round, x.once, x.once_ms, x.on_expiry, x.max_quantity, x.subject, x.dimensions, pos =
      unpack("<Hc0Hc0BI8I8I8I8BBI8BI8Hc0Hc0", s, pos)
    c.items[i] = x
  end
  for i = 1, budgets do
    local use, named = {}
    use.name, named, pos = unpack("<Hc0B", s, pos)
    if named == 1 then
      use.terms, pos = budget_terms(s, pos)
    end
    c.budgets[i] = use
  end
  return c, pos
end

readers[1] = reserve
readers[2] = reserve

readers[3] = function(s, pos) -- Commit
  local c = {}
  c.id, c.fingerprint, c.metadata, pos = unpack("<Hc0Bc0Hc0", s, pos)
  c.quantities, pos = numbers(s, pos)
  return c, pos
end

readers[4] = function(s, pos) -- Release
  local c = {}
  c.id, c.fingerprint, c.reason, pos = unpack("<Hc0Bc0Hc0", s, pos)
  return c, pos
end

readers[5] = function(s, pos) -- Extend
  local c = {}
  c.id, c.extend_id, c.fingerprint, c.ttl, pos = unpack("<Hc0Hc0Bc0I8", s, pos)
  c.quantities, pos = numbers(s, pos)
  c.used, pos = numbers(s, pos)
  return c, pos
end

readers[6] = function(s, pos) -- GetBalance
  local c = {}
  c.pools, pos = texts(s, pos)
  return c, pos
end

readers[7] = function(s, pos) -- GetReservation
  local c = {}
  c.id, pos = unpack("<Hc0", s, pos)
  return c, pos
end

readers[8] = function(s, pos) -- PutAccount
  local c = {}
  c.status, c.clock, c.pending_at, c.expected, c.profile, pos = unpack("<BI8I8i8I4c0", s, pos)
  c.pools, pos = pool_list(s, pos)
  return c, pos
end

readers[9] = function(_, pos) -- GetAccount
  return {}, pos
end

readers[10] = function(_, pos) -- DeleteAccount
  return {}, pos
end

readers[11] = function(s, pos) -- Retarget
  local c = {}
  c.status, c.pending_at, c.at, c.plan, c.profile, pos = unpack("<BI8I8Hc0I4c0", s, pos)
  c.pools, pos = pool_list(s, pos)
  c.dropped, pos = texts(s, pos)
  return c, pos
end

readers[12] = function(s, pos) -- Roll
  local c, count = { steps = {} }
  count, pos = unpack("<H", s, pos)
  for i = 1, count do
    local step, kind = {}
    kind, step.from, pos = unpack("<BI8", s, pos)
    if kind == 0 then
      step.terms, pos = pool_terms(s, pos)
      step.rollover_expires, pos = unpack("<I8", s, pos)
    else
      step.name, step.number, step.starts, step.ends, pos = unpack("<Hc0I8I8I8", s, pos)
    end
    c.steps[i] = step
  end
  return c, pos
end

readers[13] = function(s, pos) -- AdvanceClock
  local c = {}
  c.to, pos = unpack("<I8", s, pos)
  return c, pos
end

readers[14] = function(s, pos) -- Grant
  local c = {}
  c.pool, c.id, c.fingerprint, c.kind, c.amount, c.priority, c.expires, c.note, pos =
    unpack("<Hc0Hc0Bc0BI8HI8Hc0", s, pos)
  return c, pos
end

readers[15] = function(s, pos) -- Revoke
  local c = {}
  c.pool, c.id, c.reason, pos = unpack("<Hc0Hc0Hc0", s, pos)
  return c, pos
end

readers[16] = function(s, pos) -- Refund
  local c = {}
  c.id, c.fingerprint, c.reservation, c.unmark, c.reason, pos = unpack("<Hc0Bc0Hc0BHc0", s, pos)
  c.credits, pos = numbers(s, pos)
  return c, pos
end

readers[17] = budget_terms -- PutBudget

readers[18] = function(s, pos) -- GetBudget
  local c = {}
  c.name, pos = unpack("<Hc0", s, pos)
  return c, pos
end

readers[19] = readers[18] -- DeleteBudget

-- Reads the command at `pos`: verb, account, expected revision (-1: any), then what the verb needs.
function command.read(s, pos)
  local verb, account, revision, c
  verb, account, revision, pos = unpack("<BHc0i8", s, pos)
  c, pos = readers[verb](s, pos)
  c.verb, c.account, c.revision = verb, account, revision
  return c, pos
end

return command
