//! Where a card is attached.

use std::fmt;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crossbeam_channel::Receiver;
use serialport::TTYPort;

/// Where a card is attached.
#[derive(Clone, Debug)]
pub enum Device {
    /// A serial device or pseudo-terminal. 921 600 baud, 8N1; USB ignores that.
    Serial(String),
    /// A Unix stream socket.
    Unix(String),
    /// `HOST:PORT`.
    Tcp(String),
    /// A card in the same process. Each stream that comes is one time it is plugged in; the end of
    /// the stream unplugs it.
    Streams(Receiver<UnixStream>),
}

impl Device {
    /// As the configuration says it: `unix:PATH`, `tcp:HOST:PORT`, or else the path of a serial
    /// device.
    pub fn parse(text: &str) -> Self {
        if let Some(path) = text.strip_prefix("unix:") {
            Self::Unix(path.to_owned())
        } else if let Some(address) = text.strip_prefix("tcp:") {
            Self::Tcp(address.to_owned())
        } else {
            Self::Serial(text.to_owned())
        }
    }

    /// Opens it; `wait` is how long a stream may let itself be waited for.
    pub(super) fn open(&self, wait: Duration) -> Result<Stream> {
        match self {
            Self::Serial(path) => {
                let port = serialport::new(path, BAUD).timeout(POLL).open_native()?;
                Ok(Stream::Serial(port))
            }
            Self::Unix(path) => Stream::unix(UnixStream::connect(path)?),
            Self::Tcp(address) => {
                let mut last = Error::new(ErrorKind::NotFound, "the name has no address");
                for address in address.to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, CONNECT) {
                        Ok(stream) => return Stream::tcp(stream),
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
            Self::Streams(streams) => match streams.recv_timeout(wait) {
                Ok(stream) => Stream::unix(stream),
                Err(_) => Err(Error::new(ErrorKind::NotFound, "not plugged in")),
            },
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(path) => f.write_str(path),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Streams(_) => f.write_str("in-process"),
        }
    }
}

/// An open device.
pub(super) enum Stream {
    Serial(TTYPort),
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn unix(stream: UnixStream) -> Result<Self> {
        stream.set_read_timeout(Some(POLL))?;
        stream.set_write_timeout(Some(POLL))?;
        Ok(Self::Unix(stream))
    }

    fn tcp(stream: TcpStream) -> Result<Self> {
        stream.set_read_timeout(Some(POLL))?;
        stream.set_write_timeout(Some(POLL))?;
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    pub(super) fn try_clone(&self) -> Result<Self> {
        Ok(match self {
            Self::Serial(port) => Self::Serial(port.try_clone_native()?),
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
        })
    }

    /// What came; `None` when nothing did for a while. An error means that the device is gone.
    pub(super) fn read<'a>(&mut self, buffer: &'a mut [u8]) -> Result<Option<&'a [u8]>> {
        let read = match self {
            Self::Serial(port) => port.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        };
        match read {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => Ok(buffer.get(..len)),
            Err(error) if is_patience(error.kind()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many octets were taken; 0 when none were for a while. An error means that the device is
    /// gone.
    pub(super) fn write(&mut self, octets: &[u8]) -> Result<usize> {
        let written = match self {
            Self::Serial(port) => port.write(octets),
            Self::Unix(stream) => stream.write(octets),
            Self::Tcp(stream) => stream.write(octets),
        };
        match written {
            Err(error) if is_patience(error.kind()) => Ok(0),
            written => written,
        }
    }
}

fn is_patience(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

const BAUD: u32 = 921_600;
/// How often a waiting reader or writer looks whether it shall stop.
const POLL: Duration = Duration::from_millis(50);
const CONNECT: Duration = Duration::from_secs(1);
