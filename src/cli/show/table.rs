//! Tables: a head, columns that stand in line, numbers on the right; colours where the terminal has them.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

/// Which side a column's words stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// A table that is being filled.
pub struct Grid {
    heads: Vec<(&'static str, Side)>,
    rows: Vec<Vec<(String, Option<Color>)>>,
}

impl Grid {
    /// Columns by their heads; a head that begins with `>` has numbers below it.
    pub fn new(heads: &[&'static str]) -> Self {
        let side = |head: &&'static str| match head.strip_prefix('>') {
            Some(head) => (head, Side::Right),
            None => (*head, Side::Left),
        };
        Self { heads: heads.iter().map(side).collect(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| (cell, None)).collect());
    }

    /// Colours a cell of the last row.
    pub fn paint(&mut self, head: &str, colour: Color) {
        let column = self.heads.iter().position(|(this, _)| *this == head);
        let cell = self.rows.last_mut().zip(column).and_then(|(row, column)| row.get_mut(column));
        if let Some((_, paint)) = cell {
            *paint = Some(colour);
        }
    }

    /// Leaves out columns that say nothing, of those named.
    pub fn without_empty(&mut self, heads: &[&str]) {
        for head in heads {
            let Some(column) = self.heads.iter().position(|(this, _)| this == head) else { continue };
            let empty = |(text, _): &(String, Option<Color>)| text.is_empty() || text == "0";
            if self.rows.iter().all(|row| row.get(column).is_none_or(empty)) {
                self.heads.remove(column);
                for row in &mut self.rows {
                    row.remove(column);
                }
            }
        }
    }

    /// The lines of the table; without rows, only its head.
    pub fn text(&self) -> String {
        self.drawn(super::colours())
    }

    fn drawn(&self, colours: bool) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        if colours {
            table.enforce_styling().set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        let head = |(head, _): &(&'static str, Side)| Cell::new(head.to_uppercase()).add_attribute(Attribute::Bold);
        table.set_header(self.heads.iter().map(head).collect::<Vec<_>>());
        for row in &self.rows {
            table.add_row(row.iter().map(|(text, colour)| {
                let cell = Cell::new(text);
                match colour {
                    Some(colour) => cell.fg(*colour),
                    None => cell,
                }
            }));
        }
        for (column, (_, side)) in table.column_iter_mut().zip(&self.heads) {
            column.set_padding((0, 2));
            if *side == Side::Right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(&["pool", ">held", ">overage", "state"]);
        grid.row(["a", "5", "0", "ok"].map(String::from));
        grid.row(["bcd", "1,000", "0", "exhausted"].map(String::from));
        grid.paint("state", Color::Red);
        grid
    }

    #[test]
    fn numbers_stand_on_the_right_and_nothing_is_painted_off_a_terminal() {
        let mut grid = grid();
        grid.without_empty(&["overage", "held"]);
        assert_eq!(grid.drawn(false), "POOL   HELD  STATE\na         5  ok\nbcd   1,000  exhausted\n");
    }

    #[test]
    fn a_terminal_gets_colours() {
        assert!(grid().drawn(true).contains("\u{1b}[38;5;9mexhausted"), "{:?}", grid().drawn(true));
    }
}
