//! The compiled example.
//!
//! Cargo names the path of a binary to a test, but not that of an example. It stands beside the test:
//! the test is `target/<profile>/deps/<test>`, the example `target/<profile>/examples/<name>`. Usually
//! the test run has just built it; a run that was told to build this test alone has not.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::SystemTime,
};

/// The example `name`, built of the sources as they are.
pub(crate) fn example(name: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();

    let test = env::current_exe().expect("a test knows where it is");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("target/<profile>/deps/<test>");
    let path = profile
        .join("examples")
        .join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !is_fresh(&path) {
        build(name, profile);
    }
    assert!(path.is_file(), "{} was not built", path.display());
    path
}

/// Whether no source is newer than the program; cargo lists them in a file beside it.
fn is_fresh(program: &Path) -> bool {
    let built = modified(program);
    let Ok(sources) = fs::read_to_string(program.with_extension("d")) else {
        return false;
    };
    let Some((_, sources)) = sources.split_once(": ") else {
        return false;
    };
    let sources = sources.trim().replace("\\ ", "\0");
    built.is_some()
        && sources
            .split(' ')
            .map(|source| source.replace('\0', " "))
            .all(|source| modified(&source) <= built)
}

fn modified(path: impl AsRef<Path>) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn build(name: &str, profile: &Path) {
    let profile_name = match profile.file_name().and_then(OsStr::to_str) {
        None | Some("debug") => "dev",
        Some(name) => name,
    };
    let target = profile.parent().expect("target/<profile>");
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "--example",
            name,
            "--profile",
            profile_name,
        ])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .arg("--target-dir")
        .arg(target)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "example {name} does not compile");
}
