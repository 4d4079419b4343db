//! Why a call failed, for a person who has to do something about it and for a script that has to branch.

use std::{collections::BTreeMap, error::Error, fmt, io, time::Duration};

use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::super::exit::Exit;

/// The domain of the service's own errors.
const DOMAIN: &str = "stipend";

/// A command that failed at the service, or on the way there.
#[derive(Debug, Clone, thiserror::Error)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
    /// The stable reason, such as `ACCOUNT_NOT_FOUND`; empty when the service never said one.
    pub reason: String,
    /// The ids at fault.
    pub ids: BTreeMap<String, String>,
    /// What to do now, one line each.
    pub hints: Vec<String>,
    /// Report it as JSON.
    pub json: bool,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            reason: String::new(),
            ids: BTreeMap::new(),
            hints: Vec::new(),
            json: false,
        }
    }

    pub fn unreachable(server: &str, problem: &str) -> Self {
        let message = format!("cannot reach {server}: {problem}");
        Self::new(Exit::Unavailable, message).hinting(Some("is `stipend serve` running? give --server".to_owned()))
    }

    pub fn late(server: &str, timeout: Duration) -> Self {
        Self::new(Exit::Unavailable, format!("{server} did not answer within {timeout:?} (--timeout)"))
    }

    /// What a status of the service means.
    pub fn of(server: &str, status: &Status) -> Self {
        let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN);
        let exit = match status.code() {
            Code::InvalidArgument | Code::OutOfRange => Exit::Usage,
            Code::NotFound => Exit::NotFound,
            Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted => Exit::Conflict,
            Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled => Exit::Unavailable,
            Code::Ok
            | Code::Unknown
            | Code::PermissionDenied
            | Code::Unimplemented
            | Code::Internal
            | Code::DataLoss
            | Code::Unauthenticated => Exit::Failed,
        };
        let mut failure = Self::new(exit, status.message());
        match info {
            Some(info) => {
                failure.reason = info.reason;
                failure.ids = info.metadata.into_iter().collect();
            }
            None if exit == Exit::Unavailable => {
                failure.message = format!("{server} broke off: {}", root(status));
            }
            None => {
                failure.message = format!("{server} answered: {}", status.message());
                failure.hints.push(format!("is {server} a Stipend service? give --server"));
            }
        }
        failure
    }

    #[must_use]
    pub fn hinting(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// Says how to repeat a change whose fate is not known: `flag` is how its id is given.
    #[must_use]
    pub fn repeatable(self, id: &super::super::value::Id) -> Self {
        let known = self.exit != Exit::Unavailable;
        let how = match (known, id.made) {
            (true, _) => return self,
            (false, true) => format!("it may have happened; repeat it with --id {id}, and it happens once"),
            (false, false) => format!("it may have happened; repeat it with the same id ({id}), and it happens once"),
        };
        self.hinting(Some(how))
    }

    /// For standard error: a sentence with hints, or one line of JSON.
    pub fn report(&self) -> String {
        if self.json {
            let Self { exit, message, reason, ids, hints, json: _ } = self;
            let error =
                json!({"exit": exit.code(), "reason": reason, "message": message, "metadata": ids, "hints": hints});
            return json!({"error": error}).to_string();
        }
        let mut text = format!("error: {self}");
        for hint in &self.hints {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, " ({})", self.reason) }
    }
}

/// Whether the deadline passed on this side of the wire, as far as the connection noticed it before anybody else.
pub fn is_late(status: &Status) -> bool {
    let cancelled = matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled);
    cancelled && status.get_details_error_info().is_none() && root(status) == "timeout expired"
}

/// The cause behind an error, in few words: `connection refused`.
pub fn root(error: &(dyn Error + 'static)) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    let text = match root.downcast_ref::<io::Error>() {
        Some(error) => error.to_string(),
        None => root.to_string(),
    };
    // `Connection refused (os error 111)`
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_service_has_the_exit_that_scripts_expect() {
        let exit = |code| Failure::of("http://x", &Status::new(code, "")).exit;
        for (expected, codes) in [
            (Exit::Usage, &[Code::InvalidArgument][..]),
            (Exit::NotFound, &[Code::NotFound]),
            (Exit::Conflict, &[Code::AlreadyExists, Code::FailedPrecondition]),
            (Exit::Unavailable, &[Code::Unavailable, Code::DeadlineExceeded, Code::ResourceExhausted]),
            (Exit::Failed, &[Code::Internal, Code::DataLoss, Code::Unimplemented]),
        ] {
            for code in codes {
                assert_eq!(exit(*code), expected, "{code:?}");
            }
        }
    }

    #[test]
    fn the_cause_is_told_and_not_its_wrapping() {
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(root(&refused), "connection refused");
    }

    #[test]
    fn only_what_may_have_happened_is_to_be_repeated() {
        let id = super::super::super::value::Id::given("r1");
        let lost = Failure::late("http://x", Duration::from_secs(1)).repeatable(&id);
        assert!(lost.report().contains("the same id (r1)"), "{}", lost.report());
        let refused = Failure::new(Exit::NotFound, "no").repeatable(&id);
        assert_eq!(refused.report(), "error: no");
    }
}
