//! One setting: its key, its value as people may see it, and where that came from.

use std::{any::TypeId, fmt};

use clap::{Arg, ArgAction};
use serde_json::{Value, json};

use super::secret;

/// A setting in force.
#[derive(Debug, Clone)]
pub struct Setting {
    /// As in `stipend.toml`: `drain_timeout`.
    pub key: String,
    kind: Kind,
    /// As it may be shown; several only for a list, none where nothing is set.
    values: Vec<String>,
    pub source: Source,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `--listen`
    Flag(String),
    /// `STIPEND_LISTEN`
    Environment(String),
    /// `stipend.toml:12`
    File {
        file: String,
        line: usize,
    },
    /// A file that holds a secret, and the setting that names it.
    SecretFile {
        file: String,
        key: String,
    },
    Default,
}

/// How a value is written in TOML and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Integer,
    Text,
    /// A path: in the file, one from the file's own directory.
    Path,
    Paths,
}

impl Kind {
    /// Told by what the argument is read into.
    pub fn of(argument: &Arg) -> Self {
        let into = argument.get_value_parser().type_id();
        let is = |kind: TypeId| into == kind;
        let path = is(TypeId::of::<std::path::PathBuf>());
        if is(TypeId::of::<bool>()) {
            Self::Boolean
        } else if [TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<usize>()]
            .into_iter()
            .any(is)
        {
            Self::Integer
        } else if path && matches!(argument.get_action(), ArgAction::Append) {
            Self::Paths
        } else if path {
            Self::Path
        } else {
            Self::Text
        }
    }

    pub const fn wanted(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Text | Self::Path => "a text in quotes",
            Self::Paths => "a list of texts in quotes",
        }
    }
}

/// The key of an argument: its flag's name, in snake case.
pub fn key(argument: &Arg) -> String {
    argument.get_long().unwrap_or_default().replace('-', "_")
}

impl Setting {
    /// `values` are as they were given.
    pub fn new(argument: &Arg, values: &[String], source: Source) -> Self {
        let key = key(argument);
        let values = values.iter().map(|value| secret::shown(&key, value)).collect();
        Self { kind: Kind::of(argument), key, values, source }
    }

    /// On one line; `-` where nothing is set.
    pub fn shown(&self) -> String {
        if self.values.is_empty() { "-".to_owned() } else { self.values.join(", ") }
    }

    /// As JSON has it.
    pub fn value(&self) -> Value {
        let text = self.values.first().map(String::as_str);
        match self.kind {
            Kind::Paths => json!(self.values),
            Kind::Boolean => json!(text.map(|text| text == "true")),
            Kind::Integer => json!(text.and_then(|text| text.parse::<u64>().ok())),
            Kind::Text | Kind::Path => json!(text),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Environment(name) => f.write_str(name),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::SecretFile { file, key } => write!(f, "{file} ({key})"),
            Self::Default => f.write_str("default"),
        }
    }
}
