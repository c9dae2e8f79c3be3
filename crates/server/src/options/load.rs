//! Settings from texts.

use super::{IoConfig, IoConfigError};

/// Settings that could not be loaded. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// No JSON, an unknown name or a value that does not fit.
    #[error("settings in JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// No TOML, an unknown name or a value that does not fit.
    #[error("settings in TOML: {}", .0.message())]
    Toml(#[from] toml::de::Error),
    /// A variable of the environment has an unknown name or a value that does not fit.
    #[error("{variable}: {problem}")]
    Variable {
        /// The variable's name.
        variable: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Each value could be read, but a server could not work with them.
    #[error(transparent)]
    Config(#[from] IoConfigError),
}

impl IoConfig {
    /// Reads JSON, and [checks](Self::check) it.
    ///
    /// # Errors
    ///
    /// [`LoadError`] names what is wrong; an unknown name is one.
    pub fn from_json(text: &str) -> Result<Self, LoadError> {
        let config: Self = serde_json::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// Reads TOML, and [checks](Self::check) it. TOML has no `null`: what is off is `false`.
    ///
    /// ```
    /// # use switchboard_server::IoConfig;
    /// let config = IoConfig::from_toml(
    ///     r#"
    ///     pingInterval = 2000
    ///     connectRate = false
    ///
    ///     [cors]
    ///     origin = ["https://example.com"]
    ///     "#,
    /// )?;
    /// assert_eq!(config.connect_rate, None);
    /// # Ok::<(), switchboard_server::LoadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError`] names what is wrong; an unknown name is one.
    pub fn from_toml(text: &str) -> Result<Self, LoadError> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }
}
