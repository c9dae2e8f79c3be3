//! A run of named steps: each announced, timed and remembered, with one line at the end that says
//! how it went.

use std::time::{Duration, Instant};

use crate::Outcome;

/// The steps of one task, in the order they ran.
#[derive(Debug)]
pub(crate) struct Steps {
    task: &'static str,
    fail_fast: bool,
    started: Instant,
    done: Vec<Done>,
}

#[derive(Debug)]
struct Done {
    name: String,
    passed: bool,
    took: Duration,
}

impl Steps {
    /// With `fail_fast`, steps after the first failure are left out.
    pub(crate) fn new(task: &'static str, fail_fast: bool) -> Self {
        Self {
            task,
            fail_fast,
            started: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Runs one step, unless an earlier failure ended the task.
    pub(crate) fn step(&mut self, name: &str, how: &str, run: impl FnOnce() -> bool) {
        if self.fail_fast && self.failed() {
            return;
        }
        println!("\n== {name}: {how}");
        let started = Instant::now();
        let passed = run();
        let took = started.elapsed();
        println!("== {name}: {} ({})", verdict(passed), seconds(took));
        self.done.push(Done {
            name: name.to_owned(),
            passed,
            took,
        });
    }

    fn failed(&self) -> bool {
        self.done.iter().any(|step| !step.passed)
    }

    /// Prints the table of steps and the closing line.
    pub(crate) fn finish(self) -> Outcome {
        println!();
        for step in &self.done {
            println!(
                "{:>10}  {:<8} {}",
                seconds(step.took),
                verdict(step.passed),
                step.name
            );
        }
        println!("{}", self.closing(self.started.elapsed()));
        if self.failed() {
            Outcome::Failed
        } else {
            Outcome::Passed
        }
    }

    fn closing(&self, took: Duration) -> String {
        let failures: Vec<_> = self
            .done
            .iter()
            .filter(|step| !step.passed)
            .map(|step| step.name.as_str())
            .collect();
        let (task, count, took) = (self.task, self.done.len(), seconds(took));
        if failures.is_empty() {
            format!("{task}: {count} of {count} steps passed in {took}")
        } else {
            format!(
                "{task}: {} of {count} steps FAILED in {took}: {}",
                failures.len(),
                failures.join(", ")
            )
        }
    }
}

fn verdict(passed: bool) -> &'static str {
    if passed { "ok" } else { "FAILED" }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_runs_and_failures_are_named() {
        let mut steps = Steps::new("test", false);
        steps.step("first", "", || false);
        steps.step("second", "", || true);
        steps.step("third", "", || false);
        assert_eq!(
            steps.closing(Duration::from_secs(3)),
            "test: 2 of 3 steps FAILED in 3.0 s: first, third"
        );
        assert_eq!(steps.finish(), Outcome::Failed);
    }

    #[test]
    fn fail_fast_leaves_the_rest_out() {
        let mut steps = Steps::new("test", true);
        steps.step("first", "", || false);
        steps.step("second", "", || unreachable!("an earlier step failed"));
        assert_eq!(
            steps.closing(Duration::ZERO),
            "test: 1 of 1 steps FAILED in 0.0 s: first"
        );
    }

    #[test]
    fn success_is_one_line() {
        let mut steps = Steps::new("test", false);
        steps.step("only", "", || true);
        assert_eq!(
            steps.closing(Duration::ZERO),
            "test: 1 of 1 steps passed in 0.0 s"
        );
        assert_eq!(steps.finish(), Outcome::Passed);
    }
}
