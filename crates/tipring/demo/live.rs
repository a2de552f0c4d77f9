//! `tipring demo`: the gateway until it is told to leave, with people at its phones.

use std::io::{self, BufRead, IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};
use std::thread;

use tokio::sync::oneshot;

use super::house::{self, ACCOUNTS, PASSWORD, PHONES};
use super::people::{Ask, People, Word};
use crate::command::Failure;
use crate::signals;
use crate::style::Style;

/// Runs the gateway until SIGTERM, SIGINT or `quit`.
pub(crate) fn live(out: &mut dyn Write, style: Style) -> Result<(), Failure> {
    let (print, printer) = start_printer()?;
    let ladders = print.clone();
    let house = house::open(true, move |call| {
        let (from, to) = (&call.cdr.from_leg, call.cdr.to_leg.as_deref().unwrap_or("nobody"));
        let heading = style.bold(&format!("{from} to {to}: {}", call.cdr.cause().name()));
        ladders.say(&format!("\n{heading}\n\n{}", call.ladder));
    })?;
    let prompts = is_asked();
    out.write_all(introduction(house.sip, prompts, style).as_bytes())?;
    out.flush()?;
    let (quit, told_to_quit) = oneshot::channel();
    let (words, heard) = mpsc::channel();
    let people = People::new(house.clock, house.world.clone(), print.clone(), quit);
    spawn("people", move || people.live(&heard))?;
    let events = house.world.watch();
    let noticed = words.clone();
    spawn("noticed", move || {
        for event in events {
            if noticed.send(Word::Noticed(event)).is_err() {
                return;
            }
        }
    })?;
    if prompts {
        let print = print.clone();
        spawn("prompt", move || read_words(&words, &print))?;
    }
    signals::wait_for_end_or(told_to_quit)
        .map_err(|error| Failure::Failed(format!("no signals: {error}")))?;
    // Ends all calls, whose ladders are printed before the printer ends.
    drop(house.started);
    print.end();
    let _ = printer.join();
    Ok(())
}

/// Where lines are left for the thread that prints them: a stopped terminal must not stop a call.
#[derive(Clone)]
pub(super) struct Print(Sender<Option<String>>);

impl Print {
    pub(super) fn say(&self, text: &str) {
        // Without a printer there is nobody to tell.
        let _ = self.0.send(Some(text.to_owned()));
    }

    fn end(&self) {
        let _ = self.0.send(None);
    }
}

fn start_printer() -> Result<(Print, thread::JoinHandle<()>), Failure> {
    let (print, lines) = mpsc::channel::<Option<String>>();
    let printer = spawn("printer", move || {
        for line in lines.into_iter().map_while(|line| line) {
            let mut out = io::stdout();
            // Whoever read the output may have closed it; calls go on.
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        }
    })?;
    Ok((Print(print), printer))
}

fn spawn(
    name: &str,
    what: impl FnOnce() + Send + 'static,
) -> Result<thread::JoinHandle<()>, Failure> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(what);
    spawned.map_err(|error| Failure::Failed(format!("no thread: {error}")))
}

/// Whether somebody may type: a job in the background of a terminal would be stopped if it read.
fn is_asked() -> bool {
    if !io::stdin().is_terminal() {
        return true;
    }
    // proc(5): after the name in parentheses come state, parent, process group, session, terminal, its foreground
    // group.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    fields.get(2) == fields.get(5)
}

fn read_words(words: &Sender<Word>, print: &Print) {
    for line in io::stdin().lock().lines() {
        // The end of the input is not the end of the demonstration.
        let Ok(line) = line else { return };
        match Ask::parse(&line) {
            Ok(None) => {}
            Ok(Some(ask)) => {
                if words.send(Word::Asked(ask)).is_err() {
                    return;
                }
            }
            Err(why) => print.say(&why),
        }
    }
}

fn introduction(sip: SocketAddr, prompts: bool, style: Style) -> String {
    let mut text = format!("{}\n\n", style.bold(&format!("tipring demo: SIP at udp:{sip}")));
    text += "Phones on a simulated card. They answer after two rings, play a tune, and then repeat\n\
             what they hear:\n\n";
    for phone in PHONES {
        text += &format!("    {}  {:8}  sip:{}@{sip}\n", phone.number, phone.name, phone.number);
    }
    let (phone, account, ip) = (PHONES[1].number, ACCOUNTS[0], sip.ip());
    text += &format!(
        "\nCall one with any SIP client on this machine; no account is needed. For example:\n\n    \
         baresip -e '/uanew <sip:me@{ip}>;regint=0' -e '/dial sip:{phone}@{sip}'\n    \
         sipp -sn uac -i {ip} -s {phone} -m 1 -d 20000 {sip}\n\
         \nTo be called by a phone, register as {} with the password {PASSWORD:?}:\n\n    \
         baresip -e '/uanew <sip:{account}@{sip}>;auth_pass={PASSWORD};regint=600'\n",
        ACCOUNTS.join(", ")
    );
    if prompts {
        text += &format!("\nThen type here what a person at a phone does:\n\n{}", Ask::help());
    }
    text += "\nEach call's ladder is printed when it ends. Ctrl-C ends the demonstration.\n";
    text
}
