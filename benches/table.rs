//! The table, as it is printed.

/// Rows of work, figure, limit and goal.
pub struct Table {
    wanted: Vec<String>,
    rows: Vec<[String; 5]>,
}

impl Table {
    /// An empty table of the rows whose names contain any of `wanted`; of all, when it is empty.
    pub fn new(wanted: Vec<String>) -> Self {
        Self { wanted, rows: Vec::new() }
    }

    /// Whether this row is to be measured.
    pub fn wants(&self, work: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|part| work.contains(part.as_str()))
    }

    /// A row whose figure may be at most `most`.
    pub fn at_most(&mut self, work: &str, figure: (f64, &str), most: f64, ours: String, beside: String) {
        let (value, unit) = figure;
        self.row(work, format!("{value:.2}{unit}"), format!("≤ {most}{unit}"), value <= most, ours, beside);
    }

    /// A row whose figure must be at least `least`.
    pub fn at_least(&mut self, work: &str, figure: (f64, &str), least: f64, ours: String, beside: String) {
        let (value, unit) = figure;
        self.row(work, format!("{value:.2}{unit}"), format!("≥ {least}{unit}"), value >= least, ours, beside);
    }

    /// A row that has no goal.
    pub fn tell(&mut self, work: &str, figure: (f64, &str), ours: String, beside: String) {
        let (value, unit) = figure;
        self.add(work, format!("{value:.2}{unit}"), "reported".to_owned(), ours, beside);
    }

    fn row(&mut self, work: &str, figure: String, goal: String, met: bool, ours: String, beside: String) {
        let goal = format!("{goal} {}", if met { "met" } else { "MISSED" });
        self.add(work, figure, goal, ours, beside);
    }

    fn add(&mut self, work: &str, figure: String, goal: String, ours: String, beside: String) {
        println!("measured: {work}: {figure} ({goal}); {ours}; {beside}");
        self.rows.push([work.to_owned(), figure, goal, ours, beside]);
    }

    /// Prints it as Markdown.
    pub fn print(&self) {
        println!("\n| work | figure | goal | ours | beside it |\n|---|---|---|---|---|");
        for row in &self.rows {
            println!("| {} |", row.join(" | "));
        }
    }
}
