//! How long a caller waits: `grpc-timeout`, or `connect-timeout-ms` of the Connect protocol.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use crate::service::Error;

const GRPC: &str = "grpc-timeout";
const CONNECT: &str = "connect-timeout-ms";
/// Most digits, by the two protocols.
const GRPC_DIGITS: usize = 8;
const CONNECT_DIGITS: usize = 10;

/// Reads the deadline of a request; the nearer one, if a caller sends both.
pub fn of(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let read = |name, parse: fn(&str) -> Option<Duration>, form| match headers.get(name) {
        None => Ok(None),
        Some(value) => HeaderValue::to_str(value)
            .ok()
            .and_then(parse)
            .map(Some)
            .ok_or_else(|| Error::invalid(name, format_args!("must be {form}"))),
    };
    let grpc = read(GRPC, grpc, "1 to 8 digits and a unit of H, M, S, m, u or n")?;
    let connect = read(CONNECT, connect, "1 to 10 digits, in milliseconds")?;
    Ok(match (grpc, connect) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    })
}

fn grpc(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let value = number(digits, GRPC_DIGITS)?;
    Some(match unit {
        "H" => Duration::from_secs(value * 60 * 60),
        "M" => Duration::from_secs(value * 60),
        "S" => Duration::from_secs(value),
        "m" => Duration::from_millis(value),
        "u" => Duration::from_micros(value),
        "n" => Duration::from_nanos(value),
        _ => return None,
    })
}

fn connect(text: &str) -> Option<Duration> {
    number(text, CONNECT_DIGITS).map(Duration::from_millis)
}

fn number(digits: &str, max: usize) -> Option<u64> {
    let plain = (1..=max).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Result<Option<Duration>, Error> {
        let headers =
            pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
        of(&headers.collect())
    }

    #[test]
    fn both_protocols_say_how_long() {
        assert_eq!(read(&[]), Ok(None));
        for (text, ms) in [("250m", 250), ("2S", 2_000), ("1M", 60_000), ("1H", 3_600_000), ("99999999u", 99_999)] {
            assert_eq!(read(&[(GRPC, text)]).map(|d| d.map(|d| d.as_millis())), Ok(Some(ms)), "{text}");
        }
        assert_eq!(read(&[(CONNECT, "1500")]), Ok(Some(Duration::from_millis(1_500))));
        assert_eq!(read(&[(GRPC, "2S"), (CONNECT, "1500")]), Ok(Some(Duration::from_millis(1_500))));
        assert_eq!(read(&[(GRPC, "0n")]), Ok(Some(Duration::ZERO)));
    }

    #[test]
    fn a_deadline_in_another_form_is_refused() {
        for text in ["", "m", "1", "-1m", "+1m", "1.5S", "123456789m", "1x", "1 m"] {
            assert!(read(&[(GRPC, text)]).is_err(), "{text}");
        }
        for text in ["", "-1", "1.5", "12345678901", "1m"] {
            assert!(read(&[(CONNECT, text)]).is_err(), "{text}");
        }
    }
}
