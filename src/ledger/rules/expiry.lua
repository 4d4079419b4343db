-- Holds that have expired (rules 7, 14): they end before anything else is decided about their account, each at its own
-- time, so that balances are exact whether or not a background task has come by.

local activity = require("activity")
local grants = require("grants")
local holds = require("holds")
local reply = require("reply")
local unit = require("unit")

local expiry = {}

local RELEASE, CHARGE_USED = 0, 1

-- Most holds that one command ends on its way; past it the command is answered "again".
expiry.MOST = 256

-- What each item is charged for when its hold expires, or nil when none is.
local function quantities_of(r)
  local list, any = {}, false
  for i = 1, #r.items do
    local x = r.items[i]
    if x.on_expiry == RELEASE then
      list[i] = 0
    else
      list[i] = x.on_expiry == CHARGE_USED and x.used or x.quantity
      any = true
    end
  end
  return any and list or nil
end

-- Ends one hold at its expiry. Its pools are in the cycle of that moment.
local function expire(account, r)
  local pools = holds.pools(account, r)
  for i = 1, #pools do
    grants.lapse(account, pools[i], r.expires)
  end
  local quantities = quantities_of(r)
  local costs = quantities and holds.costs(account, r, quantities)
  if costs then
    holds.charge(account, r, quantities, costs, holds.EXPIRED, r.expires)
  else
    holds.release(account, r, holds.EXPIRED, r.expires)
  end
  holds.put(account, r)
  holds.log(account, activity.EXPIRE, r, r.expires, nil, { "outcome", costs and "charged" or "released" })
  holds.save_pools(account, pools, r.expires)
end

-- Whether every pool of a reservation is in the cycle of its expiry; those that are not are noted in `stale`.
local function current(account, r, stale)
  local pools, fine = holds.pools(account, r), true
  for i = 1, #pools do
    if pools[i].ends ~= 0 and pools[i].ends <= r.expires then
      stale.pools[#stale.pools + 1] = pools[i]
      fine = false
    end
  end
  return fine
end

-- Ends the holds that expired up to `t`. Returns true when all are; false when `stale` must be mended first or the bound
-- was reached (`stale.again`).
function expiry.settle(account, t, stale)
  local a = account.a
  if a.next_expiry == 0 or a.next_expiry > t then
    return true
  end
  local list, more = unit.first_holds(account, expiry.MOST)
  local done = 0
  for i = 1, #list do
    if list[i].expires > t then
      break
    end
    local r = holds.get(account, list[i].id)
    if not current(account, r, stale) then
      return false
    end
    expire(account, r)
    done = i
  end
  if done > 0 then
    unit.touch_account(account)
  end
  if done == #list and more then
    stale.again = true
    return false
  end
  a.next_expiry = list[done + 1] and list[done + 1].expires or 0
  unit.touch_account(account)
  return true
end

-- Begins a command at `t`: ends the holds that expired and notes a plan change that is due. Returns what is stale, to
-- be added to by the caller, or nil and the reply that something must be done before.
function expiry.begin(account, t)
  local due = account.a.pending_at
  local stale = { pools = {}, budgets = {}, pending = due ~= 0 and due <= t }
  if expiry.settle(account, t, stale) then
    return stale
  end
  return nil, stale.again and reply.again() or reply.stale(stale, t)
end

return expiry
