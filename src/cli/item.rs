//! Items as people type them: `ACTION[=QUANTITY][,KEY=VALUE]…`.

use clap::Args;

use super::value;
use crate::proto::v1;

/// What is said of items under `--help`.
pub const HELP: &str = "\
Items:
  ACTION[=QUANTITY][,KEY=VALUE]…
      ai_reply                                   one of it
      call_second=300                            300 of it
      call_second=300,min=60                     as many as the credits allow, at least 60
      ip_lookup,subject=192.0.2.7                what a unique charge is counted by
      ai_reply=2,model=large-1,source=chat       dimensions: what the price depends on
  A comma within a value is written \\, and a dimension called min or subject dimension.min=…";

/// The items of a request, and what goes with them
#[derive(Debug, Args)]
pub struct Wanted {
    /// The account whose credits they cost
    pub account: String,

    /// `ACTION[=QUANTITY][,KEY=VALUE]…`, one or more; all or nothing
    #[arg(required = true, value_name = "ITEM", value_parser = parse)]
    pub items: Vec<v1::Item>,

    /// A budget of the account that must have room too; may be given several times
    #[arg(long = "budget", value_name = "NAME")]
    pub budgets: Vec<String>,
}

/// Reads an item.
pub fn parse(text: &str) -> Result<v1::Item, String> {
    let mut parts = split(text).into_iter();
    let first = parts.next().unwrap_or_default();
    let (action, quantity) = match first.split_once('=') {
        Some((action, quantity)) => {
            (action, value::amount(quantity).map_err(|problem| format!("the quantity {problem}"))?)
        }
        None => (first.as_str(), 1),
    };
    if action.is_empty() {
        return Err("must begin with an action, as in ai_reply=2,model=large".to_owned());
    }
    if quantity == 0 {
        return Err("the quantity must be at least 1".to_owned());
    }
    let mut item = v1::Item { action: action.to_owned(), quantity, ..v1::Item::default() };
    for part in parts {
        let (key, value) = value::pair(&part).map_err(|problem| format!("`{part}` {problem}"))?;
        match key.as_str() {
            "min" => item.min_quantity = value::amount(&value).map_err(|problem| format!("min {problem}"))?,
            "subject" => item.subject = value,
            _ => {
                let name = key.strip_prefix("dimension.").unwrap_or(&key).to_owned();
                if item.dimensions.insert(name, value).is_some() {
                    return Err(format!("{key} is given twice"));
                }
            }
        }
    }
    Ok(item)
}

/// Splits at commas that no `\` stands before.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = parts.last_mut().expect("there is one from the start");
        match letter {
            '\\' if matches!(letters.peek(), Some(',' | '\\')) => last.extend(letters.next()),
            ',' => parts.push(String::new()),
            _ => last.push(letter),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn an_item_is_an_action_with_what_follows() {
        let bare = parse("ai_reply").expect("an item");
        assert_eq!((bare.action.as_str(), bare.quantity), ("ai_reply", 1));
        let full = parse(r"voice:call=1_300,min=60,subject=https://a.example/?x=1\,2,model=large,dimension.min=y")
            .expect("an item");
        let dimensions = [("model", "large"), ("min", "y")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let expected = v1::Item {
            action: "voice:call".into(),
            quantity: 1_300,
            min_quantity: 60,
            subject: "https://a.example/?x=1,2".into(),
            dimensions: HashMap::from(dimensions),
        };
        assert_eq!(full, expected);
    }

    #[test]
    fn what_is_wrong_with_an_item_is_told() {
        for (text, problem) in [
            ("", "must begin with an action"),
            ("=2", "must begin with an action"),
            ("a=x", "the quantity must be a whole number"),
            ("a=0", "the quantity must be at least 1"),
            ("a=1,min=x", "min must be a whole number"),
            ("a=1,min", "`min` must be KEY=VALUE"),
            ("a,", "`` must be KEY=VALUE"),
            ("a,m=1,m=2", "m is given twice"),
        ] {
            let told = parse(text).expect_err(text);
            assert!(told.starts_with(problem), "{text}: {told}");
        }
    }
}
