//! The card thread on real streams. Nothing sleeps: every wait is for a channel, with a limit that
//! only a failure meets.
#![allow(clippy::disallowed_methods)] // Real threads and real time are what this is about.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::JoinHandle;
use std::time::{Duration as StdDuration, Instant as Clock};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use ringbuf::traits::{Consumer, Producer};
use serialport::{SerialPort, TTYPort};
use tipring_bridge_proto::*;
use tipring_card::*;
use tipring_core::{Instant, PortNumber, Rng};

use crate::scripted_card::ScriptedCard;

#[test]
fn a_card_in_the_same_process_comes_up_hears_and_speaks() {
    let (plug, streams) = bounded(1);
    let (host, wake) = host(Device::Streams(streams));
    let (mut handle, card) = (host, plugged(&plug, 1));
    assert_eq!(up(&handle).boot, 1);

    // A block up wakes the media thread; its answer reaches the card without waiting for anything
    // else.
    wake.recv_timeout(LIMIT).expect("audio comes");
    let block = handle.audio.up.try_pop().expect("woken for a block");
    handle.audio.down.try_push(PcmBlock { fill: 0, ..block }).expect("room");
    handle.audio.flush();
    let command = LineCommand::Ring(Ring {
        cadence: Cadence::new(&[(1000, 4000)], 0).expect("valid"),
        frequency_dhz: 250,
    });
    handle.inputs.send(CardInput { port: PortNumber(2), command }).expect("thread lives");
    card.say.send((1, LineEvent::Hook { off: true })).expect("card lives");
    let event = handle.outputs.recv_timeout(LIMIT).expect("event").output;
    let LinkOutput::Event { port: PortNumber(1), event: LineEvent::Hook { off: true }, .. } = event
    else {
        panic!("{event:?}");
    };
    assert_eq!(card.heard.recv_timeout(LIMIT), Ok((2, command)));
    assert_eq!(card.blocks.recv_timeout(LIMIT), Ok(block.clock));
}

#[test]
fn an_unplugged_card_is_known_as_such_and_back_when_replugged() {
    let (plug, streams) = bounded(1);
    let (handle, _wake) = host(Device::Streams(streams));
    for boot in 1..4 {
        let card = plugged(&plug, boot);
        assert_eq!(up(&handle).boot, boot);
        card.unplug();
        down(&handle, DownReason::Closed);
    }
    assert_eq!(handle.counters.snapshot().sessions, 3);
}

#[test]
fn a_card_behind_a_pseudo_terminal_is_opened_lost_and_opened_again() {
    let directory = Directory::new("pty");
    let link = directory.path("card");
    let (handle, _wake) = host(Device::parse(&link));
    for boot in 1..3 {
        let (master, slave) = TTYPort::pair().expect("a pseudo-terminal");
        let name = slave.name().expect("the slave has a name");
        // Links are replaced by renaming, so the thread finds the old one or the new one.
        std::os::unix::fs::symlink(name, directory.path("new")).expect("link");
        std::fs::rename(directory.path("new"), &link).expect("rename");
        // The slave must be free for the thread, which locks it.
        drop(slave);
        let card = CardProcess::start(Tty(master), boot);
        assert_eq!(up(&handle).boot, boot);
        card.unplug();
        down(&handle, DownReason::Closed);
    }
}

#[test]
fn a_card_behind_a_unix_socket_is_opened_when_it_appears() {
    let directory = Directory::new("unix");
    let (handle, _wake) = host(Device::parse(&format!("unix:{}", directory.path("socket"))));
    let listener = UnixListener::bind(directory.path("socket")).expect("bind");
    let (stream, _) = listener.accept().expect("the thread keeps trying");
    let card = CardProcess::start(stream, 5);
    assert_eq!(up(&handle).boot, 5);
    drop(handle);
    assert!(card.gone.recv_timeout(LIMIT).is_ok(), "a dropped handle closes the device");
}

#[test]
fn a_card_behind_tcp_is_opened() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("bound");
    let (handle, _wake) = host(Device::parse(&format!("tcp:{address}")));
    let (stream, _) = listener.accept().expect("the thread connects");
    let card = CardProcess::start(stream, 6);
    assert_eq!(up(&handle).boot, 6);
    card.unplug();
    down(&handle, DownReason::Closed);
}

#[test]
fn a_card_that_takes_nothing_loses_audio_and_blocks_nobody() {
    let (plug, streams) = bounded(1);
    let (mut handle, _wake) = host(Device::Streams(streams));
    let (host_end, mut card_end) = UnixStream::pair().expect("a pair");
    plug.send(host_end).expect("thread lives");
    // Answer the Hello, and read nothing ever after.
    let mut octets = [0; 64];
    let mut session = None;
    let mut decoder = Decoder::new();
    while session.is_none() {
        let len = card_end.read(&mut octets).expect("hello");
        decoder.feed(&octets[..len], |frame| {
            if let Ok(HostMessage::Hello(hello)) = HostMessage::decode(&frame) {
                session = Some(hello.session);
            }
        });
    }
    let descriptor = crate::scripted_card::descriptor(1, session.unwrap_or_default(), 9, 0);
    let ack = crate::scripted_card::encoded(&CardMessage::HelloAck(descriptor));
    card_end.write_all(&ack).expect("answer");
    assert_eq!(up(&handle).boot, 9);
    // Far more than the socket's buffer; the thread takes it all.
    for clock in 0..4_000 {
        let block = PcmBlock::filled(clock * 40, 128, 0xFF);
        while handle.audio.down.try_push(block).is_err() {
            handle.audio.flush();
            std::thread::yield_now();
        }
    }
    down(&handle, DownReason::Silent);
}

const LIMIT: StdDuration = StdDuration::from_secs(10);

/// A card thread, and a channel that is told of each block of audio.
fn host(device: Device) -> (CardHandle, Receiver<()>) {
    let (woken, wake) = bounded(1);
    let handle = spawn(CardThreadConfig {
        name: "test".to_owned(),
        device,
        origin: Clock::now(),
        rng: Rng::new(1),
        watchdog_ms: WATCHDOG_MS,
        wake_media: Box::new(move || {
            let _ = woken.try_send(());
        }),
        wake_signalling: Box::new(|| {}),
    });
    (handle.expect("a thread"), wake)
}

fn up(handle: &CardHandle) -> Descriptor {
    match handle.outputs.recv_timeout(LIMIT).expect("comes up").output {
        LinkOutput::Up(card) => *card,
        output => panic!("{output:?} instead of Up"),
    }
}

fn down(handle: &CardHandle, reason: DownReason) {
    let output = handle.outputs.recv_timeout(LIMIT).expect("goes down").output;
    assert_eq!(output, LinkOutput::Down(reason));
}

fn plugged(plug: &Sender<UnixStream>, boot: u32) -> CardProcess {
    let (host_end, card_end) = UnixStream::pair().expect("a pair");
    plug.send(host_end).expect("the thread lives");
    CardProcess::start(card_end, boot)
}

/// A stream that a card can sit behind.
trait CardEnd: Read + Write + Send + 'static {
    fn set_timeout(&mut self, timeout: StdDuration);
}

impl CardEnd for UnixStream {
    fn set_timeout(&mut self, timeout: StdDuration) {
        self.set_read_timeout(Some(timeout)).expect("a timeout");
    }
}

impl CardEnd for std::net::TcpStream {
    fn set_timeout(&mut self, timeout: StdDuration) {
        self.set_read_timeout(Some(timeout)).expect("a timeout");
    }
}

/// The master of a pseudo-terminal. It fails with EIO until the other side is opened, so it is
/// asked for patience.
struct Tty(TTYPort);

impl Read for Tty {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Tty {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl CardEnd for Tty {
    fn set_timeout(&mut self, timeout: StdDuration) {
        SerialPort::set_timeout(&mut self.0, timeout).expect("a timeout");
    }
}

/// A scripted card on a thread of its own, in real time.
struct CardProcess {
    say: Sender<(u8, LineEvent)>,
    heard: Receiver<(u8, LineCommand)>,
    blocks: Receiver<u32>,
    gone: Receiver<()>,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl CardProcess {
    fn start(mut stream: impl CardEnd, boot: u32) -> Self {
        let (say, said) = unbounded();
        let (hears, heard) = unbounded();
        let (plays, blocks) = unbounded();
        let (goes, gone) = bounded(1);
        let (stop, stopped) = bounded::<()>(1);
        stream.set_timeout(StdDuration::from_millis(2));
        let thread = std::thread::spawn(move || {
            let mut card = ScriptedCard::new(boot);
            let origin = Clock::now();
            let mut buffer = [0; 4096];
            let mut met = false;
            while stopped.try_recv().is_err() {
                let now = Instant::ZERO + origin.elapsed();
                match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(len) => {
                        met = true;
                        card.handle_bytes(now, &buffer[..len]);
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    // A pseudo-terminal that nobody has opened yet.
                    Err(_) if !met => std::thread::yield_now(),
                    Err(_) => break,
                }
                for (port, event) in said.try_iter() {
                    card.event(port, event);
                }
                card.advance(now);
                if met && stream.write_all(&card.take_wire()).is_err() {
                    break;
                }
                card.commands.drain(..).for_each(|command| hears.send(command).unwrap_or(()));
                card.blocks_down.drain(..).for_each(|clock| plays.send(clock).unwrap_or(()));
            }
            let _ = goes.send(());
        });
        Self { say, heard, blocks, gone, stop, thread }
    }

    /// Pulls the plug; the stream is closed when this returns.
    fn unplug(self) {
        self.stop.send(()).expect("the card lives");
        self.thread.join().expect("the card keeps to the script");
    }
}

/// A folder of its own for sockets and links.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tipring-card-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
