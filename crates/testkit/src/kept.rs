use std::{
    fs::File,
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

/// Runs a program until standard input ends, then ends it by the signal `$1` and removes its
/// folder `$0`. The writing end is held by the test process: however that one ends, the
/// program ends too.
const KEEPER: &str = r#"
signal=$1; shift
"$@" </dev/null &
program=$!
cat >/dev/null
kill -s "$signal" "$program" 2>/dev/null
wait "$program"
rm -rf "$0"
"#;

/// A program that runs for as long as this value, and no longer than the test process.
#[derive(Debug)]
pub(crate) struct Kept {
    keeper: Child,
    lifeline: Option<ChildStdin>,
    folder: PathBuf,
}

impl Kept {
    /// Starts `command`; what it prints goes to `log` in `folder`, which is removed at the end.
    pub(crate) fn start(folder: &Path, signal: &str, command: &[String]) -> io::Result<Self> {
        let log = File::create(folder.join("log"))?;
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .arg(folder)
            .arg(signal)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C is for the tests; the keeper tidies up after them.
            .process_group(0)
            .spawn()?;
        let lifeline = keeper.stdin.take();
        Ok(Self {
            keeper,
            lifeline,
            folder: folder.to_owned(),
        })
    }

    /// What the program has printed so far.
    pub(crate) fn printed(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // A keeper that cannot be waited for has ended already.
        let _ended = self.keeper.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_and_its_folder_go_with_the_value() {
        let folder = tempfile::tempdir().unwrap().keep();
        let command = ["sh", "-c", "echo $$; exec sleep 600"].map(str::to_owned);
        let kept = Kept::start(&folder, "TERM", &command).unwrap();
        let process = loop {
            if let Ok(number) = kept.printed().trim().parse::<u32>() {
                break number;
            }
            std::thread::yield_now();
        };
        let there = || Path::new(&format!("/proc/{process}")).exists();
        assert!(there());
        drop(kept);
        assert!(!there());
        assert!(!folder.exists());
    }
}
