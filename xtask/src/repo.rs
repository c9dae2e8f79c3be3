//! Where things are in this repository.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::{cargo, output_of};

/// The root of the workspace, wherever it was cloned.
pub(crate) fn root() -> PathBuf {
    // Set by `cargo run`; the compiled-in value serves when the program is started by hand.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map(Path::to_path_buf).unwrap_or(manifest)
}

/// What cargo knows about the workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Where build results go.
    pub(crate) target: PathBuf,
    /// The published crates, each with its own features, `default` and private ones left out.
    pub(crate) crates: Vec<Package>,
}

/// One crate under `crates/`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) features: Vec<String>,
}

/// Asks cargo about the workspace.
pub(crate) fn workspace() -> Result<Workspace, String> {
    let mut metadata = cargo();
    metadata
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root());
    let text =
        output_of(&mut metadata).ok_or("`cargo metadata` failed; does the workspace load?")?;
    let value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    parse(&value, &root().join("crates"))
        .ok_or_else(|| "cargo metadata has another shape".to_owned())
}

fn parse(metadata: &Value, crates_dir: &Path) -> Option<Workspace> {
    let mut crates = Vec::new();
    for package in metadata["packages"].as_array()? {
        if !Path::new(package["manifest_path"].as_str()?).starts_with(crates_dir) {
            continue;
        }
        let features = package["features"].as_object()?.keys();
        crates.push(Package {
            name: package["name"].as_str()?.to_owned(),
            features: features
                .filter(|name| *name != "default" && !name.starts_with("__"))
                .cloned()
                .collect(),
        });
    }
    crates.sort_by(|a, b| a.name.cmp(&b.name));
    Some(Workspace {
        target: PathBuf::from(metadata["target_directory"].as_str()?),
        crates,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keeps_the_published_crates_and_their_public_features() {
        let metadata = json!({
            "target_directory": "/w/target",
            "packages": [
                { "name": "b", "manifest_path": "/w/crates/b/Cargo.toml",
                  "features": { "default": ["tls"], "tls": [], "__test": [] } },
                { "name": "a", "manifest_path": "/w/crates/a/Cargo.toml", "features": {} },
                { "name": "xtask", "manifest_path": "/w/xtask/Cargo.toml", "features": {} },
            ],
        });
        let workspace = parse(&metadata, Path::new("/w/crates")).unwrap();
        assert_eq!(workspace.target, Path::new("/w/target"));
        assert_eq!(
            workspace.crates,
            [
                Package {
                    name: "a".into(),
                    features: vec![]
                },
                Package {
                    name: "b".into(),
                    features: vec!["tls".into()]
                },
            ]
        );
    }

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        assert!(root().join("xtask/Cargo.toml").is_file());
    }
}
