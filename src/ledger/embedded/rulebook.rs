//! The rulebook, loaded into this process's Lua.

use std::{collections::HashMap, rc::Rc};

use mlua::{Function, Lua, LuaOptions, StdLib, Table};

use super::host::Host;
use crate::ledger::rules;

/// The rules over one host.
pub struct Rulebook {
    lua: Lua,
    apply: Function,
    forget: Function,
}

impl Rulebook {
    /// Loads every file; each gets only the libraries that Redis gives a script, and `require` for the files before it.
    pub fn load(host: &Rc<Host>) -> mlua::Result<Self> {
        let lua = Lua::new_with(StdLib::MATH | StdLib::STRING | StdLib::TABLE, LuaOptions::default())?;
        let modules = lua.create_table()?;
        modules.set("host", host.module(&lua)?)?;
        let loaded = modules.clone();
        let require = lua.create_function(move |_, name: String| loaded.get::<Table>(name))?;
        lua.globals().set("require", require)?;
        for (name, source) in rules::FILES {
            let module: Table = lua.load(*source).set_name(format!("@{name}.lua")).eval()?;
            modules.set(*name, module)?;
        }
        let main: Table = modules.get("main")?;
        // As in a Redis script, the rules see no globals of one another.
        lua.globals().set("require", mlua::Nil)?;
        Ok(Self { apply: main.get("apply")?, forget: main.get("forget")?, lua })
    }

    /// Applies packed commands; one packed reply for each.
    pub fn apply(&self, commands: &[u8], count: usize, now_ms: u64, loaded_max: usize) -> mlua::Result<Vec<Vec<u8>>> {
        let commands = self.lua.create_string(commands)?;
        let replies: Table = self.apply.call((commands, count, now_ms, loaded_max))?;
        let mut list = Vec::with_capacity(count);
        for index in 1..=count {
            let reply: mlua::LuaString = replies.raw_get(index)?;
            list.push(reply.as_bytes().to_vec());
        }
        Ok(list)
    }

    /// Forgets what is loaded, after a unit whose changes could not be kept.
    pub fn forget(&self) -> mlua::Result<()> {
        self.forget.call(())
    }
}

/// The sources by name, for a test that lints them.
pub fn sources() -> HashMap<&'static str, &'static str> {
    rules::FILES.iter().copied().collect()
}
