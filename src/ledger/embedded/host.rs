//! What the rulebook stands on in this process: reads from the store, and a batch that takes every change of a unit of
//! work. Nothing reaches the store before the unit has been applied as a whole.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    rc::Rc,
};

use mlua::{Lua, LuaString, Table, Value};

use super::{
    keys,
    pack::{self, Arena},
    store::{self, Batch, Store},
};

/// The state that the rulebook's functions share with the writer.
pub struct Host {
    pub store: RefCell<Store>,
    pub batch: RefCell<Batch>,
    /// Packed bytes of this unit.
    pub arena: Rc<RefCell<Arena>>,
    /// Accounts removed in this unit: what the store still has of them is not read any more.
    removed: RefCell<HashSet<Vec<u8>>>,
    /// Sequence of the next activity entry.
    pub sequence: Cell<u64>,
    /// Why a read failed, kept beside the Lua error that it caused.
    pub failure: RefCell<Option<store::Error>>,
}

impl Host {
    pub fn new(store: Store, sequence: u64) -> Rc<Self> {
        Rc::new(Self {
            store: RefCell::new(store),
            batch: RefCell::new(Batch::new()),
            arena: Rc::default(),
            removed: RefCell::default(),
            sequence: Cell::new(sequence),
            failure: RefCell::default(),
        })
    }

    /// Forgets the changes of a unit, kept or not.
    pub fn clear(&self) {
        self.batch.borrow_mut().clear();
        self.arena.borrow_mut().clear();
        self.removed.borrow_mut().clear();
        self.failure.borrow_mut().take();
    }

    fn failed(&self, error: store::Error) -> mlua::Error {
        let text = error.to_string();
        self.failure.borrow_mut().replace(error);
        mlua::Error::runtime(text)
    }

    fn read(&self, account: &[u8], field: &[u8]) -> mlua::Result<Option<usize>> {
        if self.removed.borrow().contains(account) {
            return Ok(None);
        }
        let found = self.store.borrow().get(&keys::record(account, field)).map_err(|error| self.failed(error))?;
        match found {
            Some(bytes) => {
                let record = bytes.get(8..).ok_or_else(|| mlua::Error::runtime("a record is cut short"))?;
                Ok(Some(self.arena.borrow_mut().add(record)))
            }
            None => Ok(None),
        }
    }

    /// The first open holds of an account: id, expiry, id, expiry …
    fn holds(&self, lua: &Lua, account: &[u8], limit: usize) -> mlua::Result<Table> {
        let list = lua.create_table()?;
        if self.removed.borrow().contains(account) {
            return Ok(list);
        }
        let (from, to) = keys::range(keys::of_account(b'H', account));
        let prefix = from.len();
        let found = self.store.borrow().scan(&from, &to, limit, false).map_err(|error| self.failed(error))?;
        for (key, _) in found {
            let (expires, id) = key[prefix..]
                .split_first_chunk::<8>()
                .ok_or_else(|| mlua::Error::runtime("a hold's key is cut short"))?;
            list.raw_push(lua.create_string(id)?)?;
            #[expect(clippy::cast_precision_loss, reason = "milliseconds to the year 9999 are below 2^53")]
            list.raw_push(u64::from_be_bytes(*expires) as f64)?;
        }
        Ok(list)
    }

    fn write(&self, account: &[u8], field: &[u8], record: Option<&[u8]>, drop_at: u64) {
        let mut batch = self.batch.borrow_mut();
        match record {
            Some(record) => keep(&mut batch, account, field, record, drop_at),
            None => batch.delete(keys::record(account, field)),
        }
    }

    fn index(&self, account: &[u8], id: &[u8], before: u64, expires: u64) {
        let mut batch = self.batch.borrow_mut();
        if before > 0 {
            batch.delete(keys::hold(account, before, id));
        }
        if expires > 0 {
            batch.put(keys::hold(account, expires, id), Vec::new());
        }
    }

    fn emit(&self, account: &[u8], entry: &[u8]) {
        let sequence = self.sequence.get();
        self.sequence.set(sequence + 1);
        self.batch.borrow_mut().put(keys::activity(account, sequence), entry.to_vec());
    }

    /// Removes everything that an account has, within the same batch.
    fn remove(&self, account: &[u8]) -> mlua::Result<()> {
        const PAGE: usize = 4096;
        let mut batch = self.batch.borrow_mut();
        let store = self.store.borrow();
        batch.delete(keys::account(account));
        for kind in [b'R', b'H', b'Y'] {
            let (mut from, to) = keys::range(keys::of_account(kind, account));
            loop {
                let page = store.scan(&from, &to, PAGE, false).map_err(|error| self.failed(error))?;
                for (key, _) in &page {
                    batch.delete(key.clone());
                }
                match page.last() {
                    Some((last, _)) if page.len() == PAGE => from = [last.as_slice(), b"\0"].concat(),
                    _ => break,
                }
            }
        }
        self.removed.borrow_mut().insert(account.to_vec());
        Ok(())
    }

    /// The module `host` of the rulebook.
    pub fn module(self: &Rc<Self>, lua: &Lua) -> mlua::Result<Table> {
        let module = lua.create_table()?;
        pack::add_functions(lua, &module, &self.arena)?;
        let host = Rc::clone(self);
        module.set(
            "read",
            lua.create_function(move |_, (account, field): (LuaString, LuaString)| {
                host.read(&account.as_bytes(), &field.as_bytes())
            })?,
        )?;
        let host = Rc::clone(self);
        module.set(
            "holds",
            lua.create_function(move |lua, (account, limit): (LuaString, usize)| {
                host.holds(lua, &account.as_bytes(), limit)
            })?,
        )?;
        let host = Rc::clone(self);
        module.set(
            "write",
            lua.create_function(move |_, (account, field, record, drop_at): (LuaString, LuaString, Value, u64)| {
                // `false` removes the record.
                let record = if record.as_boolean() == Some(false) { None } else { Some(handle_of(&record)?) };
                let arena = host.arena.borrow();
                let record = record.map(|handle| arena.get(handle)).transpose()?;
                host.write(&account.as_bytes(), &field.as_bytes(), record, drop_at);
                Ok(())
            })?,
        )?;
        let host = Rc::clone(self);
        module.set(
            "index",
            lua.create_function(move |_, (account, id, before, expires): (LuaString, LuaString, u64, u64)| {
                host.index(&account.as_bytes(), &id.as_bytes(), before, expires);
                Ok(())
            })?,
        )?;
        let host = Rc::clone(self);
        module.set(
            "emit",
            lua.create_function(move |_, (account, entry): (LuaString, usize)| {
                host.emit(&account.as_bytes(), host.arena.borrow().get(entry)?);
                Ok(())
            })?,
        )?;
        let host = Rc::clone(self);
        module.set("remove", lua.create_function(move |_, account: LuaString| host.remove(&account.as_bytes()))?)?;
        Ok(module)
    }
}

/// Puts a record, to be dropped some time after `drop_at` (0: never).
pub fn keep(batch: &mut Batch, account: &[u8], field: &[u8], record: &[u8], drop_at: u64) {
    let key = keys::record(account, field);
    if drop_at > 0 {
        batch.put(keys::drop_at(drop_at, &key), Vec::new());
    }
    batch.put(key, [&drop_at.to_le_bytes(), record].concat());
}

fn handle_of(value: &Value) -> mlua::Result<usize> {
    value.as_usize().ok_or_else(|| mlua::Error::runtime("packed bytes are wanted"))
}
