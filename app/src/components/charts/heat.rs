//! Heat maps: darker is more, and every cell has its number.

use super::{
    drawing::{Anchor, Canvas, Drawing, Figure, Key, NARROW, Sample, Table, WIDE, places},
    scale::{every, text_width},
};

const ROW: f64 = 30.0;
/// The shades.
const STEPS: [(&str, &str); 5] = [("h h0", "ht0"), ("h h1", "ht1"), ("h h2", "ht2"), ("h h3", "ht3"), ("h h4", "ht4")];

/// What a cell says beside its shade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    #[default]
    None,
    /// Too few to judge: no shade, a dashed edge.
    TooFew,
    /// Needs a person: a mark in its corner.
    Attention,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatCell {
    /// What decides its shade.
    pub value: f64,
    /// What stands in it: "96", "n 19".
    pub words: String,
    /// What else it says.
    pub mark: Mark,
}

/// A heat map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatMap {
    /// What it shows.
    pub name: String,
    /// What the rows are: "origin".
    pub side: String,
    /// What the columns are: "destination country".
    pub head: String,
    /// The rows.
    pub rows: Vec<String>,
    /// The columns.
    pub columns: Vec<String>,
    /// The cells, row by row; none where there is nothing.
    pub cells: Vec<Vec<Option<HeatCell>>>,
    /// From which value on the second shade, the third one, and so on begin: ascending where more is darker, descending where
    /// less is.
    pub bounds: Vec<f64>,
    /// What each shade means, from the lightest.
    pub keys: Vec<String>,
    /// What too few are, where a cell has the mark.
    pub few: String,
}

impl HeatMap {
    /// The chart as it is shown.
    pub fn figure(&self) -> Figure {
        Figure {
            title: self.title(),
            wide: self.draw(WIDE),
            narrow: self.draw(NARROW),
            legend: self.legend(),
            table: self.table(),
        }
    }

    fn cell(&self, row: usize, column: usize) -> Option<&HeatCell> {
        self.cells.get(row)?.get(column)?.as_ref()
    }

    /// The shade of a value, 0 for the lightest.
    fn step(&self, value: f64) -> usize {
        let falling = self.bounds.first() > self.bounds.last();
        let passed = |bound: &&f64| if falling { value < **bound } else { value >= **bound };
        self.bounds.iter().take_while(passed).count().min(STEPS.len() - 1)
    }

    fn all(&self) -> impl Iterator<Item = (usize, usize, &HeatCell)> {
        let places = (0..self.rows.len()).flat_map(|row| (0..self.columns.len()).map(move |column| (row, column)));
        places.filter_map(|(row, column)| Some((row, column, self.cell(row, column)?)))
    }

    fn title(&self) -> String {
        let judged = || self.all().filter(|(_, _, cell)| cell.mark != Mark::TooFew);
        let darkest = judged().max_by_key(|(row, column, cell)| {
            // of equal shades the first
            (self.step(cell.value), std::cmp::Reverse((*row, *column)))
        });
        let Some((row, column, cell)) = darkest else { return format!("{}: no data for this period.", self.name) };
        let attention = judged().filter(|(_, _, cell)| cell.mark == Mark::Attention).count();
        let marked = match attention {
            0 => String::new(),
            1 => "; 1 needs attention".to_owned(),
            n => format!("; {n} need attention"),
        };
        format!(
            "{}: strongest shade {} at {}, {}{marked}.",
            self.name, cell.words, self.rows[row], self.columns[column]
        )
    }

    fn legend(&self) -> Vec<Key> {
        let key = |words: &str, class| Key { words: words.to_owned(), class, hatch: None, sample: Sample::Area };
        let shades = self.keys.iter().zip(STEPS).map(|(words, (class, _))| key(words, class));
        let few = self.all().any(|(_, _, cell)| cell.mark == Mark::TooFew);
        shades.chain(few.then(|| key(&self.few, "h-few"))).collect()
    }

    fn table(&self) -> Table {
        let heads = [self.side.clone()].into_iter().chain(self.columns.iter().cloned()).collect();
        let said = |row, column| self.cell(row, column).map_or_else(|| "no data".to_owned(), |cell| cell.said());
        let row = |(row, name): (usize, &String)| {
            [name.clone()].into_iter().chain((0..self.columns.len()).map(|column| said(row, column))).collect()
        };
        Table { heads, rows: self.rows.iter().enumerate().map(row).collect() }
    }

    fn draw(&self, canvas: Canvas) -> Drawing {
        let top = if self.head.is_empty() { 20.0 } else { 36.0 };
        if self.all().next().is_none() {
            return Drawing::blank(canvas, top + 4.0 * ROW, "No data for this period");
        }
        let names = self.rows.iter().chain([&self.side]).map(String::as_str);
        let label = (text_width(names) + 10.0).min(canvas.width / 3.0);
        let mut drawing = Drawing::new(canvas, top + self.rows.len() as f64 * ROW + 4.0);
        let width = (canvas.width - label - 2.0) / self.columns.len().max(1) as f64;
        let middle = |column: usize| label + width * (column as f64 + 0.5);
        drawing.text(label + (canvas.width - label) / 2.0, 12.0, &self.head, "", Anchor::Middle);
        drawing.text(0.0, top - 8.0, &self.side, "", Anchor::Start);
        let every = every(&self.columns, canvas.width - label);
        for (column, name) in self.columns.iter().enumerate().step_by(every) {
            drawing.text(middle(column), top - 8.0, name, "n", Anchor::Middle);
        }
        for (row, name) in self.rows.iter().enumerate() {
            let y = top + row as f64 * ROW;
            drawing.text(label - 8.0, y + ROW / 2.0 + 4.0, name, "n", Anchor::End);
            for column in 0..self.columns.len() {
                let at = [label + column as f64 * width + 1.0, y + 1.0, width - 2.0, ROW - 2.0];
                self.place(&mut drawing, (row, column), at);
            }
        }
        drawing
    }

    fn place(&self, drawing: &mut Drawing, (row, column): (usize, usize), at: [f64; 4]) {
        let [x, y, width, height] = at;
        let Some(cell) = self.cell(row, column) else {
            return drawing.rect(at, "h-none", None, "");
        };
        let said = format!("{}, {}: {}", self.rows[row], self.columns[column], cell.said());
        let (class, text) = match cell.mark {
            Mark::TooFew => ("h-few", "n"),
            Mark::None | Mark::Attention => STEPS[self.step(cell.value)],
        };
        drawing.rect(at, class, None, &said);
        if text_width([cell.words.as_str()]) <= width {
            drawing.text(x + width / 2.0, y + height / 2.0 + 4.0, &cell.words, text, Anchor::Middle);
        }
        if cell.mark == Mark::Attention {
            drawing.path(format!("M{} {}h9v9z", places(x + width - 9.0), places(y)), "mark");
        }
        drawing.stop(at, said);
    }
}

impl HeatCell {
    fn said(&self) -> String {
        match self.mark {
            Mark::None => self.words.clone(),
            Mark::TooFew => format!("{}, too few to judge", self.words),
            Mark::Attention => format!("{}, needs attention", self.words),
        }
    }
}
