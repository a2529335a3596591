//! The table of results, printed as Markdown.

use std::time::Duration;

/// A number with its unit, such as `1.41 × CPU`.
#[derive(Clone, Copy)]
pub struct Figure {
    pub value: f64,
    pub unit: &'static str,
}

impl Figure {
    /// A ratio of CPU time.
    pub const fn cpu_ratio(value: f64) -> Self {
        Self { value, unit: " × CPU" }
    }
}

/// A figure, and the costs that it was computed from.
pub struct Measurement {
    pub figure: Figure,
    /// The cost of the program.
    pub subject: String,
    /// The cost of the baseline.
    pub baseline: String,
}

struct Row {
    name: String,
    figure: String,
    goal: String,
    subject: String,
    baseline: String,
}

/// The results of a run.
pub struct Table {
    filters: Vec<String>,
    rows: Vec<Row>,
}

impl Table {
    /// An empty table for the rows whose names contain one of `filters`; for all rows when there are no filters.
    pub const fn new(filters: Vec<String>) -> Self {
        Self { filters, rows: Vec::new() }
    }

    /// Whether a row is selected by the filters.
    pub fn includes(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(filter.as_str()))
    }

    /// Adds a row whose figure must not exceed `limit`.
    pub fn at_most(&mut self, name: &str, limit: f64, measurement: Measurement) {
        let Figure { value, unit } = measurement.figure;
        self.add(name, format!("≤ {limit}{unit} {}", verdict(value <= limit)), measurement);
    }

    /// Adds a row whose figure must reach `limit`.
    pub fn at_least(&mut self, name: &str, limit: f64, measurement: Measurement) {
        let Figure { value, unit } = measurement.figure;
        self.add(name, format!("≥ {limit}{unit} {}", verdict(value >= limit)), measurement);
    }

    /// Adds a row without a goal.
    pub fn report(&mut self, name: &str, measurement: Measurement) {
        self.add(name, "reported".to_owned(), measurement);
    }

    fn add(&mut self, name: &str, goal: String, measurement: Measurement) {
        let Measurement { figure: Figure { value, unit }, subject, baseline } = measurement;
        let figure = format!("{value:.2}{unit}");
        println!("measured: {name}: {figure} ({goal}); {subject}; {baseline}");
        self.rows.push(Row { name: name.to_owned(), figure, goal, subject, baseline });
    }

    /// Prints the table as Markdown.
    pub fn print(&self) {
        println!("\n| operation | figure | goal | Switchboard | baseline |\n|---|---|---|---|---|");
        for Row { name, figure, goal, subject, baseline } in &self.rows {
            println!("| {name} | {figure} | {goal} | {subject} | {baseline} |");
        }
    }
}

const fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

/// Formats a duration as `12.3 µs` or `4.5 ms`.
pub fn format_duration(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.1} µs") } else { format!("{:.2} ms", micros / 1000.0) }
}
