//! Failures as gRPC statuses: a code, a sentence, a `google.rpc.ErrorInfo` with a stable reason and the ids at fault, and
//! when to come back.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    proto::v1,
    service::{Error, Reason, error::Kind},
};

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "stipend";

/// Turns an answer of the service into one of gRPC.
pub fn answer<T>(result: Result<T, Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| status(&error))
}

/// The status that a unary call ends with.
pub fn status(error: &Error) -> Status {
    let metadata: HashMap<String, String> = metadata(error);
    let mut details = ErrorDetails::with_error_info(error.reason.as_str(), DOMAIN, metadata);
    if let Some(delay) = retry_delay(error.reason) {
        details.set_retry_info(Some(delay));
    }
    if let Some((_, field)) = error.ids.iter().find(|(key, _)| *key == "field") {
        details.add_bad_request_violation(field, &error.message);
    }
    Status::with_error_details(code(error.reason.kind()), &error.message, details)
}

/// The same failure as one answer of a stream that goes on.
pub fn stream_error(error: &Error) -> v1::Error {
    v1::Error {
        code: code(error.reason.kind()).into(),
        message: error.message.clone(),
        reason: error.reason.as_str().to_owned(),
        metadata: metadata(error),
    }
}

/// The status of a call whose time is up.
pub fn deadline_exceeded() -> Status {
    let details = ErrorDetails::with_error_info("DEADLINE_EXCEEDED", DOMAIN, HashMap::new());
    let message = "the deadline passed; a change that had begun is finished all the same";
    Status::with_error_details(Code::DeadlineExceeded, message, details)
}

fn metadata(error: &Error) -> HashMap<String, String> {
    error.ids.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

const fn code(kind: Kind) -> Code {
    match kind {
        Kind::InvalidArgument => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::FailedPrecondition => Code::FailedPrecondition,
        Kind::ResourceExhausted => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        Kind::Internal => Code::Internal,
        Kind::DataLoss => Code::DataLoss,
        Kind::Unimplemented => Code::Unimplemented,
    }
}

/// How long to wait before the same request may fare better; `None` where it will not by itself.
const fn retry_delay(reason: Reason) -> Option<Duration> {
    match reason {
        Reason::Contended => Some(Duration::from_millis(10)),
        Reason::Overloaded => Some(Duration::from_millis(100)),
        Reason::StoreUnavailable | Reason::ShuttingDown => Some(Duration::from_secs(1)),
        Reason::InvalidArgument
        | Reason::UnknownAction
        | Reason::UnknownPool
        | Reason::UnknownPlan
        | Reason::UnknownCatalog
        | Reason::AmountOverflow
        | Reason::QuantityTooLarge
        | Reason::QuantityCount
        | Reason::AccountNotFound
        | Reason::ReservationNotFound
        | Reason::BudgetNotFound
        | Reason::GrantNotFound
        | Reason::CatalogNotFound
        | Reason::ReservationExists
        | Reason::ExtendExists
        | Reason::GrantExists
        | Reason::RefundExists
        | Reason::ReservationCommitted
        | Reason::ReservationReleased
        | Reason::ReservationExpired
        | Reason::RefundTooLarge
        | Reason::NothingCharged
        | Reason::TooManyGrants
        | Reason::GrantExpired
        | Reason::PoolNotInPlan
        | Reason::BudgetPool
        | Reason::NoTestClock
        | Reason::ClockBackwards
        | Reason::Immutable
        | Reason::CatalogMissing
        | Reason::CatalogRefused
        | Reason::RecordDamaged
        | Reason::Internal
        | Reason::Unimplemented => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_carries_its_reason_and_ids() {
        let error = Error::new(Reason::AccountNotFound, "account acme does not exist").with("account", "acme");
        let status = status(&error);
        assert_eq!((status.code(), status.message()), (Code::NotFound, "account acme does not exist"));
        let info = status.get_details_error_info().expect("an ErrorInfo");
        assert_eq!((info.domain.as_str(), info.reason.as_str()), ("stipend", "ACCOUNT_NOT_FOUND"));
        assert_eq!(info.metadata, HashMap::from([("account".to_owned(), "acme".to_owned())]));
        assert!(status.get_details_retry_info().is_none());
    }

    #[test]
    fn an_invalid_field_is_a_bad_request_too() {
        let status = status(&Error::invalid("items[0].quantity", "must not be negative"));
        assert_eq!(status.code(), Code::InvalidArgument);
        let violations = status.get_details_bad_request().expect("a BadRequest").field_violations;
        assert_eq!(violations[0].field, "items[0].quantity");
    }

    #[test]
    fn what_may_pass_says_when_to_come_back() {
        let overloaded = status(&Error::new(Reason::Overloaded, "too many commands wait"));
        assert_eq!(overloaded.code(), Code::ResourceExhausted);
        let delay = overloaded.get_details_retry_info().and_then(|retry| retry.retry_delay);
        assert_eq!(delay, Some(Duration::from_millis(100)));
        for reason in Reason::ALL {
            let passing = matches!(reason.kind(), Kind::Unavailable | Kind::ResourceExhausted);
            assert_eq!(retry_delay(*reason).is_some(), passing, "{reason:?}");
        }
    }

    #[test]
    fn a_stream_hears_what_a_call_would() {
        for reason in Reason::ALL {
            let error = Error::new(*reason, "it failed").with("account", "acme");
            let (unary, stream) = (status(&error), stream_error(&error));
            assert_eq!(i32::from(unary.code()), stream.code);
            let info = unary.get_details_error_info().expect("an ErrorInfo");
            assert_eq!((info.reason, info.metadata), (stream.reason, stream.metadata));
        }
    }
}
