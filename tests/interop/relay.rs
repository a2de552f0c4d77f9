//! A network that does as it is told: what SIPp sends to the gateway and back passes here, each datagram as many times as
//! the test says.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Between one caller and the gateway.
pub struct Relay {
    /// Where the caller sends to.
    pub address: SocketAddr,
    first: Arc<Mutex<Option<Vec<u8>>>>,
    gateway: SocketAddr,
    socket: Arc<UdpSocket>,
    stop: Arc<AtomicBool>,
}

impl Relay {
    /// `copies` says how often each datagram passes, by its text.
    pub fn start(
        gateway: SocketAddr,
        mut copies: impl FnMut(&str) -> usize + Send + 'static,
    ) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        let address = socket.local_addr().expect("its address");
        let (socket, stop, first) = (Arc::new(socket), Arc::default(), Arc::default());
        let relay = Self {
            address,
            first: Arc::clone(&first),
            gateway,
            socket: Arc::clone(&socket),
            stop: Arc::clone(&stop),
        };
        thread::spawn(move || {
            let mut caller = None;
            let mut buffer = [0; 8192];
            while !stop.load(Ordering::Relaxed) {
                let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
                let datagram = &buffer[..len];
                let to = if from == gateway { caller } else { Some(gateway) };
                if from != gateway {
                    caller = Some(from);
                    let mut first = first.lock().expect("no thread has failed");
                    first.get_or_insert_with(|| datagram.to_vec());
                }
                for _ in 0..copies(&String::from_utf8_lossy(datagram)) {
                    if let Some(to) = to {
                        let _ = socket.send_to(datagram, to);
                    }
                }
            }
        });
        relay
    }

    /// Sends the caller's first datagram once more.
    pub fn repeat_first(&self) {
        let first = self.first.lock().expect("no thread has failed");
        let datagram = first.as_ref().expect("the caller has sent something");
        self.socket.send_to(datagram, self.gateway).expect("it is sent");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
