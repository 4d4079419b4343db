//! Patterns in which `*` stands for any text, empty too: `large-*`, `agent:*`.

use std::fmt;

/// Longest pattern, in bytes.
pub const PATTERN_MAX: usize = 128;

/// A text with wildcards; nothing but `*` is special.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// Takes 1 to 128 bytes without control characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= PATTERN_MAX && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether it covers all of a text. At most `PATTERN_MAX` × the text's length steps.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut at, mut seen) = (0, 0);
        // Where to go on should the latest `*` have to stand for one byte more.
        let mut star: Option<(usize, usize)> = None;
        while seen < text.len() {
            match (pattern.get(at), star) {
                (Some(b'*'), _) => {
                    star = Some((at + 1, seen));
                    at += 1;
                }
                (Some(byte), _) if *byte == text[seen] => {
                    at += 1;
                    seen += 1;
                }
                (_, Some((after, from))) => {
                    star = Some((after, from + 1));
                    at = after;
                    seen = from + 1;
                }
                (_, None) => return false,
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(text)
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in [
            ("large-*", "large-v3"),
            ("large-*", "large-"),
            ("*", ""),
            ("*-mini", "a-mini-mini"),
            ("a*b*c", "aXbbYc"),
            ("exact", "exact"),
            ("**", "ä"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("large-*", "xlarge-1"), ("exact", "exactly"), ("a*b", "abc"), ("a.c", "abc"), ("x", "")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
