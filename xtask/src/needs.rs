//! What the tests need beyond Rust and Node, and how a fresh machine gets it.
//!
//! Each need is one row of [`NEEDS`]: found, or installed where that needs nobody's password, or
//! named in one line with the way to get it. A need of tests that do not exist yet stands in the
//! table as [`When::Later`]; switching it on is a change of one word.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{find, output_of, quietly};
use crate::repo::root;
use crate::{Outcome, not_run};

/// One thing the tests need.
struct Need {
    name: &'static str,
    when: When,
    /// Finds or installs it; answers what was found, or one line on how to get it.
    ensure: fn() -> Result<String, String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Today's tests fail without it.
    Now,
    /// Tests to come need it; `setup --all` installs it already.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the next need that comes before its tests")
    )]
    Later,
}

const NEEDS: &[Need] = &[
    Need {
        name: "rustfmt and clippy",
        when: When::Now,
        ensure: rust_components,
    },
    Need {
        name: "Node",
        when: When::Now,
        ensure: node,
    },
    Need {
        name: "npm packages",
        when: When::Now,
        ensure: npm_packages,
    },
    Need {
        name: "Python packages",
        when: When::Now,
        ensure: python_packages,
    },
    Need {
        name: "Chromium",
        when: When::Now,
        ensure: || chromium().map(show),
    },
    Need {
        name: "redis-server",
        when: When::Now,
        ensure: redis,
    },
];

/// playwright-core asks for it.
const OLDEST_NODE: u32 = 20;

/// `cargo xtask setup`.
pub(crate) fn run(words: &[String]) -> Outcome {
    let all = match words {
        [] => false,
        [word] if word == "--all" => true,
        _ => return not_run("setup takes no words but --all"),
    };
    if ensure_all(all) {
        Outcome::Passed
    } else {
        Outcome::NotRun
    }
}

/// Ensures each need of today's tests, and with `later` those to come. Prints a line for each.
pub(crate) fn ensure_all(later: bool) -> bool {
    let mut complete = true;
    for need in NEEDS.iter().filter(|need| later || need.when == When::Now) {
        match (need.ensure)() {
            Ok(found) => println!("   {}: {found}", need.name),
            Err(missing) => {
                complete = false;
                println!("   {}: MISSING: {missing}", need.name);
            }
        }
    }
    complete
}

/// The browser for tests that drive a page: `CHROMIUM`, or what is installed.
pub(crate) fn installed_chromium() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let mac = PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
    [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ]
    .into_iter()
    .find_map(find)
    .or_else(|| Some(mac).filter(|path| path.is_file()))
}

fn rust_components() -> Result<String, String> {
    for tool in ["fmt", "clippy"] {
        if output_of(crate::process::cargo().args([tool, "--version"])).is_none() {
            return Err(format!(
                "`cargo {tool}`: run `rustup component add rustfmt clippy`"
            ));
        }
    }
    Ok("found".to_owned())
}

fn node() -> Result<String, String> {
    let version = output_of(Command::new("node").arg("--version"))
        .ok_or("install Node 20 or newer and put `node` and `npm` on PATH")?;
    if major(&version).is_none_or(|major| major < OLDEST_NODE) {
        return Err(format!(
            "Node {OLDEST_NODE} or newer is needed, this is {version}"
        ));
    }
    Ok(version)
}

/// `v20.1.2` → 20.
fn major(version: &str) -> Option<u32> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// `npm ci` when what is installed is not what the lock file says.
fn npm_packages() -> Result<String, String> {
    let dir = root().join("tests-node");
    let lock = fs::read(dir.join("package-lock.json"))
        .map_err(|error| format!("tests-node/package-lock.json: {error}"))?;
    let stamp = dir.join("node_modules").join(".switchboard-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok("found".to_owned());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&dir);
    if !quietly(&mut npm) {
        return Err("`npm ci` in tests-node failed (see above)".to_owned());
    }
    fs::write(&stamp, lock).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok("installed".to_owned())
}

/// A virtual environment beside the npm packages, made anew when what is wanted has changed.
fn python_packages() -> Result<String, String> {
    let dir = root().join("tests-node");
    let wanted = fs::read(dir.join("requirements.txt"))
        .map_err(|error| format!("tests-node/requirements.txt: {error}"))?;
    let venv = dir.join(".venv");
    let stamp = venv.join(".switchboard-requirements");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok("found".to_owned());
    }
    let python = find("python3").ok_or("install Python 3 and put `python3` on PATH")?;
    let mut make = Command::new(python);
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    if !quietly(&mut make) {
        apt_install("python3-venv")?;
        if !quietly(&mut make) {
            return Err("`python3 -m venv` failed (see above)".to_owned());
        }
    }
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(["-r", "requirements.txt"])
    .current_dir(&dir);
    if !quietly(&mut pip) {
        return Err("`pip install` in tests-node/.venv failed (see above)".to_owned());
    }
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok("installed".to_owned())
}

fn chromium() -> Result<PathBuf, String> {
    if env::var_os("CHROMIUM").is_some() {
        return installed_chromium().ok_or("CHROMIUM names no file".to_owned());
    }
    if let Some(path) = installed_chromium() {
        return Ok(path);
    }
    apt_install("chromium").map_err(|how| format!("{how}, or set CHROMIUM to a browser"))?;
    installed_chromium().ok_or("installed, but not on PATH: set CHROMIUM to it".to_owned())
}

fn redis() -> Result<String, String> {
    if let Some(path) = find("redis-server") {
        return Ok(show(path));
    }
    apt_install("redis-server")?;
    find("redis-server")
        .map(show)
        .ok_or("installed, but not on PATH".to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "fits `map` on owned paths")]
fn show(path: PathBuf) -> String {
    path.display().to_string()
}

/// Installs a Debian package, where that asks nobody for a password.
fn apt_install(package: &str) -> Result<(), String> {
    let apt = find("apt-get").ok_or_else(|| format!("install {package} and put it on PATH"))?;
    let root = output_of(Command::new("id").arg("-u")).as_deref() == Some("0");
    let sudo = !root && output_of(Command::new("sudo").args(["-n", "true"])).is_some();
    if !root && !sudo {
        return Err(format!("run `sudo apt-get install {package}`"));
    }
    println!("   installing {package} with apt-get ...");
    let apt_get = |words: &[&str]| {
        let mut command = if sudo {
            let mut command = Command::new("sudo");
            command
                .args(["-n", "env", "DEBIAN_FRONTEND=noninteractive"])
                .arg(&apt);
            command
        } else {
            let mut command = Command::new(&apt);
            command.env("DEBIAN_FRONTEND", "noninteractive");
            command
        };
        quietly(command.args(words))
    };
    // A stale index names packages that are gone; a failing update may still leave a usable one.
    apt_get(&["update", "-qq"]);
    if apt_get(&["install", "-qq", "-y", "--no-install-recommends", package]) {
        Ok(())
    } else {
        Err(format!("`apt-get install {package}` failed (see above)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("22.0.0"), Some(22));
        assert_eq!(major("nightly"), None);
    }

    #[test]
    fn names_are_unique_and_redis_is_needed() {
        let mut names: Vec<_> = NEEDS.iter().map(|need| need.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NEEDS.len());
        assert!(
            NEEDS
                .iter()
                .any(|need| need.name == "redis-server" && need.when != When::Later)
        );
    }
}
