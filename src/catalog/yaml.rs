//! YAML text to a plain tree in which every node knows its line. Scalars stay text, so that `2025-08-07` and `1.10`
//! are what was written. What the nodes mean is `load`'s business.

use std::{collections::HashMap, rc::Rc};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::problem::{Found, Problem};

/// Longest text, in bytes.
pub const TEXT_MAX: usize = 1 << 20;
/// Deepest nesting.
pub const DEPTH_MAX: usize = 16;
/// Most nodes, those that aliases repeat counted each time.
pub const NODES_MAX: usize = 100_000;
/// Longest single scalar, in bytes.
pub const SCALAR_MAX: usize = 4_096;

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub line: usize,
    pub data: Data,
}

#[derive(Debug, Clone)]
pub(super) enum Data {
    Null,
    /// `plain`: written without quotes.
    Scalar {
        text: Rc<str>,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub line: usize,
    pub text: Rc<str>,
}

impl Node {
    /// What it is, for people.
    pub fn what(&self) -> &'static str {
        match &self.data {
            Data::Null => "nothing",
            Data::Scalar { plain: true, .. } => "a value",
            Data::Scalar { plain: false, .. } => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
        }
    }

    /// How many nodes it is made of, keys included.
    fn size(&self) -> usize {
        1 + match &self.data {
            Data::Null | Data::Scalar { .. } => 0,
            Data::List(list) => list.iter().map(Self::size).sum(),
            Data::Map(map) => map.iter().map(|(_, value)| 1 + value.size()).sum(),
        }
    }

    fn depth(&self) -> usize {
        1 + match &self.data {
            Data::Null | Data::Scalar { .. } => 0,
            Data::List(list) => list.iter().map(Self::depth).max().unwrap_or(0),
            Data::Map(map) => map.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
        }
    }
}

/// Reads the one document of a text. What can be read past (a key given twice, a tag) is noted in `found`; what cannot
/// ends the reading with `None`.
pub(super) fn read(text: &str, found: &mut Found) -> Option<Node> {
    if text.len() > TEXT_MAX {
        let message = format!("is {} bytes long, the limit is {TEXT_MAX}", text.len());
        found.add(Problem { line: 0, path: String::new(), message });
        return None;
    }
    let mut tree = Tree { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, found };
    match tree.document() {
        Ok(node) => Some(node),
        Err(problem) => {
            found.add(problem);
            None
        }
    }
}

/// The tree while it grows.
struct Tree<'t, 'f> {
    parser: Parser<'t, StrInput<'t>>,
    /// Finished nodes that an alias may repeat.
    anchors: HashMap<usize, Node>,
    nodes: usize,
    found: &'f mut Found,
}

fn problem(line: usize, message: impl Into<String>) -> Problem {
    Problem { line, path: String::new(), message: message.into() }
}

impl<'t> Tree<'t, '_> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(problem(error.marker().line(), format!("is not YAML: {}", error.info()))),
            None => Err(problem(0, "is not YAML: it ends in the middle")),
        }
    }

    fn document(&mut self) -> Result<Node, Problem> {
        let mut document = None;
        // Bounded by the text: each event takes some of it.
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => return document.ok_or_else(|| problem(0, "is empty")),
                _ if document.is_some() => {
                    return Err(problem(span.start.line(), "a file holds one catalog, this is a second document"));
                }
                event => document = Some(self.node(event, span, 1)?),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Problem> {
        let line = span.start.line();
        if depth > DEPTH_MAX {
            return Err(problem(line, format!("is nested deeper than {DEPTH_MAX} levels")));
        }
        self.count(1, line)?;
        let (data, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if text.len() > SCALAR_MAX {
                    return Err(problem(
                        line,
                        format!("a value is {} bytes long, the limit is {SCALAR_MAX}", text.len()),
                    ));
                }
                let plain = style == ScalarStyle::Plain;
                let null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                (if null { Data::Null } else { Data::Scalar { text: text.into(), plain } }, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (self.list(depth)?, anchor, tag),
            Event::MappingStart(anchor, tag) => (self.map(depth)?, anchor, tag),
            Event::Alias(anchor) => return self.alias(anchor, line, depth),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(problem(line, "is not YAML: a value is missing")),
        };
        if let Some(tag) = tag {
            self.found.add(problem(line, format!("the tag {tag} means nothing here, leave it out")));
        }
        let node = Node { line, data };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Data, Problem> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Data::List(list)),
                (event, span) => list.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Data, Problem> {
        let mut map: Vec<(Key, Node)> = Vec::new();
        let mut lines: HashMap<Rc<str>, usize> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Data::Map(map));
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            let line = key.line;
            let text = match key.data {
                Data::Scalar { text, .. } => text,
                Data::Null => "".into(),
                Data::List(_) | Data::Map(_) => {
                    self.found.add(problem(line, "a key must be a word"));
                    continue;
                }
            };
            if let Some(first) = lines.get(&text) {
                self.found.add(problem(line, format!("the key {text} is there already, on line {first}")));
                continue;
            }
            lines.insert(Rc::clone(&text), line);
            map.push((Key { line, text }, value));
        }
    }

    fn alias(&mut self, anchor: usize, line: usize, depth: usize) -> Result<Node, Problem> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(problem(line, "an alias cannot stand inside what it repeats"));
        };
        if depth + node.depth() > DEPTH_MAX + 1 {
            return Err(problem(line, format!("is nested deeper than {DEPTH_MAX} levels")));
        }
        self.count(node.size(), line)?;
        Ok(node)
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<(), Problem> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return Err(problem(line, format!("more than {NODES_MAX} values, counting what aliases repeat")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn problems(text: &str) -> String {
        let mut found = Found::default();
        let node = read(text, &mut found);
        found.verdict(node).map_or_else(|problems| problems.to_string(), |_| String::new())
    }

    #[test]
    fn an_alias_bomb_is_refused_at_the_bound() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
        }
        assert!(problems(&bomb).contains("more than 100000 values"), "{}", problems(&bomb));
    }

    #[test]
    fn long_texts_repeated_by_aliases_cost_no_memory_and_too_long_ones_are_refused() {
        let long = format!("a: &a {}\nb: [{}]", "x".repeat(4_097), "*a, ".repeat(1_000));
        assert!(problems(&long).contains("the limit is 4096"));
    }

    #[test]
    fn an_alias_inside_its_own_anchor_is_refused() {
        assert!(problems("a: &a [*a]").contains("inside what it repeats"));
    }

    #[test]
    fn nesting_and_size_are_bounded() {
        assert!(problems(&"[".repeat(100)).contains("deeper than 16"));
        // The scanner looks ahead and has a bound of its own.
        assert_eq!(problems(&"[".repeat(1_000_000)), "line 1: is not YAML: recursion limit exceeded");
        assert!(problems(&" ".repeat(TEXT_MAX + 1)).contains("the limit is 1048576"));
        let mut deep = String::new();
        for level in 0..40 {
            writeln!(deep, "{}a:", " ".repeat(level)).unwrap();
        }
        assert!(problems(&deep).contains("deeper than 16"));
    }

    #[test]
    fn a_key_given_twice_names_both_lines() {
        assert_eq!(problems("a: 1\nb: 2\na: 3"), "line 3: the key a is there already, on line 1");
    }

    #[test]
    fn tags_second_documents_and_broken_syntax_are_told_with_their_line() {
        assert!(problems("a: !!int 1").contains("line 1: the tag"));
        assert!(problems("a: 1\n---\nb: 1").contains("line 3: a file holds one catalog"));
        assert!(problems("a: 1\nb: [1,\nc: {").starts_with("line "));
        assert_eq!(problems(""), "is empty");
        assert_eq!(problems("# only a comment\n"), "is empty");
    }
}
