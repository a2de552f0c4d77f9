//! The rules of the house, held by a test: who may depend on whom, and what stands where.
//!
//! `docs/ARCHITECTURE.md` says why. Whoever changes a table here changes that page too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Room (its package without `tipring-`), rooms it may depend on, other crates it may depend on. Everyone but the
/// first block may depend on `core` as well. Dependencies of tests are free.
const ROOMS: &[(&str, &[&str], &[&str])] = &[
    // Stand alone.
    ("core", &[], &["chacha20"]),
    ("chips", &[], &[]),
    ("bridge-proto", &[], &["bytemuck"]),
    ("sdp", &[], &[]),
    ("dsp", &[], &[]),
    // Signal.
    ("rtp", &[], &[]),
    ("media", &["dsp", "rtp"], &["bytemuck", "ringbuf", "rubato"]),
    // Control.
    ("sip", &[], &["md-5", "memchr", "sha2", "tracing"]),
    ("sip-server", &["sip"], &["tracing"]),
    ("line", &[], &["tracing"]),
    ("call", &[], &["serde", "tracing"]),
    (
        "gateway",
        &["bridge-proto", "call", "dsp", "line", "media", "rtp", "sdp", "sip", "sip-server"],
        &["tracing"],
    ),
    // Card.
    ("firmware", &["bridge-proto", "chips"], &[]),
    ("hw-models", &["chips"], &[]),
    ("virtual-card", &["bridge-proto", "chips", "firmware", "hw-models"], &[]),
    ("card", &["bridge-proto"], &["crossbeam-channel", "ringbuf", "serialport", "tracing"]),
    // Shell.
    (
        "runtime",
        &["bridge-proto", "call", "card", "dsp", "gateway", "media", "rtp", "sip", "virtual-card"],
        &[
            "bytemuck",
            "crossbeam-channel",
            "hickory-resolver",
            "futures-util",
            "getrandom",
            "libc",
            "ringbuf",
            "rustix",
            "rustls",
            "rustls-native-certs",
            "rustls-webpki",
            "serde_json",
            "socket2",
            "tokio",
            "tokio-rustls",
            "tokio-tungstenite",
            "tracing",
        ],
    ),
    (
        "tipring",
        &[
            "call",
            "card",
            "dsp",
            "gateway",
            "line",
            "media",
            "rtp",
            "runtime",
            "sdp",
            "sip",
            "virtual-card",
        ],
        &[
            "clap",
            "crossbeam-channel",
            "serde",
            "serde_json",
            "tokio",
            "toml",
            "tracing",
            "tracing-subscriber",
        ],
    ),
    // World: everything but the shell, and not the SIP stack that it examines.
    (
        "sim",
        &["bridge-proto", "call", "card", "dsp", "gateway", "media", "rtp", "virtual-card"],
        &["md-5"],
    ),
];

/// Rooms that do not even depend on `core`.
const ALONE: [&str; 5] = ["core", "chips", "bridge-proto", "sdp", "dsp"];

/// Rooms that run without a standard library.
const NO_STD: [&str; 4] = ["core", "chips", "bridge-proto", "firmware"];

/// The only files that may contain `unsafe`, and why.
const UNSAFE: &[&str] = &[
    // Vector instructions, and the call into code compiled for a vector unit.
    "crates/dsp/src/g711/neon.rs",
    "crates/dsp/src/g711/simd.rs",
    "crates/dsp/src/level/gain.rs",
    "crates/dsp/src/simd.rs",
    // sched_setscheduler.
    "crates/runtime/src/priority.rs",
    // Counting allocators.
    "crates/dsp/tests/codecs_allocate_nothing.rs",
    "crates/media/tests/no_alloc.rs",
    "crates/sdp/tests/no_alloc.rs",
    "crates/sip/tests/memory.rs",
    "crates/sip/tests/no_alloc.rs",
    "tests/mutated/octets.rs",
];

/// Where clocks are read, threads made and sleep slept.
const SHELL: [&str; 6] = [
    "crates/runtime/",
    "crates/card/src/thread",
    "crates/tipring/",
    "benches/",
    "tests/fuzz/src/",
    "tests/interop/",
];

/// About as long as a file may be; longer ones are two.
const MAX_LINES: usize = 600;

#[test]
fn rooms_depend_only_on_rooms_below_them() {
    let mut broken = Vec::new();
    for package in packages() {
        let name = text(&package, "name");
        let room = name.strip_prefix("tipring-").unwrap_or(name);
        let Some((_, rooms, crates)) = ROOMS.iter().find(|(known, ..)| *known == room) else {
            broken.push(format!("{room} is not in the table"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let wanted = text(dependency, "name");
            let allowed = match wanted.strip_prefix("tipring-") {
                Some("core") => !ALONE.contains(&room),
                Some(other) => rooms.contains(&other),
                None => crates.contains(&wanted),
            };
            if dependency["kind"] != "dev" && !allowed {
                broken.push(format!("{room} must not depend on {wanted}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_table_itself_points_downwards() {
    let mut above: BTreeSet<&str> = BTreeSet::new();
    for (room, below, _) in ROOMS {
        for other in *below {
            assert!(above.contains(other), "{room} stands before {other}, on which it depends");
        }
        above.insert(room);
    }
}

#[test]
fn every_dependency_is_decided_in_writing() {
    let decisions: String =
        files(&["docs/decisions"], "md").into_iter().map(|(_, text)| text).collect();
    let direct: BTreeSet<String> = packages()
        .iter()
        .flat_map(|package| package["dependencies"].as_array().cloned().unwrap_or_default())
        .map(|dependency| text(&dependency, "name").to_owned())
        .filter(|name| !name.starts_with("tipring-"))
        .collect();
    let missing: Vec<&String> =
        direct.iter().filter(|name| !decisions.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/decisions says nothing about {missing:?}");
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}

#[test]
fn unsafe_stands_only_where_it_is_listed() {
    let word = ["un", "safe"].concat();
    let code = |line: &str| {
        let line = line.split("//").next().unwrap_or_default();
        line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
    };
    let found: Vec<String> = sources()
        .into_iter()
        .filter(|(path, text)| !UNSAFE.contains(&path.as_str()) && text.lines().any(code))
        .map(|(path, _)| path)
        .collect();
    assert!(found.is_empty(), "not listed: {found:?}");
    for file in UNSAFE {
        assert!(read(Path::new(file)).lines().any(code), "{file} needs no place in the list");
    }
}

#[test]
fn rooms_without_unsafe_forbid_it() {
    let forbid = format!("#![forbid({}_code)]", "unsafe");
    let broken: Vec<String> = packages()
        .iter()
        .map(root_of)
        .filter(|root| {
            let folder = root.parent().expect("a source file is in a folder");
            !UNSAFE.iter().any(|file| Path::new(file).starts_with(folder))
        })
        .filter(|root| !read(root).contains(&forbid))
        .map(|root| root.display().to_string())
        .collect();
    assert!(broken.is_empty(), "{forbid} is missing in {broken:?}");
}

#[test]
fn rooms_of_the_card_need_no_standard_library() {
    for package in packages() {
        let name = text(&package, "name");
        let room = name.strip_prefix("tipring-").unwrap_or(name);
        if NO_STD.contains(&room) {
            let root = root_of(&package);
            assert!(read(&root).contains("#![no_std]"), "{}", root.display());
        }
    }
}

#[test]
fn clocks_threads_and_sleep_belong_to_the_shell() {
    let words = ["Instant::n", "SystemTime::n"].map(|word| format!("{word}ow"));
    let sleep = ["thread::s", "leep"].concat();
    let banned = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        words.iter().chain([&sleep]).any(|word| code.contains(word.as_str()))
    };
    let found: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| !SHELL.iter().any(|shell| path.starts_with(shell)))
        .flat_map(|(path, text)| {
            let lines = text.lines().enumerate().filter(|(_, line)| banned(line));
            lines
                .map(|(at, line)| format!("{path}:{}: {}", at + 1, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "take `now` as an argument:\n{}", found.join("\n"));
}

#[test]
fn nothing_is_put_off_or_looked_away_from() {
    let words = [["#[ig", "nore"], ["to", "do!("], ["unimpl", "emented!("]].map(|w| w.concat());
    let dead = ["allow(dead", "_code"].concat();
    let found: Vec<String> = sources()
        .into_iter()
        .flat_map(|(path, text)| {
            // A module that several test programs share is used in parts.
            let shared = path.contains("tests/") && path.ends_with("/mod.rs");
            let hit = words.iter().chain((!shared).then_some(&dead));
            let hit = hit.filter(|word| text.contains(word.as_str()));
            hit.map(|word| format!("{path}: {word}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("a list").clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().expect("cargo's metadata has it")
}

/// The library's root, from the top of the house.
fn root_of(package: &Value) -> PathBuf {
    let targets = package["targets"].as_array().expect("a list");
    let library = targets
        .iter()
        .find(|target| target["kind"].as_array().is_some_and(|kinds| kinds.contains(&"lib".into())))
        .unwrap_or_else(|| panic!("{} has no library", text(package, "name")));
    let path = Path::new(text(library, "src_path"));
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("it is in the house").to_owned()
}

fn read(path: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All our source files but this one, which must name what it bans.
fn sources() -> Vec<(String, String)> {
    let mut found = files(&["crates", "firmware-bridge", "hw", "tests", "benches"], "rs");
    assert!(found.len() > 100, "the sources are somewhere else");
    found.retain(|(path, _)| path != "tests/house.rs");
    found
}

/// Files of an extension below folders, with their texts; build output is passed over.
fn files(folders: &[&str], extension: &str) -> Vec<(String, String)> {
    let house = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| house.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder can be read");
            let entries = entries.map(|entry| entry.expect("an entry").path());
            waiting.extend(entries.filter(|entry| !entry.ends_with("target")));
        } else if path.extension().is_some_and(|found| found == extension) {
            let short = path.strip_prefix(house).expect("it is in the house");
            found.push((short.display().to_string(), fs::read_to_string(&path).expect("UTF-8")));
        }
    }
    found.sort();
    found
}
