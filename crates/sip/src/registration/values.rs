//! What goes into a registration and comes out of it.

use core::fmt;

use tipring_core::Duration;

use crate::digest::Account;
use crate::locate::Destination;
use crate::message::{NameAddr, Request, Status, Uri};
use crate::transaction::Path;

/// A registration. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationId(pub u64);

/// What to keep registered, and where.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The request URI: the registrar's domain, without user.
    pub registrar: Uri,
    /// The proxies that REGISTER passes, first first; without any it goes to `registrar`.
    pub route: Vec<NameAddr>,
    /// The address of record.
    pub aor: NameAddr,
    /// The user part of our Contact.
    pub contact_user: String,
    /// How long to ask for, seconds.
    pub expires: u32,
    /// What answers challenges.
    pub credentials: Option<Account>,
    /// Which device we are, for ever (RFC 5626 §4.1): `urn:uuid:` and a UUID. With it the registration asks for
    /// outbound (RFC 5626) and GRUUs (RFC 5627).
    pub instance: Option<String>,
    /// Which of that device's flows it is, from 1 on (RFC 5626 §4.2): each goes another way to the registrar.
    pub reg_id: u32,
    /// The way back through a NAT is kept open this often over UDP: by STUN where the registrar speaks RFC 5626, else by
    /// line ends. `None` for as RFC 5626 has it, and for no line ends.
    pub keep_alive: Option<Duration>,
}

/// What the registrar granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// For how many seconds.
    pub expires: u32,
    /// The way to the registrar that took it.
    pub path: Path,
    /// What requests outside dialogs must pass on their way out, first first (RFC 3608).
    pub service_route: Vec<NameAddr>,
    /// Our Contact for the world (RFC 5627).
    pub pub_gruu: Option<Uri>,
    /// Our Contact for those who must not know who we are.
    pub temp_gruu: Option<Uri>,
    /// The flow that we registered over is used for requests to us (RFC 5626 §6): it must be kept alive.
    pub outbound: bool,
    /// The realms of the account: those that it names, else those that had to be answered for it. A challenge to another
    /// request that names another realm is not the registrar's.
    pub realms: Vec<String>,
    /// How long the server keeps a flow that is silent, in seconds (RFC 5626 §4.4).
    pub flow_timer: Option<u32>,
}

/// How a registration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// The registrar took it.
    Registered(Box<Binding>),
    /// It failed; it is tried again.
    Failed {
        /// The refusal; 408 also for silence, 503 for a network that refused or a name that leads nowhere.
        status: Status,
        /// Until the next try.
        retry_in: Duration,
    },
    /// It was taken back; nothing more is heard of it.
    Unregistered,
}

/// What a registration wants done.
#[derive(Debug)]
pub(crate) enum RegistrationOutput {
    /// Find the ways to the registrar.
    Locate(Box<Destination>),
    /// Send in a transaction: along `path`, or one of `others` when that fails.
    Request { cseq: u32, path: Path, others: Vec<Path>, request: Box<Request> },
    /// Send what keeps the way back open.
    KeepAlive(Path, Vec<u8>),
    /// Tell the application.
    Say(RegistrationState),
}

impl fmt::Display for RegistrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registration-{}", self.0)
    }
}
