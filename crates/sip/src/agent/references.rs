//! Requests that name another dialog: Replaces (RFC 3891), Join (RFC 3911), Target-Dialog (RFC 4538), and REFER
//! outside any dialog, which may name one.

use tipring_core::Instant;

use super::ingress::Received;
use super::{ReferPolicy, SessionError, UserAgent};
use crate::message::{CallId, HeaderName, ReferTo, Replaces, Request, Status, Token};
use crate::session::{Login, ReferId, Session, SessionId, Standing, Transfer};

impl UserAgent {
    /// The call that an INVITE wants to take the place of (RFC 3891 §3); `Err` is the status that is owed.
    pub(super) fn replaced_by(&mut self, request: &Request) -> Result<Option<SessionId>, Status> {
        let headers = &request.headers;
        if headers.contains(&HeaderName::Join) {
            let both = headers.contains(&HeaderName::Replaces);
            let gone = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            // We join nobody: for us there is no such dialog.
            return Err(if both { Status::BAD_REQUEST } else { gone });
        }
        let replaces = match headers.replaces() {
            Ok(Some(replaces)) if self.config.replaces => replaces,
            Ok(_) => return Ok(None),
            Err(_) => return Err(Status::BAD_REQUEST),
        };
        let (local, remote) = (replaces.to_tag.as_str(), replaces.from_tag.as_str());
        let found = self.session_of_dialog(replaces.call_id.as_str(), local, remote);
        match found {
            // An early dialog can be replaced by who was called, not by another caller.
            None | Some((_, Standing::Ringing)) => Err(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST),
            Some((_, Standing::Ended)) => Err(Status::DECLINE),
            Some((_, Standing::Up)) if replaces.early_only => Err(Status::BUSY_HERE),
            Some((id, Standing::Up | Standing::Calling)) => Ok(Some(id)),
        }
    }

    fn session_of_dialog(
        &mut self,
        call_id: &str,
        local_tag: &str,
        remote_tag: &str,
    ) -> Option<(SessionId, Standing)> {
        let id = *self.tags.get(local_tag)?;
        let session = self.sessions.get_mut(&id)?;
        // A tag of 0 also stands for none at all, as phones of RFC 2543 have it.
        let found = session.is_dialog(call_id, local_tag, remote_tag)
            || (remote_tag == "0" && session.is_dialog(call_id, local_tag, ""));
        found.then(|| (id, session.standing()))
    }

    /// The call that is up in the dialog that a Refer-To wants replaced, when it is one of ours.
    pub fn session_replaced_by(&mut self, replaces: &Replaces) -> Option<SessionId> {
        let (local, remote) = (replaces.to_tag.as_str(), replaces.from_tag.as_str());
        let found = self.session_of_dialog(replaces.call_id.as_str(), local, remote);
        found.filter(|(_, standing)| *standing == Standing::Up).map(|(id, _)| id)
    }

    /// A REFER outside any dialog.
    pub(super) fn dispatch_refer(&mut self, now: Instant, received: Received) {
        let Received { server, path, source, request } = received;
        let call = match request.headers.target_dialog() {
            Ok(Some(target)) => {
                let (local, remote) = (target.remote_tag.as_str(), target.local_tag.as_str());
                self.session_of_dialog(target.call_id.as_str(), local, remote)
            }
            Ok(None) => None,
            Err(_) => {
                return self.reply_status(now, server, &path, &request, Status::BAD_REQUEST);
            }
        };
        let call = call.filter(|(_, standing)| *standing == Standing::Up).map(|(id, _)| id);
        if self.config.refer != ReferPolicy::Anywhere && call.is_none() {
            return self.reply_status(now, server, &path, &request, Status::FORBIDDEN);
        }
        let room = self.has_room_for_session();
        let Some(server) = server.filter(|_| room) else {
            self.counters.overflows += 1;
            return self.refuse_busy(now, server, &path, &request);
        };
        let id = SessionId(self.next_id());
        let login = Login::new(None, source.remote, self.rng.fork());
        let endpoint = self.endpoint(source);
        match Session::refer(now, id, endpoint, login, server, request.clone(), call) {
            Ok(session) => self.adopt(now, id, session),
            Err(fault) => {
                let mut response = self.refusal(&request, Status::BAD_REQUEST);
                response.reason = fault.to_string();
                self.reply(now, Some(server), &path, &response);
            }
        }
    }

    /// The Refer-To that asks a peer to take our place in the call `with` (RFC 5589 §7): its peer's address, and the
    /// dialog to replace as that peer sees it.
    pub fn refer_to(&self, with: SessionId) -> Result<ReferTo, SessionError> {
        let session = self.sessions.get(&with).ok_or(SessionError::Unknown)?;
        let dialog = session.confirmed_dialog().ok_or(SessionError::WrongState)?;
        let tag = |text: &str| Token::new(if text.is_empty() { "0" } else { text });
        let replaces = CallId::new(dialog.call_id())
            .zip(tag(dialog.remote_tag()).zip(tag(dialog.local_tag())))
            .map(|(call_id, (to_tag, from_tag))| Replaces {
                call_id,
                to_tag,
                from_tag,
                early_only: false,
            });
        let target = dialog.target().clone();
        replaces
            .and_then(|replaces| ReferTo::attended(target, &replaces))
            .ok_or(SessionError::WrongState)
    }

    /// A blind transfer to `target`, or with [`refer_to`](Self::refer_to) an attended one: asks the peer of `id` to call
    /// it. Our own call stays as it is until we hang up.
    pub fn refer(
        &mut self,
        now: Instant,
        id: SessionId,
        transfer: Transfer,
    ) -> Result<ReferId, SessionError> {
        let mut refer = None;
        self.command(now, id, |session| {
            refer = Some(session.send_refer(transfer)?);
            Ok(())
        })?;
        refer.ok_or(SessionError::WrongState)
    }
}
