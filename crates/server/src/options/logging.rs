//! A subscriber for what is logged, of the crate `tracing-subscriber`.

use std::io::IsTerminal;

use tracing::{Subscriber, subscriber::SetGlobalDefaultError};
use tracing_subscriber::fmt::MakeWriter;

use super::LoggerConfig;

/// With the feature `logging`.
impl LoggerConfig {
    /// Has this process write what is logged to its standard error: a line for people, in colour on a terminal,
    /// or an object of JSON in a line.
    ///
    /// ```
    /// use switchboard_server::ServicePreset;
    ///
    /// let preset = ServicePreset::from_json(r#"{"logger": {"level": "warn", "pretty": false}}"#)?;
    /// preset.logging().install()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The process has a subscriber already, which stays.
    pub fn install(&self) -> Result<(), SetGlobalDefaultError> {
        let colours = std::io::stderr().is_terminal();
        tracing::subscriber::set_global_default(self.subscriber(std::io::stderr, colours))
    }

    /// A subscriber that writes elsewhere.
    pub fn subscriber<W>(&self, writer: W, colours: bool) -> Box<dyn Subscriber + Send + Sync>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let builder = tracing_subscriber::fmt()
            .with_max_level(self.max_level())
            .with_ansi(colours && self.pretty)
            .with_writer(writer);
        if self.pretty {
            Box::new(builder.finish())
        } else {
            Box::new(builder.json().flatten_event(true).finish())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use crate::ServicePreset;

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a server with these settings logs of four events.
    fn logged(settings: &str) -> String {
        let written = Written::default();
        let writer = written.clone();
        let logging = ServicePreset::from_json(settings).unwrap().logging();
        let subscriber = logging.subscriber(move || writer.clone(), false);
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!("an error");
            tracing::warn!(port = 3000, "a warning");
            tracing::info!("a fact");
            tracing::debug!("a detail");
        });
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn lines_are_for_people_by_default_from_info_up() {
        let text = logged("{}");
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("a warning port=3000"), "{text}");
        assert!(!text.contains("a detail"), "{text}");
    }

    #[test]
    fn programs_get_an_object_a_line() {
        let text = logged(r#"{"logger": {"pretty": false, "level": "warn"}}"#);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[1]["message"], "a warning");
        assert_eq!(lines[1]["port"], 3000);
        assert_eq!(lines[1]["level"], "WARN");
    }

    #[test]
    fn debug_raises_the_level_and_nothing_else() {
        let text = logged(r#"{"debug": true, "logger": {"pretty": false, "level": "error"}}"#);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.lines().all(|line| line.starts_with('{')), "{text}");
    }
}
