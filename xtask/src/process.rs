//! Starting other programs: finding them, running them loudly or quietly, never leaving one behind.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The cargo that runs us, so that the toolchain stays the same.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The full path of a program on `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths)
        .map(|dir| dir.join(program))
        .find(|candidate| is_executable(candidate))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file() || path.with_extension("exe").is_file()
}

/// What a program prints, trimmed, if it can be run and succeeds.
pub(crate) fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// Runs a program with its output on ours; whether it succeeded.
pub(crate) fn loudly(command: &mut Command) -> bool {
    match command.stdin(Stdio::null()).status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("xtask: {}: {error}", command.get_program().display());
            false
        }
    }
}

/// Runs a program and shows its output only if it fails.
pub(crate) fn quietly(command: &mut Command) -> bool {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            // Nothing useful can be done when our own output is gone.
            _ = io::stderr().write_all(&output.stdout);
            _ = io::stderr().write_all(&output.stderr);
            false
        }
        Err(error) => {
            eprintln!("xtask: {}: {error}", command.get_program().display());
            false
        }
    }
}

/// A program that ends with the task that started it, however the task ends.
#[derive(Debug)]
pub(crate) struct Owned(Child);

impl Owned {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        command.stdin(Stdio::null()).spawn().map(Self)
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits for the program; `None` when it is still running at the deadline.
    pub(crate) fn wait_for(&mut self, limit: Duration) -> io::Result<Option<bool>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status.success()));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // Both fail only for a program that has already ended.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_programs_on_path_and_only_those() {
        assert!(find("cargo").is_some());
        assert!(find("no-such-program-anywhere").is_none());
    }

    #[test]
    fn output_is_given_only_for_success() {
        let version = output_of(cargo().arg("--version"));
        assert!(version.is_some_and(|text| text.starts_with("cargo ")));
        assert_eq!(output_of(cargo().arg("no-such-command-anywhere")), None);
    }

    #[cfg(unix)]
    #[test]
    fn an_owned_program_ends_with_its_owner() {
        let mut owned = Owned::spawn(Command::new("sleep").arg("600")).unwrap();
        let pid = owned.child().id();
        assert_eq!(owned.wait_for(Duration::from_millis(60)).unwrap(), None);
        drop(owned);
        let alive = Command::new("kill")
            .arg("-0")
            .arg(pid.to_string())
            .output()
            .unwrap();
        assert!(!alive.status.success());
    }
}
