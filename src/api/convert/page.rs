//! Pages of lists: sizes, and tokens that only the list that gave them takes back.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::field::Field;
use crate::service::Error;

/// Most rows of one page.
pub const SIZE_MAX: usize = 1_000;
/// Rows of a page when the request does not say.
pub const SIZE_DEFAULT: usize = 100;

const SIZE: Field<'static> = Field::named("page_size");
const TOKEN: Field<'static> = Field::named("page_token");

/// Longest token: a tag and an id of 128 bytes, in base64.
const TOKEN_MAX: usize = 256;

/// A list, by the tag of its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Reservations,
    Accounts,
    Budgets,
    Activity,
}

impl List {
    const fn tag(self) -> &'static str {
        match self {
            Self::Reservations => "r:",
            Self::Accounts => "a:",
            Self::Budgets => "b:",
            Self::Activity => "e:",
        }
    }

    /// The token of the page that begins at `key`; empty when there is none.
    pub fn token(self, key: Option<impl std::fmt::Display>) -> String {
        key.map(|key| URL_SAFE_NO_PAD.encode(format!("{}{key}", self.tag()))).unwrap_or_default()
    }

    /// Reads where the page begins.
    pub fn after<T>(self, token: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let refused = || TOKEN.invalid("is not a next_page_token of this list");
        if token.len() > TOKEN_MAX {
            return Err(refused());
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let text = std::str::from_utf8(&bytes).map_err(|_| refused())?;
        text.strip_prefix(self.tag()).and_then(parse).map(Some).ok_or_else(refused)
    }
}

/// Rows wanted, 1 to 1,000; 0 means 100.
pub fn size(wanted: i32) -> Result<usize, Error> {
    match usize::try_from(wanted) {
        Ok(0) => Ok(SIZE_DEFAULT),
        Ok(wanted) if wanted <= SIZE_MAX => Ok(wanted),
        Ok(_) => Err(SIZE.invalid(format_args!("is {wanted}, the limit is {SIZE_MAX}"))),
        Err(_) => Err(SIZE.invalid("must not be negative")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, ID_MAX};

    fn account(text: &str) -> Option<AccountId> {
        AccountId::parse(text).ok()
    }

    #[test]
    fn a_page_has_at_most_a_thousand_rows() {
        assert_eq!(size(0), Ok(100));
        assert_eq!(size(1_000), Ok(1_000));
        assert_eq!(size(1_001).expect_err("too many").message, "page_size: is 1001, the limit is 1000");
        assert_eq!(size(-1).expect_err("negative").message, "page_size: must not be negative");
    }

    #[test]
    fn a_token_comes_back_as_the_key_that_it_was_made_of() {
        let longest = "x".repeat(ID_MAX);
        for id in ["acme", longest.as_str()] {
            let id = account(id).expect("valid");
            let token = List::Accounts.token(Some(&id));
            assert_eq!(List::Accounts.after(&token, account), Ok(Some(id)));
        }
        assert_eq!(List::Accounts.token(None::<u64>), "");
        assert_eq!(List::Accounts.after("", account), Ok(None));
    }

    #[test]
    fn a_token_that_the_list_did_not_give_is_refused() {
        let of_another_list = List::Budgets.token(Some("acme"));
        let not_an_id = List::Accounts.token(Some("{acme}"));
        for token in ["%", "YQ==", "acme", &of_another_list, &not_an_id, &"Y".repeat(300)] {
            assert!(List::Accounts.after(token, account).is_err(), "{token}");
        }
    }
}
