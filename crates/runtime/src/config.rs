//! What the shell is told when it is started.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use tipring_card::thread::Device;

use crate::tls::{TlsError, TlsFiles};
use crate::virtual_card::VirtualCardEnd;

/// Settings of the shell and of the gateway in it.
pub struct Config {
    /// The gateway's. Its `wall` is filled in here.
    pub gateway: tipring_gateway::Config,
    /// Where the cards of `gateway.cards` are, in their order.
    pub cards: Vec<CardDevice>,
    /// The name servers that are asked; none for those of the operating system.
    pub dns: Vec<SocketAddr>,
    /// The file of call records.
    pub cdr: Option<PathBuf>,
    /// Certificates and keys.
    pub tls: TlsFiles,
    /// Where the pages must be from that connect by WebSocket, as in `https://phone.example.org`; none for anywhere.
    pub ws_origins: Vec<String>,
    /// Whether the threads that carry audio ask for the right to run at once.
    pub realtime: bool,
}

impl Config {
    /// No cards, no records, and of the operating system what it has.
    pub fn new(gateway: tipring_gateway::Config) -> Self {
        Self {
            gateway,
            cards: Vec::new(),
            dns: Vec::new(),
            cdr: None,
            tls: TlsFiles::default(),
            ws_origins: Vec::new(),
            realtime: false,
        }
    }
}

/// Where a card is.
pub enum CardDevice {
    /// At a device of the operating system.
    Attached(Device),
    /// In this process.
    Virtual(VirtualCardEnd),
}

/// Why the shell cannot start. Each reads as a sentence.
#[derive(Debug)]
pub enum StartError {
    /// A SIP socket cannot be opened.
    Listen(SocketAddr, std::io::Error),
    /// TLS cannot be had with these files.
    Tls(TlsError),
    /// A SIP socket over TLS has no certificate to show.
    NoCertificate(SocketAddr),
    /// Nothing to listen on.
    NoListener,
    /// The file of call records cannot be written.
    Cdr(PathBuf, std::io::Error),
    /// The operating system has no thread or runtime to give.
    System(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Tls(error) => error.fmt(f),
            Self::NoCertificate(address) => {
                write!(f, "cannot listen on {address} over TLS without a certificate")
            }
            Self::NoListener => f.write_str("no SIP address to listen on: set sip.listen"),
            Self::Cdr(path, error) => {
                write!(f, "cannot write call records to {}: {error}", path.display())
            }
            Self::System(error) => write!(f, "cannot start: {error}"),
        }
    }
}

impl std::error::Error for StartError {}
