//! A successor that fails: the server that was to go serves on.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Duration};

use crate::{
    lifecycle::{pay, until},
    platform::{Platform, serve},
};

/// Puts a script where the program was started from.
fn replace(program: &Path, script: &str) {
    let new = program.with_extension("new");
    fs::write(&new, format!("#!/bin/sh\ntouch \"$0.tried\"\n{script}\n")).expect("a script");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("it can be run");
    fs::rename(&new, program).expect("it takes the program's place");
}

/// Shows: F-24.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "calls are made before, while and after the successor fails, and only time can tell"
)]
fn a_successor_that_fails_leaves_the_old_server_serving() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("portreeve");
    let built = env!("CARGO_BIN_EXE_portreeve");
    if fs::hard_link(built, &program).is_err() {
        fs::copy(built, &program).expect("the program can be copied");
    }
    let mut command = Command::new(&program);
    command.args(serve(&[]).get_args());
    let mut platform = Platform::start_by(command);
    let key = platform.key("acme-shop", "live");
    let id = platform.process().to_string();
    let tried = folder.path().join("portreeve.tried");
    for script in [
        "exit 1",
        // It says that it is ready, and ends when everything has been released for it.
        "printf R >&0; sleep 1; exit 1",
    ] {
        replace(&program, script);
        let told = Command::new("kill").args(["-USR2", &id]).status();
        assert!(told.expect("kill runs").success());
        until("the successor is started", || tried.exists());
        for _ in 0..8 {
            let (status, body) = pay(&platform, &key, &[]);
            assert_eq!(status, 201, "{script}: {body}");
            std::thread::sleep(Duration::from_millis(250));
        }
        fs::remove_file(&tried).expect("the mark can be taken away");
        let said = fs::read_to_string(platform.folder.path().join("data/portreeve.pid"));
        assert_eq!(said.expect("who serves").trim(), id, "{script}");
    }
    assert_eq!(platform.terminate(), Some(0));
}
