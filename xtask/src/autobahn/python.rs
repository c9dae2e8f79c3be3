//! The interpreter and the test suite: Python 2.7 and pinned packages in a directory of their own.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::prepare;
use crate::process::output_of;

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// A command that runs `wstest`, installed under `home` if it is not there yet.
pub(crate) fn suite(home: &Path) -> Result<Command, String> {
    let python = find().ok_or(
        "CPython 2.7 is missing: `pyenv install 2.7.18`, or set PYTHON27 to an interpreter",
    )?;
    let site = home.join("site");
    install(&python, home, &site)?;
    let mut command = Command::new(python);
    command.args(["-c", "from autobahntestsuite.wstest import run; run()"]);
    command
        .env("PYTHONPATH", site)
        .env_remove("PYTHONHOME")
        .current_dir(home);
    Ok(command)
}

/// `PYTHON27`, `python2.7` on `PATH`, or pyenv's.
fn find() -> Option<OsString> {
    if let Some(named) = env::var_os("PYTHON27") {
        return Some(named).filter(is_2_7);
    }
    let on_path = Some(OsString::from("python2.7")).filter(is_2_7);
    on_path.or_else(|| {
        // A shim on PATH fails unless 2.7 is selected; pyenv knows where the real one is.
        let prefix = output_of(Command::new("pyenv").args(["prefix", "2.7.18"]))?;
        let python = PathBuf::from(prefix).join("bin").join("python2.7");
        Some(python.into_os_string()).filter(is_2_7)
    })
}

fn is_2_7(python: &OsString) -> bool {
    let version = "import sys; print('%d.%d' % sys.version_info[:2])";
    output_of(Command::new(python).args(["-c", version])).as_deref() == Some("2.7")
}

fn install(python: &OsString, home: &Path, site: &Path) -> Result<(), String> {
    let stamp = site.join(".requirements");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
        return Ok(());
    }
    println!("installing the Autobahn test suite ...");
    let says = |error: std::io::Error| format!("{}: {error}", site.display());
    if site.exists() {
        fs::remove_dir_all(site).map_err(says)?;
    }
    fs::create_dir_all(site).map_err(says)?;
    let list = home.join("requirements.txt");
    fs::write(&list, REQUIREMENTS).map_err(says)?;
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]);
    pip.arg("--target").arg(site).arg("--requirement").arg(list);
    prepare(&mut pip, "installing with python2.7's pip")?;
    // With --target, the namespace package zope comes without the file that makes it one.
    fs::write(site.join("zope").join("__init__.py"), "").map_err(says)?;
    fs::write(stamp, REQUIREMENTS).map_err(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned() {
        let lines = REQUIREMENTS.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            assert!(line.contains("=="), "{line}");
        }
        assert!(REQUIREMENTS.contains("autobahntestsuite=="));
    }

    #[test]
    fn another_program_is_no_python() {
        assert!(!is_2_7(&OsString::from("cargo")));
        assert!(!is_2_7(&OsString::from("no-such-program-anywhere")));
    }
}
