//! Settings with a secret in them: what of them is shown, and where they may stand.

/// A setting whose value people must not see.
pub struct Secret {
    /// Its key in the file.
    pub key: &'static str,
    /// The setting that names a file with the value instead.
    pub file_key: &'static str,
    /// What of a value is shown; the same text when there is nothing to hide in it.
    pub concealed: fn(&str) -> String,
}

/// All of them. `stipend.toml` is shared and kept under version control, so it may name a file but not hold the secret.
pub const SECRETS: &[Secret] = &[Secret { key: "store", file_key: "store_file", concealed: address }];

/// The secret with a key.
pub fn of(key: &str) -> Option<&'static Secret> {
    SECRETS.iter().find(|secret| secret.key == key)
}

/// A value as it may be shown.
pub fn shown(key: &str, value: &str) -> String {
    of(key).map_or_else(|| value.to_owned(), |secret| (secret.concealed)(value))
}

/// Whether a value holds something to hide.
pub fn hides(key: &str, value: &str) -> bool {
    shown(key, value) != value
}

/// An address without its password: `redis://user:***@host`.
fn address(text: &str) -> String {
    let (text, query) = text.split_once('?').map_or((text, None), |(text, query)| (text, Some(query)));
    let mut shown = match text.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", authority(rest)),
        // Mistyped, but it may hold one all the same.
        None => authority(text),
    };
    for (index, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if name.starts_with("pass") => shown.extend([name, "=***"]),
            Some(_) | None => shown.push_str(pair),
        }
    }
    shown
}

fn authority(text: &str) -> String {
    // The last `@`: a password may hold one, and a `/` too.
    match text.rsplit_once('@') {
        None => text.to_owned(),
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => format!("{user}@{host}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_an_address_is_hidden_and_the_rest_is_shown() {
        for (address, shown) in [
            ("redis://user:secret@cache.example:6379/0", "redis://user:***@cache.example:6379/0"),
            ("rediss://:secret@cache.example", "rediss://:***@cache.example"),
            ("redis://:a:b/c@d@cache.example", "redis://:***@cache.example"),
            ("redis://user@cache.example", "redis://user@cache.example"),
            ("redis://cache.example:6379", "redis://cache.example:6379"),
            ("unix:///run/redis.sock?db=1&pass=secret", "unix:///run/redis.sock?db=1&pass=***"),
            ("redis//user:secret@cache.example", "redis//user:***@cache.example"),
            ("embedded", "embedded"),
        ] {
            assert_eq!(super::address(address), shown);
            assert_eq!(hides("store", address), address != shown);
        }
        assert!(!hides("data", "a:b@c"));
    }
}
