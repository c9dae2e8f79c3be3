//! Brings the stock `socket.io-client` in, for the page: from npm, as its users do.
//!
//! Nothing of others is part of this repository. The package is looked for where it may be installed
//! already; otherwise npm installs it, once, into a directory of its own below cargo's target directory.
//! Without npm, or without a network, the page does without.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{process::Command, time::timeout};

/// The version that is installed; any of the same protocol is taken where one is found.
const VERSION: &str = "4.8.4";

/// `off`, or a directory with a `node_modules`: then nowhere else is looked.
const SETTING: &str = "SOCKET_IO_CLIENT";

/// The directory with the files for browsers; `None`, and a line that says why, where there is none.
pub(crate) async fn find_or_install(longest: Duration) -> Option<PathBuf> {
    let setting = env::var_os(SETTING);
    if setting.as_ref().is_some_and(|setting| setting == "off") {
        println!("without socket.io-client, as {SETTING} says: pages use plain WebSockets");
        return None;
    }
    let places = match setting {
        Some(directory) => vec![PathBuf::from(directory)],
        None => usual_places(),
    };
    if let Some(found) = places.iter().find_map(|place| installed(place)) {
        println!("socket.io-client is served from {}", found.display());
        return Some(found);
    }
    let place = places.last()?;
    println!(
        "installing socket.io-client {VERSION} from npm into {}",
        place.display()
    );
    match install(place, longest).await {
        Ok(found) => Some(found),
        Err(error) => {
            println!("no socket.io-client ({error:#}): pages use plain WebSockets");
            None
        }
    }
}

/// Where the repository's tests have it, and where this program may put it.
fn usual_places() -> Vec<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let mut places: Vec<_> = repository
        .map(|root| root.join("tests-node"))
        .into_iter()
        .collect();
    places.extend(cache().map(|cache| cache.join("switchboard-chat")));
    places
}

/// Cargo's target directory, which this program is in; where it was copied elsewhere, the user's cache.
fn cache() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    let mut above = program.ancestors().skip(1);
    if above.next()?.ends_with("examples")
        && let Some(target) = above.nth(1)
    {
        return Some(target.to_owned());
    }
    let user = |name: &str| env::var_os(name).map(PathBuf::from);
    user("XDG_CACHE_HOME")
        .or_else(|| user("LOCALAPPDATA"))
        .or_else(|| user("HOME").map(|home| home.join(".cache")))
}

/// The package's files for browsers, if `place` has them in a version that speaks our protocol.
fn installed(place: &Path) -> Option<PathBuf> {
    let package = place.join("node_modules/socket.io-client");
    let about = fs::read(package.join("package.json")).ok()?;
    let about: serde_json::Value = serde_json::from_slice(&about).ok()?;
    let dist = package.join("dist");
    let fits = about["version"].as_str()?.starts_with("4.") && dist.join("socket.io.js").is_file();
    fits.then_some(dist)
}

/// Installs apart, and then moves: a half-done installation is never found, and nothing that is there
/// already is touched.
async fn install(place: &Path, longest: Duration) -> anyhow::Result<PathBuf> {
    let workshop = place.join(format!(".installing-{}", std::process::id()));
    fs::create_dir_all(&workshop)?;
    let ran = npm(&workshop, longest).await;
    let moved = ran.and_then(|()| {
        let modules = place.join("node_modules");
        let moved = fs::rename(workshop.join("node_modules"), &modules);
        // If that failed, another process may have been faster.
        installed(place).with_context(|| match moved {
            Ok(()) => "npm installed something else".to_owned(),
            Err(error) => format!("{} is in the way: {error}", modules.display()),
        })
    });
    fs::remove_dir_all(&workshop).ok();
    moved
}

async fn npm(directory: &Path, longest: Duration) -> anyhow::Result<()> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let run = Command::new(npm)
        .arg("install")
        .arg(format!("socket.io-client@{VERSION}"))
        .arg("--prefix")
        .arg(directory)
        .args([
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .current_dir(directory)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match timeout(longest, run).await {
        Err(_) => bail!("npm took longer than {} s", longest.as_secs()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => bail!("npm is not installed"),
        Ok(output) => output.context("npm does not start")?,
    };
    if !output.status.success() {
        bail!("npm failed: {}", reason(&output));
    }
    Ok(())
}

/// The first line that npm complained with.
fn reason(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| !line.trim().is_empty());
    line.map_or_else(|| output.status.to_string(), str::to_owned)
}
