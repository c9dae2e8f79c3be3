//! Settings from the environment.

use serde_json::{Map, Value};

use super::{IoConfig, LoadError};

/// Settings whose value may be a list in one text.
const LISTS: [&[&str]; 3] = [&["transports"], &["trustedProxies"], &["cors", "origin"]];

impl IoConfig {
    /// The defaults, changed by variables of the process's environment: see
    /// [`merge_env`](Self::merge_env).
    ///
    /// # Errors
    ///
    /// As [`merge_env`](Self::merge_env).
    pub fn from_env(prefix: &str) -> Result<Self, LoadError> {
        Self::default().merge_env(prefix)
    }

    /// These settings, changed by variables of the process's environment.
    ///
    /// Every variable that begins with `prefix` and `_` is one setting:
    ///
    /// - Words are joined by `_`: `SWITCHBOARD_PING_INTERVAL=2000` is `pingInterval`,
    ///   `SWITCHBOARD_MAX_HTTP_BUFFER_SIZE=1e6` is `maxHttpBufferSize`.
    /// - A setting within another stands behind `__`: `SWITCHBOARD_CORS__ORIGIN=*`.
    /// - A value is JSON where it can be read as such (`2000`, `false`, `["a","b"]`, `"text"`), else
    ///   text. An empty value is no change.
    /// - `transports`, `trustedProxies` and `cors.origin` also take a list with commas:
    ///   `SWITCHBOARD_TRANSPORTS=websocket,polling`.
    /// - What is off is `false`.
    ///
    /// So the prefix must be the settings' own: a variable that names no setting is refused.
    ///
    /// # Errors
    ///
    /// [`LoadError::Variable`] names the variable that is unknown or does not fit.
    pub fn merge_env(self, prefix: &str) -> Result<Self, LoadError> {
        let begin = format!("{prefix}_");
        let ours = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with(&begin).then_some((name, value))
        });
        let mut variables = Vec::new();
        for (name, value) in ours {
            match value.into_string() {
                Ok(value) => variables.push((name, value)),
                Err(_) => return Err(problem(name, "is no UTF-8")),
            }
        }
        self.merge_variables(prefix, variables)
    }

    /// As [`merge_env`](Self::merge_env), with variables from elsewhere.
    ///
    /// ```
    /// # use switchboard_server::IoConfig;
    /// let variables = [("APP_PING_INTERVAL", "2000"), ("APP_CORS__ORIGIN", "*"), ("HOME", "/")];
    /// let config = IoConfig::default().merge_variables("APP", variables)?;
    /// assert_eq!(config.ping_interval.as_secs(), 2);
    /// # Ok::<(), switchboard_server::LoadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`merge_env`](Self::merge_env).
    pub fn merge_variables<N: Into<String>, V: Into<String>>(
        self,
        prefix: &str,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, LoadError> {
        let begin = format!("{prefix}_");
        let mut changes: Vec<(String, Vec<String>, Value)> = Vec::new();
        for (name, value) in variables {
            let (name, value) = (name.into(), value.into());
            let Some(words) = name.strip_prefix(&begin) else {
                continue;
            };
            if value.is_empty() {
                continue;
            }
            let path: Vec<String> = words.split("__").map(camel_case).collect();
            let value = read(&value, &path);
            changes.push((name, path, value));
        }
        // A whole object first, then what is within it.
        changes.sort_by(|a, b| (a.1.len(), &a.0).cmp(&(b.1.len(), &b.0)));

        let base = serde_json::to_value(&self)?;
        let mut merged = base.clone();
        for (_, path, value) in &changes {
            put(&mut merged, path, value.clone());
        }
        let config: Self = match serde_json::from_value(merged) {
            Ok(config) => config,
            Err(error) => return Err(blame(&base, changes, &error)),
        };
        config.check()?;
        Ok(config)
    }
}

/// Finds the variable that is wrong by itself; else it is the last one.
fn blame(
    base: &Value,
    changes: Vec<(String, Vec<String>, Value)>,
    error: &serde_json::Error,
) -> LoadError {
    let mut last = String::new();
    for (name, path, value) in changes {
        let mut alone = base.clone();
        put(&mut alone, &path, value);
        if let Err(error) = serde_json::from_value::<IoConfig>(alone) {
            return problem(name, &error.to_string());
        }
        last = name;
    }
    problem(last, &error.to_string())
}

fn problem(variable: String, problem: &str) -> LoadError {
    LoadError::Variable {
        variable,
        problem: problem.to_owned(),
    }
}

/// `PING_INTERVAL` is `pingInterval`; `EIO3` keeps its letters, as Socket.IO writes it.
fn camel_case(words: &str) -> String {
    let mut name = String::with_capacity(words.len());
    for word in words.split('_') {
        if word == "EIO3" {
            name.push_str(word);
            continue;
        }
        let word = word.to_ascii_lowercase();
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if !name.is_empty() => {
                name.push(first.to_ascii_uppercase());
                name.push_str(letters.as_str());
            }
            _ => name.push_str(&word),
        }
    }
    name
}

fn read(text: &str, path: &[String]) -> Value {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let is_list = LISTS.iter().any(|list| path.iter().eq(list.iter()));
    match value {
        // One origin is told to everybody, a list is not: only commas make a list of it.
        Value::String(text) if is_list && (text.contains(',') || path.len() == 1) => {
            text.split(',').map(str::trim).map(Value::from).collect()
        }
        value => value,
    }
}

/// Sets the value at a path, making objects on the way.
fn put(into: &mut Value, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *into = value;
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    if let Value::Object(map) = into {
        put(map.entry(name).or_insert(Value::Null), rest, value);
    }
}
