//! `pack` and `unpack` for the rulebook: the part of the `struct` library of Redis that it uses, so that the same files
//! run there and here. Formats: `<` (always), `B` `H` `I4` `I8` `i8`, and `c0`, a text whose length is the number before it.

use mlua::{Error, FromLua, Lua, MultiValue, Result, Value};

use crate::amount::AMOUNT_MAX;

enum Code {
    Unsigned(usize),
    Signed,
    Text,
}

/// Walks a format; it is written by the rulebook, so a wrong one is a defect and an error.
struct Format<'a> {
    rest: &'a [u8],
}

impl Iterator for Format<'_> {
    type Item = Result<Code>;

    fn next(&mut self) -> Option<Self::Item> {
        let (code, skip) = match self.rest {
            [] => return None,
            [b'<', ..] => {
                self.rest = &self.rest[1..];
                return self.next();
            }
            [b'B', ..] => (Code::Unsigned(1), 1),
            [b'H', ..] => (Code::Unsigned(2), 1),
            [b'I', b'4', ..] => (Code::Unsigned(4), 2),
            [b'I', b'8', ..] => (Code::Unsigned(8), 2),
            [b'i', b'8', ..] => (Code::Signed, 2),
            [b'c', b'0', ..] => (Code::Text, 2),
            _ => return Some(Err(Error::runtime("unknown pack format"))),
        };
        self.rest = &self.rest[skip..];
        Some(Ok(code))
    }
}

/// A whole number that Lua holds exactly.
fn whole(value: &Value, min: f64, max: f64) -> Result<i64> {
    let number = match value {
        Value::Number(number) => *number,
        #[expect(clippy::cast_precision_loss, reason = "checked against 2^53-1 below")]
        Value::Integer(number) => *number as f64,
        other => return Err(Error::runtime(format!("pack wants a number, got {}", other.type_name()))),
    };
    if number < min || number > max || number.fract() != 0.0 || number.is_nan() {
        return Err(Error::runtime(format!("{number} is no whole number from {min} to {max}")));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within 2^53, checked above")]
    Ok(number as i64)
}

#[expect(clippy::cast_precision_loss, reason = "2^53-1 is exact")]
const MAX: f64 = AMOUNT_MAX as f64;

fn max_of(size: usize) -> f64 {
    match size {
        1 => f64::from(u8::MAX),
        2 => f64::from(u16::MAX),
        4 => f64::from(u32::MAX),
        _ => MAX,
    }
}

fn pack(lua: &Lua, args: MultiValue) -> Result<mlua::LuaString> {
    let mut args = args.into_iter();
    let format = args.next().ok_or_else(|| Error::runtime("pack wants a format"))?;
    let format = mlua::LuaString::from_lua(format, lua)?;
    let mut out = Vec::with_capacity(128);
    for code in (Format { rest: &format.as_bytes() }) {
        let value = args.next().ok_or_else(|| Error::runtime("pack wants more values"))?;
        match code? {
            Code::Unsigned(size) => {
                let number = whole(&value, 0.0, max_of(size))?;
                out.extend_from_slice(&number.to_le_bytes()[..size]);
            }
            Code::Signed => out.extend_from_slice(&whole(&value, -MAX, MAX)?.to_le_bytes()),
            Code::Text => match value {
                Value::String(text) => out.extend_from_slice(&text.as_bytes()),
                other => return Err(Error::runtime(format!("pack wants a text, got {}", other.type_name()))),
            },
        }
    }
    lua.create_string(&out)
}

fn unpack(lua: &Lua, (format, bytes, position): (mlua::LuaString, mlua::LuaString, usize)) -> Result<MultiValue> {
    let (format, bytes) = (format.as_bytes(), bytes.as_bytes());
    let mut at = position.checked_sub(1).ok_or_else(|| Error::runtime("positions begin at 1"))?;
    let mut values = Vec::with_capacity(32);
    let mut take = |len: usize| {
        let slice = at.checked_add(len).and_then(|end| bytes.get(at..end));
        at += len;
        slice.ok_or_else(|| Error::runtime("packed bytes are cut short"))
    };
    let mut last = 0_u64;
    for code in (Format { rest: &format }) {
        match code? {
            Code::Unsigned(size) => {
                let mut wide = [0; 8];
                wide[..size].copy_from_slice(take(size)?);
                last = u64::from_le_bytes(wide);
                if last > AMOUNT_MAX {
                    return Err(Error::runtime("a packed number is above 2^53-1"));
                }
                #[expect(clippy::cast_precision_loss, reason = "at most 2^53-1, checked above")]
                values.push(Value::Number(last as f64));
            }
            Code::Signed => {
                let mut wide = [0; 8];
                wide.copy_from_slice(take(8)?);
                let number = i64::from_le_bytes(wide);
                if number.unsigned_abs() > AMOUNT_MAX {
                    return Err(Error::runtime("a packed number is above 2^53-1"));
                }
                #[expect(clippy::cast_precision_loss, reason = "at most 2^53-1, checked above")]
                values.push(Value::Number(number as f64));
            }
            Code::Text => {
                values.pop();
                let len = usize::try_from(last).map_err(|_| Error::runtime("packed bytes are cut short"))?;
                values.push(Value::String(lua.create_string(take(len)?)?));
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a position within a unit of work")]
    values.push(Value::Number((at + 1) as f64));
    Ok(MultiValue::from_vec(values))
}

/// The two functions, as members for the rulebook's `host`.
pub fn functions(lua: &Lua) -> Result<(mlua::Function, mlua::Function)> {
    Ok((lua.create_function(pack)?, lua.create_function(unpack)?))
}
