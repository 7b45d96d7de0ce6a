//! A process under test: kept on one core, paused while others are measured, ended with the run.

use std::{
    ffi::OsStr,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Failed, cpu, now, rest};

const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(20);

/// A process that ends when it is dropped.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts a program on a core and waits until it listens at `address`. What it says is
    /// written to `log`.
    pub(crate) fn start(
        mut command: Command,
        address: SocketAddr,
        log: &Path,
    ) -> Result<Self, Failed> {
        let said = std::fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .map_err(|problem| format!("{}: {problem}", command.get_program().display()))?;
        let mut running = Self { child };
        let until = now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if running.child.try_wait()?.is_some() || now() > until {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(format!("nothing listens at {address}: {said}").into());
            }
            rest(STEP);
        }
        Ok(running)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn spent(&self) -> io::Result<cpu::Spent> {
        cpu::Spent::of(self.child.id())
    }

    pub(crate) fn resident(&self) -> io::Result<u64> {
        cpu::resident(self.child.id())
    }

    /// Stops it where it is, so that it takes nothing of the core from those being measured.
    pub(crate) fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    pub(crate) fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.resume();
        let _ = self.signal(Signal::TERM);
        let until = now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && now() < until {
            rest(STEP);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that stays on a core.
pub(crate) fn on_core(core: usize, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// An address of this machine that nobody listens at.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    listener.local_addr()
}
