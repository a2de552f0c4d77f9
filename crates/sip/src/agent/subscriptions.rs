//! Subscriptions and publications as parts of the user agent: commands, and who gets which message.

use core::fmt;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use tipring_core::Instant;

use super::delivery::Parcel;
use super::ingress::Received;
use super::{Output, Owner, ReferPolicy, UserAgent, Waiter};
use crate::digest::Account;
use crate::message::{EventReason, HeaderName, Method, Request, Response, Status, Substate, Token};
use crate::publication::{Publication, PublicationId, Publish};
use crate::session::{Failure, Login, WrongState};
use crate::subscription::notifier::Refusal;
use crate::subscription::{
    Content, Notifier, Package, Sent, Subscribe, Subscriber, SubscriptionId, UsageOutput, WatcherId,
};
use crate::transaction::{Path, ServerId};

/// Why a subscription does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionError {
    /// There is none of that id (any more).
    Unknown,
    /// Its state does not allow it.
    WrongState,
    /// There are as many as there may be.
    Full,
}

/// All subscriptions and publications.
#[derive(Debug, Default)]
pub(super) struct Usages {
    subscribers: BTreeMap<SubscriptionId, Subscriber>,
    watchers: BTreeMap<WatcherId, Notifier>,
    publications: BTreeMap<PublicationId, Publication>,
    /// By our tag.
    tags: HashMap<String, UsageId>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UsageId {
    Subscription(SubscriptionId),
    Watcher(WatcherId),
    Publication(PublicationId),
}

impl Usages {
    /// The subscription in whose dialog `request` comes.
    pub(super) fn of(&self, request: &Request) -> Option<UsageId> {
        self.tags.get(&*request.headers.to_tag()?).copied()
    }

    /// Subscriptions of ours, of peers, and publications.
    pub(super) fn counts(&self) -> [usize; 3] {
        [self.subscribers.len(), self.watchers.len(), self.publications.len()]
    }

    pub(super) fn dialog_count(&self) -> usize {
        let ours: usize = self.subscribers.values().map(Subscriber::dialog_count).sum();
        ours + self.watchers.len()
    }

    /// Each in a line.
    pub(super) fn describe(&self) -> impl Iterator<Item = String> + '_ {
        let ours = self.subscribers.values().map(ToString::to_string);
        let theirs = self.watchers.values().map(ToString::to_string);
        ours.chain(theirs).chain(self.publications.values().map(ToString::to_string))
    }

    fn poll_output(&mut self, id: UsageId) -> Option<UsageOutput> {
        match id {
            UsageId::Subscription(id) => self.subscribers.get_mut(&id)?.poll_output(),
            UsageId::Watcher(id) => self.watchers.get_mut(&id)?.poll_output(),
            UsageId::Publication(id) => self.publications.get_mut(&id)?.poll_output(),
        }
    }

    fn poll_timeout(&self, id: UsageId) -> Option<Instant> {
        match id {
            UsageId::Subscription(id) => self.subscribers.get(&id)?.poll_timeout(),
            UsageId::Watcher(id) => self.watchers.get(&id)?.poll_timeout(),
            UsageId::Publication(id) => self.publications.get(&id)?.poll_timeout(),
        }
    }

    fn handle_timeout(&mut self, now: Instant, id: UsageId) -> Option<()> {
        match id {
            UsageId::Subscription(id) => self.subscribers.get_mut(&id)?.handle_timeout(now),
            UsageId::Watcher(id) => self.watchers.get_mut(&id)?.handle_timeout(now),
            UsageId::Publication(id) => self.publications.get_mut(&id)?.handle_timeout(now),
        }
        Some(())
    }

    fn handle_response(
        &mut self,
        now: Instant,
        id: UsageId,
        sent: Sent,
        from: SocketAddr,
        response: &Response,
    ) -> Option<()> {
        match id {
            UsageId::Subscription(id) => {
                self.subscribers.get_mut(&id)?.handle_response(now, sent, from, response);
            }
            UsageId::Watcher(id) => {
                self.watchers.get_mut(&id)?.handle_response(now, sent.cseq, from, response);
            }
            UsageId::Publication(id) => {
                self.publications.get_mut(&id)?.handle_response(now, sent.cseq, response);
            }
        }
        Some(())
    }

    fn handle_failure(
        &mut self,
        now: Instant,
        id: UsageId,
        sent: Sent,
        failure: Failure,
    ) -> Option<()> {
        match id {
            UsageId::Subscription(id) => {
                self.subscribers.get_mut(&id)?.handle_failure(now, sent, failure);
            }
            UsageId::Watcher(id) => {
                self.watchers.get_mut(&id)?.handle_failure(sent.cseq, failure);
            }
            UsageId::Publication(id) => {
                self.publications.get_mut(&id)?.handle_failure(now, sent.cseq, failure);
            }
        }
        Some(())
    }

    /// A request outside any dialog went to another server.
    pub(super) fn handle_moved(&mut self, id: UsageId, sent: Sent, path: &Path) {
        match id {
            UsageId::Subscription(id) if sent.fork.is_none() => {
                if let Some(subscriber) = self.subscribers.get_mut(&id) {
                    subscriber.handle_moved(path);
                }
            }
            UsageId::Publication(id) => {
                if let Some(publication) = self.publications.get_mut(&id) {
                    publication.handle_moved(path);
                }
            }
            // The next request in a dialog finds its own way.
            UsageId::Subscription(_) | UsageId::Watcher(_) => {}
        }
    }

    fn forget_if_over(&mut self, id: UsageId) {
        match id {
            UsageId::Subscription(id) => {
                if self.subscribers.get(&id).is_some_and(Subscriber::is_over)
                    && let Some(over) = self.subscribers.remove(&id)
                {
                    self.tags.remove(over.local_tag());
                }
            }
            UsageId::Watcher(id) => {
                if self.watchers.get(&id).is_some_and(Notifier::is_over)
                    && let Some(over) = self.watchers.remove(&id)
                {
                    self.tags.remove(over.local_tag());
                }
            }
            UsageId::Publication(id) => {
                if self.publications.get(&id).is_some_and(Publication::is_over) {
                    self.publications.remove(&id);
                }
            }
        }
    }
}

impl UserAgent {
    /// Subscribes, and keeps subscribed until [`unsubscribe`](Self::unsubscribe) when that is wanted.
    pub fn subscribe(
        &mut self,
        now: Instant,
        subscribe: Subscribe,
    ) -> Result<SubscriptionId, SubscriptionError> {
        if self.usages.subscribers.len() >= self.config.max_subscriptions {
            self.counters.overflows += 1;
            return Err(SubscriptionError::Full);
        }
        let id = SubscriptionId(self.next_id());
        let path = subscribe.path.clone();
        let login = Login::new(subscribe.credentials.clone(), path.remote, self.rng.fork());
        let subscriber = Subscriber::new(now, id, self.endpoint(path), login, subscribe);
        let usage = UsageId::Subscription(id);
        self.usages.tags.insert(subscriber.local_tag().to_owned(), usage);
        self.usages.subscribers.insert(id, subscriber);
        self.settle_usage(now, usage);
        self.pump(now);
        Ok(id)
    }

    /// Ends a subscription of ours. `Ended` is said when that is done or has failed.
    pub fn unsubscribe(&mut self, now: Instant, id: SubscriptionId) {
        if let Some(subscriber) = self.usages.subscribers.get_mut(&id) {
            subscriber.unsubscribe(now);
        }
        self.settle_usage(now, UsageId::Subscription(id));
        self.pump(now);
    }

    /// Accepts a peer's subscription, active or pending, and tells it the whole state.
    pub fn accept_subscription(
        &mut self,
        now: Instant,
        id: WatcherId,
        substate: Substate,
        content: Content,
    ) -> Result<(), SubscriptionError> {
        self.watch(now, id, |watcher| watcher.accept(now, substate, content))
    }

    /// Gives an account that answers challenges to our NOTIFYs, to be set before the subscription is accepted. Only its
    /// realms are answered, nobody without one, and only where the SUBSCRIBE came from. A watcher that knows a realm can
    /// ask too and gets a hash of the password: give no account for watchers who are not trusted with one.
    pub fn sign_notifications(
        &mut self,
        id: WatcherId,
        account: Account,
    ) -> Result<(), SubscriptionError> {
        let rng = self.rng.fork();
        let watcher = self.usages.watchers.get_mut(&id).ok_or(SubscriptionError::Unknown)?;
        watcher.set_login(Login::new(Some(account), watcher.peer(), rng));
        Ok(())
    }

    /// Refuses a peer's subscription with 300 to 699 (403, 603) and further header fields.
    pub fn refuse_subscription(
        &mut self,
        now: Instant,
        id: WatcherId,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> Result<(), SubscriptionError> {
        self.watch(now, id, |watcher| watcher.refuse(status, headers))
    }

    /// Tells a watcher the state, which has changed. Changes that follow each other faster than the package's least
    /// interval, or than the watcher answers, are told together: the last one counts.
    pub fn notify(
        &mut self,
        now: Instant,
        id: WatcherId,
        substate: Substate,
        content: Content,
    ) -> Result<(), SubscriptionError> {
        self.watch(now, id, |watcher| watcher.notify(now, substate, content))
    }

    /// Ends a peer's subscription with a last NOTIFY, which tells `content` or the last state.
    pub fn end_subscription(
        &mut self,
        now: Instant,
        id: WatcherId,
        reason: EventReason,
        retry_after: Option<u32>,
        content: Option<Content>,
    ) -> Result<(), SubscriptionError> {
        self.watch(now, id, |watcher| watcher.terminate(now, reason, retry_after, content))
    }

    fn watch(
        &mut self,
        now: Instant,
        id: WatcherId,
        command: impl FnOnce(&mut Notifier) -> Result<(), WrongState>,
    ) -> Result<(), SubscriptionError> {
        let watcher = self.usages.watchers.get_mut(&id);
        let done = command(watcher.ok_or(SubscriptionError::Unknown)?);
        self.settle_usage(now, UsageId::Watcher(id));
        self.pump(now);
        done.map_err(|WrongState| SubscriptionError::WrongState)
    }

    /// Publishes our state, and keeps it published until [`unpublish`](Self::unpublish).
    pub fn publish(
        &mut self,
        now: Instant,
        publish: Publish,
    ) -> Result<PublicationId, SubscriptionError> {
        if self.usages.publications.len() >= self.config.max_subscriptions {
            self.counters.overflows += 1;
            return Err(SubscriptionError::Full);
        }
        let id = PublicationId(self.next_id());
        let path = publish.path.clone();
        let login = Login::new(publish.credentials.clone(), path.remote, self.rng.fork());
        let publication = Publication::new(id, self.endpoint(path), login, publish);
        self.usages.publications.insert(id, publication);
        self.settle_usage(now, UsageId::Publication(id));
        self.pump(now);
        Ok(id)
    }

    /// Publishes another state; `Published` is said when the compositor has it.
    pub fn republish(&mut self, now: Instant, id: PublicationId, content: Content) {
        if let Some(publication) = self.usages.publications.get_mut(&id) {
            publication.change(content);
        }
        self.settle_usage(now, UsageId::Publication(id));
        self.pump(now);
    }

    /// Takes a publication back. `Removed` is said when that is done or has failed.
    pub fn unpublish(&mut self, now: Instant, id: PublicationId) {
        if let Some(publication) = self.usages.publications.get_mut(&id) {
            publication.remove();
        }
        self.settle_usage(now, UsageId::Publication(id));
        self.pump(now);
    }

    /// A SUBSCRIBE outside any dialog.
    pub(super) fn dispatch_subscribe(&mut self, now: Instant, received: Received) {
        let Received { server, path, source, request } = received;
        let Some(server) = server else {
            return self.refuse_busy(now, None, &path, &request);
        };
        let event = match request.headers.event() {
            Ok(event) => event,
            Err(_) => {
                return self.reply_status(now, Some(server), &path, &request, Status::BAD_REQUEST);
            }
        };
        // RFC 3515 §2.4.4: nothing but a REFER makes such a subscription.
        if event.as_ref().is_some_and(|event| event.package.as_str() == REFER)
            && self.config.refer != ReferPolicy::Refuse
        {
            return self.reply_status(now, Some(server), &path, &request, Status::FORBIDDEN);
        }
        let package = event.and_then(|event| self.config.package(&event.package).cloned());
        let Some(package) = package else {
            return self.refuse_event(now, Some(server), &path, &request);
        };
        if self.usages.watchers.len() >= self.config.max_subscriptions {
            self.counters.overflows += 1;
            return self.refuse_busy(now, Some(server), &path, &request);
        }
        let id = WatcherId(self.next_id());
        let endpoint = self.endpoint(source.clone());
        let login = Login::new(None, source.remote, self.rng.fork());
        let watcher = match Notifier::asked(now, id, endpoint, login, package, server, &request) {
            Ok(watcher) => watcher,
            Err(refusal) => {
                let response = self.subscribe_refusal(&request, &refusal);
                return self.reply(now, Some(server), &path, &response);
            }
        };
        let usage = UsageId::Watcher(id);
        self.usages.tags.insert(watcher.local_tag().to_owned(), usage);
        self.usages.watchers.insert(id, watcher);
        let request = Box::new(request);
        self.output.push_back(Output::Subscribe { watcher: id, request, source });
        self.settle_usage(now, usage);
    }

    /// 489 with what can be subscribed to (RFC 6665 §8.3.2).
    pub(super) fn refuse_event(
        &mut self,
        now: Instant,
        server: Option<ServerId>,
        path: &Path,
        request: &Request,
    ) {
        let mut response = self.refusal(request, Status::BAD_EVENT);
        response.headers.push(HeaderName::AllowEvents, self.config.allow_events_value());
        self.reply(now, server, path, &response);
    }

    fn subscribe_refusal(&self, request: &Request, refusal: &Refusal) -> Response {
        match refusal {
            Refusal::TooBrief(min) => {
                let mut response = self.refusal(request, Status::INTERVAL_TOO_BRIEF);
                response.headers.push(HeaderName::MinExpires, min);
                response
            }
            Refusal::Malformed(error) => {
                let mut response = self.refusal(request, Status::BAD_REQUEST);
                response.reason = error.to_string();
                response
            }
        }
    }

    /// A request in the dialog of a subscription.
    pub(super) fn dispatch_in_usage(&mut self, now: Instant, id: UsageId, received: Received) {
        let Received { server, path, source, request } = received;
        let Some(server) = server else {
            return self.refuse_busy(now, None, &path, &request);
        };
        match (id, &request.method) {
            (UsageId::Subscription(subscription), Method::Notify) => {
                if let Some(subscriber) = self.usages.subscribers.get_mut(&subscription) {
                    subscriber.handle_notify(now, server, &source, request);
                }
            }
            (UsageId::Watcher(watcher), Method::Subscribe) => {
                if let Some(watcher) = self.usages.watchers.get_mut(&watcher) {
                    watcher.handle_subscribe(now, server, &source, &request);
                }
            }
            // RFC 5057 §5.1: the dialog has no usage of that kind.
            _ => {
                let status = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
                return self.reply_status(now, Some(server), &path, &request, status);
            }
        }
        self.settle_usage(now, id);
    }

    pub(super) fn usage_answered(
        &mut self,
        now: Instant,
        id: UsageId,
        sent: Sent,
        from: SocketAddr,
        response: &Response,
    ) {
        self.usages.handle_response(now, id, sent, from, response);
    }

    pub(super) fn usage_unanswered(
        &mut self,
        now: Instant,
        id: UsageId,
        sent: Sent,
        failure: Failure,
    ) {
        self.usages.handle_failure(now, id, sent, failure);
    }

    pub(super) fn usage_due(&mut self, now: Instant, id: UsageId) {
        self.usages.handle_timeout(now, id);
        self.settle_usage(now, id);
    }

    /// Does what a subscription or publication asks for; forgets it when it is over.
    pub(super) fn settle_usage(&mut self, now: Instant, id: UsageId) {
        while let Some(output) = self.usages.poll_output(id) {
            match output {
                UsageOutput::Request { sent, path, others, request } => {
                    let owner = Owner::Usage(id, sent);
                    if in_dialog(id, sent) {
                        self.send_in_dialog(now, Parcel::Request { owner, path, request });
                    } else if !self.send(now, owner, path, others, *request) {
                        self.tell_failure(now, owner, Failure::Network);
                    }
                }
                UsageOutput::Respond { server, response } => {
                    self.transactions.respond(now, server, &response);
                }
                UsageOutput::Say(output) => self.output.push_back(*output),
            }
        }
        match self.usages.poll_timeout(id) {
            Some(at) => self.timers.set(Waiter::Usage(id), at),
            None => self.timers.cancel(&Waiter::Usage(id)),
        }
        self.usages.forget_if_over(id);
    }
}

/// Whether a request goes where its dialog leads.
const fn in_dialog(id: UsageId, sent: Sent) -> bool {
    match id {
        UsageId::Subscription(_) => sent.fork.is_some(),
        UsageId::Watcher(_) => true,
        UsageId::Publication(_) => false,
    }
}

impl super::UaConfig {
    /// The package called `name`, octet by octet (RFC 6665 §8.2.1).
    fn package(&self, name: &Token) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name.as_str())
    }

    /// The value of `Allow-Events`: the packages, and `refer` where transfers are taken.
    pub fn allow_events_value(&self) -> String {
        let transfers = self.refer != ReferPolicy::Refuse;
        let refer = transfers.then_some(REFER);
        let names = self.packages.iter().map(|package| package.name.as_str()).chain(refer);
        names.collect::<Vec<_>>().join(", ")
    }
}

/// The package of transfers (RFC 3515 §3), which are subscribed to by REFER alone.
const REFER: &str = "refer";

impl fmt::Display for SubscriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no such subscription",
            Self::WrongState => "the subscription's state does not allow it",
            Self::Full => "too many subscriptions",
        })
    }
}

impl std::error::Error for SubscriptionError {}
