//! What is wrong with a catalog, told so that a person can mend it: line, path, sentence, suggestion.

use std::fmt;

/// Most problems that are told of one text; the rest is counted.
pub const PROBLEMS_MAX: usize = 200;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1; 0 when it concerns the text as a whole.
    pub line: usize,
    /// Such as `plans.scale.pools.ai_tasks.alerts[2]`; empty at the top.
    pub path: String,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a catalog, in the order of its lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    /// Found beyond `PROBLEMS_MAX`.
    more: usize,
}

impl Problems {
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { list: vec![problem], more: 0 }
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Problems while they are being collected.
#[derive(Debug, Default)]
pub(super) struct Found {
    list: Vec<Problem>,
    more: usize,
}

impl Found {
    pub fn add(&mut self, problem: Problem) {
        if self.list.len() < PROBLEMS_MAX {
            self.list.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Gives the value if nothing was found, else all that was.
    pub fn verdict<T>(mut self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => {
                if self.list.is_empty() {
                    // A reader that gives nothing says why; should one forget, the text is refused all the same.
                    self.add(Problem { line: 0, path: String::new(), message: "is not a catalog".into() });
                }
                self.list.sort_by_key(|problem| problem.line);
                Err(Problems { list: self.list, more: self.more })
            }
        }
    }
}

/// Finds the word that was probably meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 128 {
        return None;
    }
    let far = (word.chars().count() / 3).max(1);
    let distances = known.into_iter().map(|candidate| (strsim::osa_distance(word, candidate), candidate));
    distances.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance).map(|(_, near)| near)
}

/// Ends a sentence about an unknown word: `, did you mean ai_tasks?`, or what there is when that is short.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!(", did you mean {near}?");
    }
    let all: Vec<&str> = known.into_iter().take(13).collect();
    match all.len() {
        0 | 13.. => String::new(),
        1..13 => format!(", known are {}", all.join(", ")),
    }
}
