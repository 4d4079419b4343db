//! `stipend.toml`: text in, settings with their lines out, or everything that is wrong with it. The keys are those of
//! `serve`'s flags, and its value parsers say what a value may be; nothing is known here about any one setting.

use std::{error::Error as _, path::Path};

use clap::{
    Arg, Command,
    error::{ContextKind, ContextValue, ErrorKind},
};
use toml::de::{DeTable, DeValue};

use super::{
    secret,
    setting::{self, Kind},
};
use crate::catalog;

/// Longest file, in bytes.
pub const TEXT_MAX: u64 = 64 * 1024;
/// Longest list.
const LIST_MAX: usize = 64;
/// Where a setting stands when nothing says so.
pub const NAME: &str = "stipend.toml";

/// One setting that the file gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The argument that it is the default of.
    pub id: String,
    /// As the command line would give them.
    pub values: Vec<String>,
    pub line: usize,
}

/// Something wrong, on a line.
type Problem = (usize, String);

/// Reads the text of `path`; `known` is the command whose flags are the keys.
///
/// # Errors
/// Everything that is wrong with it, a line each.
pub fn parse(text: &str, path: &Path, known: &Command) -> Result<Vec<Given>, String> {
    let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| (error.span().map_or(1, |span| line(span.start)), format!("is not TOML: {}", error.message())))
        .collect();
    let mut given = Vec::new();
    // What stands around a mistake in the syntax is a guess.
    if problems.is_empty() {
        for (key, value) in table.get_ref() {
            let line = line(key.span().start);
            match read(key.get_ref(), value.get_ref(), path, known) {
                Ok((id, values)) => given.push(Given { id, values, line }),
                Err(problem) => problems.push((line, problem)),
            }
        }
    }
    if problems.is_empty() {
        given.sort_by_key(|given| given.line);
        return Ok(given);
    }
    problems.sort();
    let lines: Vec<String> =
        problems.into_iter().map(|(line, problem)| format!("{}:{line}: {problem}", path.display())).collect();
    Err(lines.join("\n"))
}

/// The arguments that are settings.
pub fn settings(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| {
        // `--config` says where the file is, `--json` how it is shown: neither is the server's.
        argument.get_long().is_some() && argument.get_env().is_some() && argument.get_id() != super::layers::FILE
    })
}

fn read(key: &str, value: &DeValue<'_>, path: &Path, known: &Command) -> Result<(String, Vec<String>), String> {
    let keys: Vec<String> = settings(known).map(setting::key).collect();
    let Some(argument) = settings(known).find(|argument| setting::key(argument) == key) else {
        let near = catalog::suggestion(key, keys.iter().map(String::as_str));
        return Err(format!("{key}: unknown key{near}"));
    };
    let kind = Kind::of(argument);
    let mut values = texts(value, kind).map_err(|problem| format!("{key}: {problem}"))?;
    if let Some(secret) = secret::of(key)
        && values.iter().any(|value| secret::hides(key, value))
    {
        return Err(format!(
            "{key}: a password must not stand in this file; give it in the environment ({}), or put the whole value in a \
             file of its own and name that: {} = \"FILE\"",
            environment(argument),
            secret.file_key
        ));
    }
    for value in &values {
        check(argument, value, known).map_err(|problem| format!("{key}: {problem}"))?;
    }
    if let (Kind::Path | Kind::Paths, Some(folder)) = (kind, path.parent()) {
        for value in &mut values {
            *value = folder.join(&*value).display().to_string();
        }
    }
    Ok((argument.get_id().to_string(), values))
}

/// The values of a setting as the command line would give them.
fn texts(value: &DeValue<'_>, kind: Kind) -> Result<Vec<String>, String> {
    let wrong = || Err(format!("must be {}, not {}", kind.wanted(), what(value)));
    match (kind, value) {
        (Kind::Boolean, DeValue::Boolean(value)) => Ok(vec![value.to_string()]),
        (Kind::Integer, DeValue::Integer(value)) => match i128::from_str_radix(value.as_str(), value.radix()) {
            Ok(value) => Ok(vec![value.to_string()]),
            Err(_) => wrong(),
        },
        (Kind::Text | Kind::Path | Kind::Paths, DeValue::String(text)) => Ok(vec![text.to_string()]),
        (Kind::Paths, DeValue::Array(list)) if list.len() > LIST_MAX => {
            Err(format!("has {} elements, the limit is {LIST_MAX}", list.len()))
        }
        (Kind::Paths, DeValue::Array(list)) => {
            let text = |value: &DeValue<'_>| value.as_str().map(ToOwned::to_owned);
            list.iter().map(|value| text(value.get_ref())).collect::<Option<_>>().map_or_else(wrong, Ok)
        }
        (Kind::Boolean | Kind::Integer | Kind::Text | Kind::Path | Kind::Paths, _) => wrong(),
    }
}

fn what(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a text".to_owned(),
        DeValue::Integer(value) => value.to_string(),
        DeValue::Float(value) => value.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(value) => value.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Lets the argument's own parser say what it thinks of a value.
pub fn check(argument: &Arg, value: &str, known: &Command) -> Result<(), String> {
    if value.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if let Some(delimiter) = argument.get_value_delimiter().filter(|delimiter| value.contains(*delimiter)) {
        return Err(format!("{value:?} must not contain `{delimiter}`; write a list"));
    }
    let flag = format!("--{}={value}", argument.get_long().unwrap_or_default());
    let Err(error) = known.clone().try_get_matches_from([known.get_name(), &flag]) else { return Ok(()) };
    let shown = secret::shown(&setting::key(argument), value);
    if error.kind() == ErrorKind::InvalidValue
        && let Some(ContextValue::Strings(valid)) = error.get(ContextKind::ValidValue)
    {
        return Err(format!("must be one of {}, not {shown:?}", valid.join(", ")));
    }
    match error.source() {
        Some(reason) => Err(format!("{shown} cannot be used: {reason}")),
        None => Err(format!("{shown} cannot be used")),
    }
}

/// The environment variable of an argument.
pub fn environment(argument: &Arg) -> String {
    argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
