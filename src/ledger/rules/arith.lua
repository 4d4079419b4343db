-- Exact arithmetic on whole numbers from 0 to 2^53-1, the largest that a Lua number holds exactly (rules 1 and 2).
-- Nothing here rounds by accident: a product that passes 2^53-1 takes the wide way, limb by limb.

local floor, fmod = math.floor, math.fmod

local arith = {}

arith.MAX = 9007199254740991

local MAX = arith.MAX
local BASE = 16777216 -- 2^24: a product of two limbs, and a sum of three such, stays exact

-- The six limbs of a * b, lowest first.
local function wide_product(a, b)
  local a0, a1, a2 = fmod(a, BASE), fmod(floor(a / BASE), BASE), floor(a / (BASE * BASE))
  local b0, b1, b2 = fmod(b, BASE), fmod(floor(b / BASE), BASE), floor(b / (BASE * BASE))
  local limbs = { a0 * b0, a0 * b1 + a1 * b0, a0 * b2 + a1 * b1 + a2 * b0, a1 * b2 + a2 * b1, a2 * b2, 0 }
  for i = 1, 5 do
    local low = fmod(limbs[i], BASE)
    limbs[i + 1] = limbs[i + 1] + (limbs[i] - low) / BASE
    limbs[i] = low
  end
  return limbs
end

-- Schoolbook division of six limbs, bit by bit. Returns quotient and remainder, or nil when the quotient passes 2^53-1.
local function wide_divide(limbs, divisor)
  local quotient, rest = 0, 0
  for i = 6, 1, -1 do
    local limb, weight = limbs[i], BASE / 2
    for _ = 1, 24 do
      local bit = 0
      if limb >= weight then
        bit, limb = 1, limb - weight
      end
      weight = weight / 2
      -- rest * 2 + bit against divisor, without ever forming rest * 2
      local gap = divisor - rest
      if quotient > MAX / 2 then
        return nil
      end
      if rest + bit >= gap then
        rest, quotient = rest + bit - gap, quotient * 2 + 1
      else
        rest, quotient = rest * 2 + bit, quotient * 2
      end
    end
  end
  return quotient, rest
end

-- a * b / divisor as quotient and remainder, or nil when the quotient passes 2^53-1. The divisor is not 0.
local function mul_div(a, b, divisor)
  local product = a * b
  if product <= MAX then
    local rest = fmod(product, divisor)
    return (product - rest) / divisor, rest
  end
  return wide_divide(wide_product(a, b), divisor)
end

-- Rounded down; nil past 2^53-1.
function arith.mul_div_floor(a, b, divisor)
  local quotient = mul_div(a, b, divisor)
  return quotient
end

-- Rounded up; nil past 2^53-1.
function arith.mul_div_ceil(a, b, divisor)
  local quotient, rest = mul_div(a, b, divisor)
  if not quotient then
    return nil
  end
  if rest > 0 then
    quotient = quotient + 1
  end
  if quotient > MAX then
    return nil
  end
  return quotient
end

-- The credits for a quantity: quantity * credits / per, rounded as the price says (0 up, 1 down, 2 every started `per` in
-- full); nil past 2^53-1.
function arith.cost(price, quantity)
  if price.round == 1 then
    return arith.mul_div_floor(quantity, price.credits, price.per)
  end
  if price.round == 2 then
    return arith.mul_div_ceil(arith.mul_div_ceil(quantity, 1, price.per), price.credits, 1)
  end
  return arith.mul_div_ceil(quantity, price.credits, price.per)
end

-- The largest quantity up to `most` that costs at most `credits`.
function arith.affordable(price, credits, most)
  if price.credits == 0 then
    return most
  end
  local quantity
  if price.round == 1 then
    -- floor(q * c / per) <= credits  <=>  q * c < (credits + 1) * per; 2^53 is exact, and the wide way takes it
    quantity = arith.mul_div_ceil(credits + 1, price.per, price.credits)
    quantity = quantity and quantity - 1
  elseif price.round == 2 then
    quantity = arith.mul_div_floor(arith.mul_div_floor(credits, 1, price.credits), price.per, 1)
  else
    quantity = arith.mul_div_floor(credits, price.per, price.credits)
  end
  if not quantity or quantity > most then
    return most
  end
  return quantity
end

-- A whole number as text, the same in every Lua (tostring(1e15) differs from 1000000000000000).
function arith.text(number)
  return string.format("%.0f", number)
end

return arith
