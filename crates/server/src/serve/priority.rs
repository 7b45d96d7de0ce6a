//! Calls go before settling them: the journal keeps what waits, and a caller does not wait.

use std::{fs, io};

use rustix::process::{Pid, setpriority_process};

/// How nice settling is: where both want the same core, calls get three quarters of it.
const NICE: i32 = 5;

/// Takes this thread, those that it begins, and the one that writes the database back behind
/// the calls. Where the system does not let it, settling only costs calls more of their time.
pub(crate) fn settle_behind_calls(writer: &str) {
    let lowered = setpriority_process(None, NICE).map_err(io::Error::from);
    if let Err(problem) = lowered.and_then(|()| lower_others(writer)) {
        tracing::warn!(%problem, "calls are settled at the priority of calls");
    }
}

fn lower_others(named: &str) -> io::Result<()> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?;
        // A thread may end while it is looked at.
        let Ok(name) = fs::read_to_string(task.path().join("comm")) else {
            continue;
        };
        let number = task.file_name().to_str().and_then(|id| id.parse().ok());
        if let Some(thread) = number.and_then(Pid::from_raw)
            && name.starts_with(named)
        {
            setpriority_process(Some(thread), NICE)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn settling_stands_behind_and_nobody_else() {
        let before = getpriority_process(None).unwrap();
        let (end, ended) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let writer = thread::Builder::new().name("writes-1".to_owned());
        let writer = writer.spawn(move || {
            tell.send(()).unwrap();
            ended.recv().unwrap_err();
            getpriority_process(None).unwrap()
        });
        told.recv().unwrap();
        let settlement = thread::spawn(|| {
            settle_behind_calls("writes-");
            let inherits = thread::spawn(|| getpriority_process(None).unwrap());
            (getpriority_process(None).unwrap(), inherits.join().unwrap())
        });
        assert_eq!(settlement.join().unwrap(), (NICE, NICE));
        drop(end);
        assert_eq!(writer.unwrap().join().unwrap(), NICE);
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
