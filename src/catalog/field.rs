//! Reading one value of a catalog at a time: what is wrong is noted with its place, and reading goes on.

use crate::amount::{AMOUNT_MAX, Amount};

use super::{
    keys::Shape,
    problem::{Found, Problem, suggestion},
    yaml::{Data, Node},
};

/// Longest title or unit, in bytes.
pub const TITLE_MAX: usize = 200;

/// A node and where it stands. Its readers give `None` once they have noted why.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pub node: &'a Node,
    pub path: String,
    /// Of its key, where it has one.
    pub line: usize,
}

impl<'a> Field<'a> {
    pub fn top(node: &'a Node) -> Self {
        Self { node, path: String::new(), line: node.line }
    }

    pub fn problem(&self, found: &mut Found, message: impl Into<String>) {
        found.add(Problem { line: self.line, path: self.path.clone(), message: message.into() });
    }

    /// Notes that it should be something else.
    pub fn wrong<T>(&self, found: &mut Found, wanted: &str) -> Option<T> {
        let is = match &self.node.data {
            Data::Scalar { text, .. } => format!("`{}`", shortened(text)),
            Data::Null | Data::List(_) | Data::Map(_) => self.node.what().into(),
        };
        self.problem(found, format!("must be {wanted}, not {is}"));
        None
    }

    /// A word or number as it is written, with or without quotes.
    pub fn scalar(&self) -> Option<&'a str> {
        match &self.node.data {
            Data::Scalar { text, .. } => Some(text),
            Data::Null | Data::List(_) | Data::Map(_) => None,
        }
    }

    /// A word written without quotes.
    pub fn plain(&self) -> Option<&'a str> {
        match &self.node.data {
            Data::Scalar { text, plain: true } => Some(text),
            Data::Scalar { plain: false, .. } | Data::Null | Data::List(_) | Data::Map(_) => None,
        }
    }

    pub fn is_map(&self) -> bool {
        matches!(self.node.data, Data::Map(_))
    }

    /// A text for people.
    pub fn title(&self, found: &mut Found) -> Option<String> {
        let Some(text) = self.scalar() else { return self.wrong(found, "a text") };
        if text.is_empty() || text.len() > TITLE_MAX || text.chars().any(char::is_control) {
            self.problem(found, format!("must be 1 to {TITLE_MAX} bytes without control characters"));
            return None;
        }
        Some(text.to_owned())
    }

    /// A whole number within bounds.
    pub fn whole(&self, found: &mut Found, min: u64, max: u64) -> Option<u64> {
        let digits = self.plain().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
        let unambiguous = digits.filter(|text| *text == "0" || !text.starts_with('0'));
        let number = unambiguous.map(|text| text.parse::<u64>().unwrap_or(u64::MAX));
        match number {
            Some(number) if (min..=max).contains(&number) => Some(number),
            _ => self.wrong(found, &format!("a whole number from {min} to {max}")),
        }
    }

    pub fn amount(&self, found: &mut Found) -> Option<Amount> {
        self.whole(found, 0, AMOUNT_MAX).and_then(|number| Amount::new(number).ok())
    }

    pub fn amount_above_zero(&self, found: &mut Found) -> Option<Amount> {
        self.whole(found, 1, AMOUNT_MAX).and_then(|number| Amount::new(number).ok())
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, found: &mut Found, choices: &[(&'static str, T)]) -> Option<T> {
        let names = choices.iter().map(|(name, _)| *name);
        let Some(word) = self.scalar() else {
            return self.wrong(found, &format!("one of {}", names.collect::<Vec<_>>().join(", ")));
        };
        let chosen = choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if chosen.is_none() {
            self.problem(found, format!("unknown value `{}`{}", shortened(word), suggestion(word, names)));
        }
        chosen
    }

    /// The elements of a list, at most `max`.
    pub fn list(&self, found: &mut Found, max: usize) -> Option<Vec<Self>> {
        let Data::List(list) = &self.node.data else { return self.wrong(found, "a list") };
        if list.len() > max {
            self.problem(found, format!("has {} elements, the limit is {max}", list.len()));
            return None;
        }
        let element =
            |(index, node): (usize, &'a Node)| Self { node, path: format!("{}[{index}]", self.path), line: node.line };
        Some(list.iter().enumerate().map(element).collect())
    }

    /// The entries of a mapping whose keys are names that the catalog gives, 1 to `max`.
    pub fn entries(&self, found: &mut Found, max: usize) -> Option<Vec<(&'a str, Self)>> {
        let Data::Map(map) = &self.node.data else { return self.wrong(found, "a mapping of names") };
        if map.is_empty() {
            self.problem(found, "must not be empty");
        } else if map.len() > max {
            self.problem(found, format!("has {} entries, the limit is {max}", map.len()));
            return None;
        }
        let entry = |key: &'a str, line, node| (key, Self { node, path: self.child(key), line });
        Some(map.iter().map(|(key, value)| entry(&key.text, key.line, value)).collect())
    }

    /// A mapping with known keys; every other key is a problem.
    pub fn mapping(&self, found: &mut Found, shape: &'static Shape) -> Option<Mapping<'a>> {
        let Data::Map(map) = &self.node.data else {
            return self.wrong(found, &format!("a mapping with keys of {}", shape.keys.join(", ")));
        };
        let mut fields = Vec::new();
        for (key, value) in map {
            let field = Self { node: value, path: self.child(&key.text), line: key.line };
            if let Some(known) = shape.keys.iter().find(|known| **known == &*key.text) {
                fields.push((*known, field));
            } else if &*key.text == "<<" {
                field.problem(found, "merge keys are not supported, write the keys out");
            } else {
                field.problem(found, format!("unknown key{}", suggestion(&key.text, shape.keys.iter().copied())));
            }
        }
        Some(Mapping { place: self.clone(), shape, fields })
    }

    fn child(&self, key: &str) -> String {
        let key = shortened(key);
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }
}

/// A mapping whose keys are known.
#[derive(Debug)]
pub(super) struct Mapping<'a> {
    pub place: Field<'a>,
    shape: &'static Shape,
    fields: Vec<(&'static str, Field<'a>)>,
}

impl<'a> Mapping<'a> {
    /// The value of a key, if it is there.
    pub fn get(&self, key: &'static str) -> Option<&Field<'a>> {
        debug_assert!(self.shape.keys.contains(&key), "{key} is not a key of {}", self.shape.name);
        self.fields.iter().find(|(name, _)| *name == key).map(|(_, field)| field)
    }

    /// The value of a key that must be there.
    pub fn required(&self, found: &mut Found, key: &'static str) -> Option<&Field<'a>> {
        let field = self.get(key);
        if field.is_none() {
            self.place.problem(found, format!("{key} is missing"));
        }
        field
    }

    /// Reads an optional key: the default when it is not there, `None` when it is wrong.
    pub fn or<T>(&self, key: &'static str, default: T, read: impl FnOnce(&Field<'a>) -> Option<T>) -> Option<T> {
        self.get(key).map_or(Some(default), read)
    }
}

/// A text cut for a message.
pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(59).chain(['…']).collect() }
}
