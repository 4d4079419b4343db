//! Flags over environment over `stipend.toml` over defaults. Clap stays the only parser: what the file says becomes the
//! default values of the arguments, so that flags and environment win and the same parsers check everything.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::{
    Arg, ArgMatches, Args, Command,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{
    file::{self, Given},
    secret::{self, SECRETS},
    setting::{self, Setting, Source},
};

/// The id of `--config`.
pub const FILE: &str = "config_file";
/// The command whose flags are the settings.
const SERVE: &str = "serve";
/// Longest file with a secret, in bytes.
const SECRET_MAX: u64 = 4 * 1024;

/// Where the settings stand that are neither flags nor in the environment.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// File with settings, for what neither a flag nor the environment gives [default: stipend.toml, where there is one]
    #[arg(id = FILE, long = "config", env = "STIPEND_CONFIG", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// The arguments with all layers in them.
#[derive(Debug)]
pub struct Layered {
    pub matches: ArgMatches,
    /// In the order of the help; empty for a command that has none.
    pub settings: Vec<Setting>,
}

/// Reads the arguments of a command, and the file for those of its subcommands that take settings.
pub fn read(command: &Command, arguments: impl IntoIterator<Item = OsString>) -> Result<Layered, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let first = parse(command.clone(), &arguments)?;
    let Some((name, matches)) = first.subcommand() else { return Ok(Layered { matches: first, settings: Vec::new() }) };
    let Some(taking) = command.find_subcommand(name).filter(|taking| takes_settings(taking)) else {
        return Ok(Layered { matches: first, settings: Vec::new() });
    };

    let known = command.find_subcommand(SERVE).expect("there is `serve`");
    let (path, given) = from_file(matches.get_one::<PathBuf>(FILE), known).map_err(|problems| refused(&problems))?;
    let mut layers =
        Layers { command: command.clone(), subcommand: name.to_owned(), path, given, secrets: HashMap::new() };
    layers.take_file();
    let before = parse(layers.command.clone(), &arguments)?;
    layers
        .take_secrets(taking, before.subcommand_matches(name).expect("the same arguments"))
        .map_err(|problems| refused(&problems))?;

    let matches = parse(layers.command.clone(), &arguments)?;
    let of_command = matches.subcommand_matches(name).expect("the same arguments");
    let settings = file::settings(taking).map(|argument| layers.setting(argument, of_command)).collect();
    Ok(Layered { matches, settings })
}

fn takes_settings(command: &Command) -> bool {
    command.get_arguments().any(|argument| argument.get_id() == FILE)
}

fn refused(problems: &str) -> clap::Error {
    clap::Error::raw(ErrorKind::ValueValidation, format!("the settings cannot be used:\n{problems}\n"))
}

/// Parses, and keeps secrets out of what is told about a mistake.
fn parse(command: Command, arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    command.try_get_matches_from(arguments).map_err(|mut error| {
        let argument = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(argument)) => argument.clone(),
            Some(_) | None => String::new(),
        };
        let flag = argument.trim_start_matches('-').split(' ').next().unwrap_or_default().replace('-', "_");
        if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
            && secret::hides(&flag, value)
        {
            let shown = ContextValue::String(secret::shown(&flag, value));
            error.insert(ContextKind::InvalidValue, shown);
        }
        error
    })
}

/// Reads the file that is named, or the one that is there.
fn from_file(named: Option<&PathBuf>, known: &Command) -> Result<(PathBuf, Vec<Given>), String> {
    let path = named.cloned().unwrap_or_else(|| PathBuf::from(file::NAME));
    match read_text(&path, file::TEXT_MAX) {
        Ok(text) => file::parse(&text, &path, known).map(|given| (path, given)),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok((path, Vec::new())),
        Err(error) => Err(format!("{}: cannot be read: {error}", path.display())),
    }
}

fn read_text(path: &Path, max: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(max + 1).read_to_string(&mut text)?;
    if text.len() as u64 > max {
        return Err(io::Error::other(format!("it has more than {max} bytes")));
    }
    Ok(text)
}

/// What lies under flags and environment.
struct Layers {
    /// With what is given put in as default values.
    command: Command,
    subcommand: String,
    path: PathBuf,
    given: Vec<Given>,
    /// Where a secret came from, by its key.
    secrets: HashMap<&'static str, Source>,
}

impl Layers {
    fn take_file(&mut self) {
        for given in self.given.clone() {
            self.change(&given.id, |argument| argument.default_values(given.values.clone()));
        }
    }

    fn change(&mut self, id: &str, change: impl FnOnce(Arg) -> Arg) {
        let command = std::mem::take(&mut self.command);
        self.command = command.mut_subcommand(&self.subcommand, |command| command.mut_arg(id, change));
    }

    /// Reads the files that hold secrets, where no higher layer gives the secret itself.
    fn take_secrets(&mut self, command: &Command, matches: &ArgMatches) -> Result<(), String> {
        for secret in SECRETS {
            let argument = |key: &str| file::settings(command).find(|argument| setting::key(argument) == key);
            let (Some(itself), Some(named)) = (argument(secret.key), argument(secret.file_key)) else { continue };
            let (rank, rank_named) = (self.rank(itself, matches), self.rank(named, matches));
            let Some(path) = matches.get_one::<PathBuf>(named.get_id().as_str()).filter(|_| rank_named >= rank) else {
                continue;
            };
            if rank == rank_named {
                return Err(format!("{} and {}: give one of them", secret.key, secret.file_key));
            }
            let problem = |problem: String| format!("{}: {}: {problem}", secret.file_key, path.display());
            let text = read_text(path, SECRET_MAX).map_err(|error| problem(format!("cannot be read: {error}")))?;
            let value = text.trim().to_owned();
            file::check(itself, &value, command).map_err(problem)?;
            let source = Source::SecretFile { file: path.display().to_string(), key: secret.file_key.to_owned() };
            self.secrets.insert(secret.key, source);
            // It wins over the environment too, or its rank would not be higher.
            self.change(itself.get_id().as_str(), |argument| argument.env(None::<&str>).default_value(value));
        }
        Ok(())
    }

    /// Which layer an argument's value is from: the higher wins.
    fn rank(&self, argument: &Arg, matches: &ArgMatches) -> u8 {
        match self.source(argument, matches) {
            Source::Flag(_) => 3,
            Source::Environment(_) => 2,
            Source::File { .. } | Source::SecretFile { .. } => 1,
            Source::Default => 0,
        }
    }

    fn source(&self, argument: &Arg, matches: &ArgMatches) -> Source {
        let id = argument.get_id().as_str();
        match matches.value_source(id) {
            Some(ValueSource::CommandLine) => Source::Flag(argument.get_long().unwrap_or_default().to_owned()),
            Some(ValueSource::EnvVariable) => Source::Environment(file::environment(argument)),
            _ => {
                if let Some(source) = self.secrets.get(setting::key(argument).as_str()) {
                    return source.clone();
                }
                let given = self.given.iter().find(|given| given.id == id);
                given.map_or(Source::Default, |given| Source::File {
                    file: self.path.display().to_string(),
                    line: given.line,
                })
            }
        }
    }

    fn setting(&self, argument: &Arg, matches: &ArgMatches) -> Setting {
        let raw = matches.get_raw(argument.get_id().as_str());
        let values: Vec<String> = raw.into_iter().flatten().map(|value| value.to_string_lossy().into_owned()).collect();
        Setting::new(argument, &values, self.source(argument, matches))
    }
}
