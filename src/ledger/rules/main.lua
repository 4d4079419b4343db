-- The entry of the rulebook: applies a unit of work, command by command, and has its changes saved together.

local accounts = require("accounts")
local command = require("command")
local credits = require("credits")
local finish = require("finish")
local reply = require("reply")
local reserve = require("reserve")
local unit = require("unit")

local main = {}

-- By verb; the numbers are ledger::wire's.
local VERBS = {
  reserve.reserve, reserve.charge, finish.commit, finish.release, reserve.extend, accounts.balances, accounts.reservation,
  accounts.put, accounts.get, accounts.delete, accounts.retarget, accounts.roll, accounts.advance, credits.grant,
  credits.revoke, finish.refund, accounts.put_budget, accounts.get_budget, accounts.delete_budget,
}
local PUT_ACCOUNT = 8

local function run(c)
  local account = unit.account(c.account)
  if not account.a and c.verb ~= PUT_ACCOUNT then
    return reply.rejected(reply.ACCOUNT_NOT_FOUND)
  end
  if c.revision >= 0 and account.a.revision ~= c.revision then
    return reply.stale({ account = true, pools = {}, budgets = {} }, unit.now(account))
  end
  return VERBS[c.verb](account, c)
end

-- Applies `count` packed commands at the host's time `now`, keeping at most about `loaded_max` records loaded afterwards.
-- Returns one packed reply per command.
function main.apply(commands, count, now, loaded_max)
  local replies, pos = {}, 1
  unit.begin(now)
  for i = 1, count do
    local c
    c, pos = command.read(commands, pos)
    replies[i] = run(c)
  end
  unit.save(loaded_max)
  return replies
end

-- Forgets what is loaded, after a unit whose changes could not be kept.
function main.forget()
  unit.forget()
end

return main
