//! Child processes: started in a test's folder, ended by their own id, their logs shown when the test fails.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Lines of a log that a failing test prints.
const SHOWN: usize = 200;

/// Asks every 5 ms until there is an answer; a test that waits longer than `within` has failed.
pub fn until<T>(what: &str, within: Duration, ask: impl FnMut() -> Option<T>) -> T {
    given(within, ask).unwrap_or_else(|| panic!("waited {within:?} for {what}"))
}

/// Asks every 5 ms until there is an answer, or the time is over.
pub fn given<T>(time: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + time;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() >= deadline {
            return answer;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Puts the calling thread under SCHED_FIFO where that is permitted: what plays a peer's audio must not be late itself.
pub fn hurry() {
    hurry_as(20);
}

/// The same with a priority: that of the gateway's own threads is 40.
pub fn hurry_as(priority: u8) {
    // "1234/task/5678": the last is the thread's.
    let Ok(thread) = fs::read_link("/proc/thread-self") else { return };
    let Some(id) = thread.file_name() else { return };
    let mut chrt = Command::new("chrt");
    chrt.args(["--fifo", "--pid", &priority.to_string()]).arg(id);
    chrt.stdout(Stdio::null()).stderr(Stdio::null());
    let _ = chrt.status();
}

/// A command that runs `program` under SCHED_FIFO where that is permitted.
pub fn hurried(program: &str) -> Command {
    let mut permitted = Command::new("chrt");
    permitted.args(["--fifo", "10", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    if permitted.status().is_ok_and(|status| status.success()) {
        let mut command = Command::new("chrt");
        command.args(["--fifo", "10", program]);
        return command;
    }
    Command::new(program)
}

/// A process of a test.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it in `folder`; what it prints goes to `NAME.log` there.
    pub fn start(name: &str, folder: &Path, command: &mut Command) -> Self {
        Self::spawn(name, folder, command.stdin(Stdio::null()))
    }

    /// The same, of one that is told what to do at its standard input.
    pub fn start_to_tell(name: &str, folder: &Path, command: &mut Command) -> (Self, ChildStdin) {
        let mut process = Self::spawn(name, folder, command.stdin(Stdio::piped()));
        let stdin = process.child.stdin.take().expect("it is piped");
        (process, stdin)
    }

    fn spawn(name: &str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log).expect("a log file");
        let errors = out.try_clone().expect("a second handle");
        let child = command
            .current_dir(folder)
            .env("TZ", "UTC")
            .env_remove("RUST_LOG")
            .stdout(out)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { name: name.to_owned(), child, log }
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until it has printed `text`.
    pub fn wait_for_text(&mut self, text: &str, within: Duration) {
        until(&format!("{} to print {text:?}", self.name), within, || {
            let ended = self.child.try_wait().expect("its state");
            assert!(ended.is_none(), "{} has ended: {ended:?}", self.name);
            self.log().contains(text).then_some(())
        });
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let Self { name, child, .. } = self;
        until(&format!("{name} to end"), within, || child.try_wait().expect("its state"))
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }

    /// SIGTERM, and its end.
    pub fn terminate(&mut self, within: Duration) -> ExitStatus {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill is there");
        self.wait(within)
    }

    /// The memory that it holds, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).expect("it is running");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let from = lines.len().saturating_sub(SHOWN);
            eprintln!("--- {}\n{}", self.name, lines[from..].join("\n"));
        }
    }
}
