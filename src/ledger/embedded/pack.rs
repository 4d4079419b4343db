//! Packed bytes for the rulebook: the part of the `struct` library of Redis that it uses, over an arena on this side. The
//! rulebook holds handles, never the bytes: Lua 5.1 keeps every string it sees in one table and hashes only a sample of
//! a long one, so that packed records, which differ in few bytes, would collide by the thousand (measured: 50 times the
//! time of the rules themselves).
//!
//! Formats: `<` (always), `B` `H` `I4` `I8` `i8`, and `c0`, a text whose length is the number before it.

use std::{cell::RefCell, ops::Range, rc::Rc};

use mlua::{Error, Lua, LuaString, MultiValue, Result, Table, Value};

use crate::amount::AMOUNT_MAX;

/// Packed bytes of one unit of work. Handles count from 1 and are good until `clear`.
#[derive(Default)]
pub struct Arena {
    bytes: Vec<u8>,
    entries: Vec<Range<usize>>,
}

impl Arena {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    pub fn add(&mut self, bytes: &[u8]) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.close(start)
    }

    fn close(&mut self, start: usize) -> usize {
        self.entries.push(start..self.bytes.len());
        self.entries.len()
    }

    fn range(&self, handle: usize) -> Result<Range<usize>> {
        let entry = handle.checked_sub(1).and_then(|index| self.entries.get(index));
        entry.cloned().ok_or_else(|| Error::runtime("no such packed bytes"))
    }

    pub fn get(&self, handle: usize) -> Result<&[u8]> {
        Ok(&self.bytes[self.range(handle)?])
    }
}

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

/// Packs values by a format.
fn pack(arena: &mut Arena, mut args: MultiValue) -> Result<usize> {
    let Some(Value::String(format)) = args.pop_front() else {
        return Err(Error::runtime("pack wants a format"));
    };
    let start = arena.bytes.len();
    for code in (Format { rest: &format.as_bytes() }) {
        let value = args.pop_front().ok_or_else(|| Error::runtime("pack wants more values"))?;
        match code? {
            Code::Unsigned(size) => {
                let number = whole(&value, 0.0, max_of(size))?;
                arena.bytes.extend_from_slice(&number.to_le_bytes()[..size]);
            }
            Code::Signed => arena.bytes.extend_from_slice(&whole(&value, -MAX, MAX)?.to_le_bytes()),
            Code::Text => match value {
                Value::String(text) => arena.bytes.extend_from_slice(&text.as_bytes()),
                other => return Err(Error::runtime(format!("pack wants a text, got {}", other.type_name()))),
            },
        }
    }
    Ok(arena.close(start))
}

/// Joins packed bytes.
fn concat(arena: &mut Arena, parts: &Table) -> Result<usize> {
    let start = arena.bytes.len();
    for part in parts.sequence_values::<usize>() {
        let range = arena.range(part?)?;
        arena.bytes.extend_from_within(range);
    }
    Ok(arena.close(start))
}

/// The bytes of an entry from a position, counted from 1.
fn slice(arena: &mut Arena, handle: usize, from: usize) -> Result<usize> {
    let range = arena.range(handle)?;
    let start = range.start + from.saturating_sub(1);
    if start > range.end {
        return Err(Error::runtime("packed bytes are cut short"));
    }
    arena.entries.push(start..range.end);
    Ok(arena.entries.len())
}

/// Unpacks values by a format from a position, counted from 1; the last value is the position after them.
fn unpack(lua: &Lua, arena: &Arena, format: &LuaString, handle: usize, position: usize) -> Result<MultiValue> {
    let bytes = arena.get(handle)?;
    let mut at = position.checked_sub(1).ok_or_else(|| Error::runtime("positions begin at 1"))?;
    let mut values = Vec::with_capacity(32);
    let mut take = |len: usize| {
        let slice = at.checked_add(len).and_then(|end| bytes.get(at..end));
        at += len;
        slice.ok_or_else(|| Error::runtime("packed bytes are cut short"))
    };
    let mut last = 0_u64;
    for code in (Format { rest: &format.as_bytes() }) {
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

/// Adds the functions over an arena to the rulebook's `host`.
pub fn add_functions(lua: &Lua, module: &Table, arena: &Rc<RefCell<Arena>>) -> Result<()> {
    let on = Rc::clone(arena);
    module.set("pack", lua.create_function(move |_, args: MultiValue| pack(&mut on.borrow_mut(), args))?)?;
    let on = Rc::clone(arena);
    module.set("concat", lua.create_function(move |_, parts: Table| concat(&mut on.borrow_mut(), &parts))?)?;
    let on = Rc::clone(arena);
    let sliced = move |_: &Lua, (handle, from): (usize, usize)| slice(&mut on.borrow_mut(), handle, from);
    module.set("slice", lua.create_function(sliced)?)?;
    let on = Rc::clone(arena);
    let unpacked = move |lua: &Lua, (format, handle, position): (LuaString, usize, usize)| {
        unpack(lua, &on.borrow(), &format, handle, position)
    };
    module.set("unpack", lua.create_function(unpacked)?)
}
