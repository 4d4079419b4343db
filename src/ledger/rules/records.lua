-- The records of the ledger and how they are packed: little-endian, fixed order, a format number first.
-- A field names a record within its account; its first byte tells the kind:
--   a account · i profile (opaque) · p:POOL · r:RESERVATION · b:BUDGET · m:ACTION\0SUBJECT mark
--   q:RESERVATION · e:RESERVATION · g:GRANT · f:REFUND · x:RESERVATION\0EXTEND answers given: to a Reserve or Charge, to
--   what ended it, to a grant, a refund, an extension; v:GRANT to the revocation of a grant. They go when their reservation goes, if they belong to one.
-- Packed bytes are the host's: the rules pass them on and never look into them.
-- Times are milliseconds; 0 stands for "never" or "none" unless said otherwise.

local host = require("host")

local pack, unpack, concat = host.pack, host.unpack, host.concat

local records = {}

local FORMAT = 1

local encoders, decoders = {}, {}

function encoders.a(r)
  return pack("<BI8BI8I8I8I8I8", FORMAT, r.revision, r.status, r.created, r.seen, r.clock, r.next_expiry, r.pending_at)
end

function decoders.a(s)
  local r, _ = {}
  _, r.revision, r.status, r.created, r.seen, r.clock, r.next_expiry, r.pending_at = unpack("<BI8BI8I8I8I8I8", s, 1)
  return r
end

function encoders.i(r)
  return pack("<I4c0", #r.profile, r.profile)
end

function decoders.i(s)
  return { profile = (unpack("<I4c0", s, 1)) }
end

-- Grants and the pieces of grants that an era keeps share one layout.
local GRANT = "<Hc0BI8I8I8HI8I8Hc0"

local function encode_grants(parts, list)
  parts[#parts + 1] = pack("<H", #list)
  for i = 1, #list do
    local g = list[i]
    parts[#parts + 1] =
      pack(GRANT, #g.id, g.id, g.kind, g.amount, g.remaining, g.debt, g.priority, g.created, g.expires, #g.note, g.note)
  end
end

local function decode_grants(s, pos)
  local list, count = {}
  count, pos = unpack("<H", s, pos)
  for i = 1, count do
    local g = {}
    g.id, g.kind, g.amount, g.remaining, g.debt, g.priority, g.created, g.expires, g.note, pos = unpack(GRANT, s, pos)
    list[i] = g
  end
  return list, pos
end

local TERMS = "<BBBBI8i8I8i8HI8I8I8I8"
local COUNTERS = "<I8I8I8I8I8I8"

function encoders.p(r)
  local parts = {
    pack(TERMS, FORMAT, r.in_plan, r.kind, r.cap, r.allowance, r.overage_limit, r.enforce_from, r.rollover_max,
      r.rollover_cycles, r.cycle, r.starts, r.ends, r.seen),
    pack(COUNTERS, r.granted, r.consumed, r.held, r.overage, r.uncovered, r.lapsed),
    pack("<BBBI8I8I8I8I8I8I8B", r.fired, r.paused, r.over, r.era, r.denied[1], r.denied[2], r.denied[3], r.denied[4],
      r.denied[5], r.would_deny, #r.alerts),
  }
  for i = 1, #r.alerts do
    parts[#parts + 1] = pack("<H", r.alerts[i])
  end
  encode_grants(parts, r.grants)
  parts[#parts + 1] = pack("<HH", #r.eras, #r.past)
  for i = 1, #r.eras do
    local e = r.eras[i]
    parts[#parts + 1] = pack("<I8I8I8", e.era, e.cycle, e.held)
    encode_grants(parts, e.pieces)
  end
  for i = 1, #r.past do
    local c = r.past[i]
    parts[#parts + 1] = pack("<I8I8I8I8I8I8", c.cycle, c.granted, c.consumed, c.overage, c.uncovered, c.lapsed)
  end
  return concat(parts)
end

function decoders.p(s)
  local r, pos = { denied = {}, alerts = {}, eras = {}, past = {} }, 1
  local alerts, eras, past, _
  _, r.in_plan, r.kind, r.cap, r.allowance, r.overage_limit, r.enforce_from, r.rollover_max, r.rollover_cycles, r.cycle, r.starts, r.ends, r.seen, pos =
    unpack(TERMS, s, pos)
  r.granted, r.consumed, r.held, r.overage, r.uncovered, r.lapsed, pos = unpack(COUNTERS, s, pos)
  local d = r.denied
  r.fired, r.paused, r.over, r.era, d[1], d[2], d[3], d[4], d[5], r.would_deny, alerts, pos =
    unpack("<BBBI8I8I8I8I8I8I8B", s, pos)
  for i = 1, alerts do
    r.alerts[i], pos = unpack("<H", s, pos)
  end
  r.grants, pos = decode_grants(s, pos)
  eras, past, pos = unpack("<HH", s, pos)
  for i = 1, eras do
    local e = {}
    e.era, e.cycle, e.held, pos = unpack("<I8I8I8", s, pos)
    e.pieces, pos = decode_grants(s, pos)
    r.eras[i] = e
  end
  for i = 1, past do
    local c = {}
    c.cycle, c.granted, c.consumed, c.overage, c.uncovered, c.lapsed, pos = unpack("<I8I8I8I8I8I8", s, pos)
    r.past[i] = c
  end
  return r
end

function encoders.b(r)
  return pack("<BHc0I8BHc0I8I8I8I8I8I8", FORMAT, #r.pool, r.pool, r.limit, r.cap, #r.cycle, r.cycle, r.number, r.starts,
    r.ends, r.consumed, r.held, r.made)
end

function decoders.b(s)
  local r, _ = {}
  _, r.pool, r.limit, r.cap, r.cycle, r.number, r.starts, r.ends, r.consumed, r.held, r.made =
    unpack("<BHc0I8BHc0I8I8I8I8I8I8", s, 1)
  return r
end

-- A mark: the subject was charged; until when (0: for ever), in which cycle and in which one before, by which reservation.
function encoders.m(r)
  return pack("<BI8I8i8Hc0", FORMAT, r.till, r.cycle, r.earlier, #r.by, r.by)
end

function decoders.m(s)
  local r, _ = {}
  _, r.till, r.cycle, r.earlier, r.by = unpack("<BI8I8i8Hc0", s, 1)
  return r
end

-- An answer given, to be given again to a retry.
local function encode_given(r)
  return concat({ pack("<Bc0", #r.fingerprint, r.fingerprint), r.answer })
end

local function decode_given(s)
  local r, pos = {}
  r.fingerprint, pos = unpack("<Bc0", s, 1)
  r.answer = host.slice(s, pos)
  return r
end

encoders.q, decoders.q = encode_given, decode_given
encoders.e, decoders.e = encode_given, decode_given
encoders.g, decoders.g = encode_given, decode_given
encoders.f, decoders.f = encode_given, decode_given
encoders.x, decoders.x = encode_given, decode_given
encoders.v, decoders.v = encode_given, decode_given

local RESERVATION = "<BBI8I8I8BBHc0HH"
local ITEM = "<Hc0Hc0BI8I8I8I8BBI8BI8I8BHc0Hc0BI8I8I8I8BI8BHH"
local DRAW = "<Hc0BI8HI8I8I8I8Hc0"

local function encode_item(parts, x)
  parts[#parts + 1] = pack(ITEM, #x.action, x.action, #x.pool, x.pool, x.kind, x.quantity, x.credits, x.price.credits,
    x.price.per, x.price.round, x.once, x.once_ms, x.on_expiry, x.max_quantity, x.used, x.duplicate, #x.subject, x.subject, #x.dimensions,
    x.dimensions, x.charged, x.charged_quantity, x.charge, x.uncovered, x.overage, x.charged_duplicate, x.refunded,
    x.observed, #x.parts, #x.draws)
  for i = 1, #x.parts do
    parts[#parts + 1] = pack("<I8I8I8", x.parts[i].era, x.parts[i].cycle, x.parts[i].credits)
  end
  for i = 1, #x.draws do
    local d = x.draws[i]
    parts[#parts + 1] =
      pack(DRAW, #d.id, d.id, d.kind, d.grant_amount, d.priority, d.created, d.expires, d.cycle, d.amount, #d.note, d.note)
  end
end

local function decode_item(s, pos)
  local x, parts, draws = { price = {}, parts = {}, draws = {} }
  x.action, x.pool, x.kind, x.quantity, x.credits, x.price.credits, x.price.per, x.price.round, x.once, x.once_ms, x.on_expiry, x.max_quantity, x.used, x.duplicate, x.subject, x.dimensions, x.charged, x.charged_quantity, x.charge, x.uncovered, x.overage, x.charged_duplicate, x.refunded, x.observed, parts, draws, pos =
    unpack(ITEM, s, pos)
  for i = 1, parts do
    local p = {}
    p.era, p.cycle, p.credits, pos = unpack("<I8I8I8", s, pos)
    x.parts[i] = p
  end
  for i = 1, draws do
    local d = {}
    d.id, d.kind, d.grant_amount, d.priority, d.created, d.expires, d.cycle, d.amount, d.note, pos = unpack(DRAW, s, pos)
    x.draws[i] = d
  end
  return x, pos
end

function encoders.r(r)
  local parts = {
    pack(RESERVATION, FORMAT, r.state, r.created, r.expires, r.ended, r.final_unit, r.late, #r.metadata, r.metadata,
      #r.items, #r.budgets),
  }
  for i = 1, #r.items do
    encode_item(parts, r.items[i])
  end
  for i = 1, #r.budgets do
    local b = r.budgets[i]
    parts[#parts + 1] = pack("<Hc0I8H", #b.name, b.name, b.made, #b.parts)
    for j = 1, #b.parts do
      parts[#parts + 1] = pack("<I8I8", b.parts[j].number, b.parts[j].credits)
    end
  end
  return concat(parts)
end

function decoders.r(s)
  local r, pos = { items = {}, budgets = {} }, 1
  local items, budgets, _
  _, r.state, r.created, r.expires, r.ended, r.final_unit, r.late, r.metadata, items, budgets, pos =
    unpack(RESERVATION, s, pos)
  for i = 1, items do
    r.items[i], pos = decode_item(s, pos)
  end
  for i = 1, budgets do
    local b, count = { parts = {} }
    b.name, b.made, count, pos = unpack("<Hc0I8H", s, pos)
    for j = 1, count do
      local p = {}
      p.number, p.credits, pos = unpack("<I8I8", s, pos)
      b.parts[j] = p
    end
    r.budgets[i] = b
  end
  return r
end

function records.encode(field, record)
  return encoders[field:sub(1, 1)](record)
end

-- The record with its own name or id, which the field tells.
function records.decode(field, bytes)
  local kind = field:sub(1, 1)
  local record = decoders[kind](bytes)
  if kind == "p" or kind == "b" then
    record.name = field:sub(3)
  elseif kind == "r" then
    record.id = field:sub(3)
  end
  return record
end

return records
