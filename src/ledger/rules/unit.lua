-- The state under a unit of work: records are loaded once, changed as tables, and saved together at the end.
-- A verb checks everything before it changes anything, so a refused command leaves no trace here.
-- Accounts stay loaded between units up to a bound where the host lives on (two generations, the older one dropped);
-- in a host that starts afresh with each unit the bound never comes into play.

local host = require("host")
local records = require("records")

local unit = {}

local young, old, young_size = {}, {}, 0
local dirty, emitted
local clock_now

-- Begins a unit at the host's time `now`.
function unit.begin(now)
  dirty, emitted, clock_now = {}, {}, now
end

-- Forgets everything loaded, after a unit that failed: what is on disk is the truth.
function unit.forget()
  young, old, young_size = {}, {}, 0
end

local function load(account, field)
  local bytes = host.read(account.id, field)
  return bytes and records.decode(field, bytes) or false
end

-- The account of that id with its loaded records; `account.a` is its own record, false where it does not exist.
function unit.account(id)
  local account = young[id]
  if not account then
    account = old[id]
    if account then
      old[id] = nil
    else
      account = { id = id, records = {}, size = 1, seen = 0, changes = false }
      account.a = load(account, "a")
      account.seen = account.a and account.a.seen or 0
    end
    young[id] = account
    young_size = young_size + account.size
  end
  return account
end

-- The record of a field, false where there is none.
function unit.get(account, field)
  local record = account.records[field]
  if record == nil then
    record = load(account, field)
    account.records[field] = record
    account.size = account.size + 1
    young_size = young_size + 1
    if record and record.seen and record.seen > account.seen then
      account.seen = record.seen
    end
  end
  return record
end

-- Notes that the account's own record changed.
function unit.touch_account(account)
  if not account.a_dirty then
    account.a_dirty = true
    dirty[#dirty + 1] = { account = account, field = "a" }
  end
end

-- Puts a record (false: removes it), to be dropped by the host some time after `drop_at` (0: kept).
function unit.put(account, field, record, drop_at)
  account.records[field] = record
  local marks = account.marks
  if not marks then
    marks = {}
    account.marks = marks
  end
  local entry = marks[field]
  if not entry then
    entry = { account = account, field = field }
    marks[field] = entry
    dirty[#dirty + 1] = entry
  end
  entry.drop_at = drop_at or 0
end

-- Notes that a hold is open until `expires`, or, with 0, open no more.
function unit.index_hold(account, id, before, expires)
  local changes = account.changes
  if not changes then
    changes = { order = {} }
    account.changes = changes
  end
  local change = changes[id]
  if not change then
    change = { id = id, before = before, account = account }
    changes[id] = change
    changes.order[#changes.order + 1] = change
    dirty[#dirty + 1] = change
  end
  change.expires = expires
  local a = account.a
  if expires ~= 0 and (a.next_expiry == 0 or expires < a.next_expiry) then
    a.next_expiry = expires
    unit.touch_account(account)
  end
end

local function by_expiry(x, y)
  if x.expires ~= y.expires then
    return x.expires < y.expires
  end
  return x.id < y.id
end

-- The open holds that expire first, as { id, expires } in order; and whether there may be more than these.
function unit.first_holds(account, limit)
  local changes = account.changes
  local ask = limit + (changes and #changes.order or 0)
  local list, found = {}, host.holds(account.id, ask)
  for i = 1, #found, 2 do
    if not (changes and changes[found[i]]) then
      list[#list + 1] = { id = found[i], expires = found[i + 1] }
    end
  end
  for i = 1, changes and #changes.order or 0 do
    local change = changes.order[i]
    if change.expires ~= 0 then
      list[#list + 1] = { id = change.id, expires = change.expires }
    end
  end
  table.sort(list, by_expiry)
  return list, #found >= 2 * ask
end

-- Adds an entry to the account's activity.
function unit.emit(account, bytes)
  emitted[#emitted + 1] = account
  emitted[#emitted + 1] = bytes
end

-- The account's time: its test clock, or the host's time, which never goes back for an account.
function unit.now(account)
  local a = account.a
  if a.clock ~= 0 then
    return a.clock
  end
  if account.seen > clock_now then
    return account.seen
  end
  account.seen = clock_now
  return clock_now
end

-- The host's time; a new account's revision begins with it, so that an account made anew is told from the one before.
function unit.host_now()
  return clock_now
end

-- When a record that is of no use after `span` from now may be dropped. Accounts on a test clock drop nothing: their
-- time is not the host's.
function unit.drop_after(account, span)
  if account.a.clock ~= 0 then
    return 0
  end
  return unit.now(account) + span
end

local KEEP = { a = true, p = true, b = true }

local function keeps(field, record)
  return KEEP[field:sub(1, 1)] or (record and record.state == 1)
end

local function save_record(account, field, drop_at)
  if field == "a" then
    account.a_dirty = false
    if account.a then
      account.a.seen = account.seen
    end
    host.write(account.id, field, account.a and records.encode(field, account.a) or false, 0)
    return
  end
  local record = account.records[field]
  account.marks[field] = nil
  host.write(account.id, field, record and records.encode(field, record) or false, drop_at)
  if not keeps(field, record) then
    account.records[field] = nil
    account.size = account.size - 1
    young_size = young_size - 1
  end
end

-- Hands every change to the host, then lets go of what is past the bound of `loaded_max` records.
function unit.save(loaded_max)
  for i = 1, #dirty do
    local entry = dirty[i]
    local account = entry.account
    -- An account removed within this unit is gone with all that it had.
    if entry.field and not account.gone then
      save_record(account, entry.field, entry.drop_at)
    elseif not account.gone then
      host.index(account.id, entry.id, entry.before, entry.expires)
      account.changes = false
    end
  end
  for i = 1, #emitted, 2 do
    if not emitted[i].gone then
      host.emit(emitted[i].id, emitted[i + 1])
    end
  end
  if young_size > loaded_max then
    old, young, young_size = young, {}, 0
  end
end

-- Removes an account from memory; the host removes its records.
function unit.drop_account(account)
  account.gone = true
  young[account.id], old[account.id] = nil, nil
end

return unit
