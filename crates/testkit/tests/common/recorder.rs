//! A recorder that remembers everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

/// Values by name and labels, such as `switchboard_sessions{transport=polling}`.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    described: BTreeMap<String, (&'static str, Option<Unit>)>,
    series: BTreeMap<String, Series>,
}

struct Series {
    name: String,
    kind: &'static str,
    labels: BTreeSet<String>,
    values: Arc<Mutex<Vec<f64>>>,
}

/// A counter or gauge has its value first; a histogram has its samples.
struct Cell(Arc<Mutex<Vec<f64>>>);

impl Memory {
    /// Kinds and units by name.
    pub(crate) fn described(&self) -> BTreeMap<String, (&'static str, Option<Unit>)> {
        self.0.lock().unwrap().described.clone()
    }

    /// Name, kind and names of labels of all series that have a value: a counter or gauge that is still zero
    /// has none.
    pub(crate) fn emitted(&self) -> BTreeSet<(String, &'static str, Vec<String>)> {
        let state = self.0.lock().unwrap();
        let used = state
            .series
            .values()
            .filter(|series| !series.values.lock().unwrap().is_empty());
        used.map(|series| {
            let labels = series.labels.iter().cloned().collect();
            (series.name.clone(), series.kind, labels)
        })
        .collect()
    }

    /// The value of a counter or gauge; zero when nobody touched it.
    pub(crate) fn value(&self, series: &str) -> f64 {
        self.samples(series).first().copied().unwrap_or_default()
    }

    /// The samples of a histogram.
    pub(crate) fn samples(&self, series: &str) -> Vec<f64> {
        let state = self.0.lock().unwrap();
        let series = state.series.get(series);
        series.map_or_else(Vec::new, |series| series.values.lock().unwrap().clone())
    }

    fn cell(&self, key: &Key, kind: &'static str) -> Arc<Cell> {
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let full = if labels.is_empty() {
            key.name().to_owned()
        } else {
            format!("{}{{{}}}", key.name(), labels.join(","))
        };
        let mut state = self.0.lock().unwrap();
        let series = state.series.entry(full).or_insert_with(|| Series {
            name: key.name().to_owned(),
            kind,
            labels: key.labels().map(|label| label.key().to_owned()).collect(),
            values: Arc::default(),
        });
        assert_eq!(series.kind, kind, "{} is two things", series.name);
        Arc::new(Cell(Arc::clone(&series.values)))
    }

    fn describe(&self, key: &KeyName, kind: &'static str, unit: Option<Unit>) {
        let mut state = self.0.lock().unwrap();
        state
            .described
            .insert(key.as_str().to_owned(), (kind, unit));
    }
}

impl Cell {
    fn add(&self, value: f64) {
        let mut values = self.0.lock().unwrap();
        match values.first_mut() {
            Some(sum) => *sum += value,
            None if value == 0.0 => {}
            None => values.push(value),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "tests count to small numbers")]
impl CounterFn for Cell {
    fn increment(&self, value: u64) {
        self.add(value as f64);
    }

    fn absolute(&self, value: u64) {
        *self.0.lock().unwrap() = vec![value as f64];
    }
}

impl GaugeFn for Cell {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        *self.0.lock().unwrap() = vec![value];
    }
}

impl HistogramFn for Cell {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

impl Recorder for Memory {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, "counter", unit);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, "gauge", unit);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, "histogram", unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key, "counter"))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key, "gauge"))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.cell(key, "histogram"))
    }
}
