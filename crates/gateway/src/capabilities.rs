//! OPTIONS: what we can do, and whether a call would be taken.
//!
//! RFC 3261 §11.2: with the status that an INVITE would get now, from the same peer by the same rights. Without a user in
//! its URI, or with none but our own Contact's at the trunk that asks, it is for the gateway itself: 200, as probes expect.

use tipring_call::{Origin, Routed, Target};
use tipring_core::{Cause, Instant};
use tipring_line::StateName;
use tipring_sip::message::{HeaderName, Request, Response, Status};
use tipring_sip_server::Source;

use crate::cause_map;
use crate::gateway::Gateway;
use crate::identity::number_of;

impl Gateway {
    /// The answer to an OPTIONS.
    pub(crate) fn tell_capabilities(
        &mut self,
        now: Instant,
        request: &Request,
        source: Source,
    ) -> Response {
        let refusal = match request.uri.user().filter(|user| !user.is_empty()) {
            Some(user) => self.would_refuse(now, request, source, &user).err(),
            None => None,
        };
        refusal.map_or_else(
            || {
                let mut response = Response::new(request, Status::OK, None);
                self.agent.tell_capabilities(&mut response.headers);
                response
            },
            |response| *response,
        )
    }

    fn would_refuse(
        &mut self,
        now: Instant,
        request: &Request,
        source: Source,
        user: &str,
    ) -> Result<(), Box<Response>> {
        let origin = self.origin_of(now, request, source)?;
        // RFC 3261 §16.3: one that may go no further is answered here.
        if request.headers.max_forwards() == Some(0) || self.is_our_contact(&origin, user) {
            return Ok(());
        }
        let refuse = |status| Box::new(Response::new(request, status, None));
        let called = number_of(&request.uri).ok_or_else(|| refuse(Status::NOT_FOUND))?;
        let warning = self.sips_warning(now, &request.uri, &origin, &called, source.local);
        if let Some(warning) = warning {
            let mut response = refuse(Status::TEMPORARILY_UNAVAILABLE);
            response.headers.push(HeaderName::Warning, warning);
            return Err(response);
        }
        self.would_end(now, &origin, &called, request.uri.is_secure()).map_err(|cause| {
            let status = Status::new(cause_map::status_of(cause));
            refuse(status.unwrap_or(Status::SERVER_INTERNAL_ERROR))
        })
    }

    /// Whether a trunk asks at the address that we have registered with it.
    fn is_our_contact(&self, origin: &Origin, user: &str) -> bool {
        let Origin::Trunk(name) = origin else { return false };
        let trunk = self.config.trunks.iter().find(|trunk| trunk.name == *name);
        let account = trunk.and_then(|trunk| trunk.account.as_ref());
        account.is_some_and(|account| account.username == user)
    }

    /// Why a call would end at once.
    fn would_end(
        &self,
        now: Instant,
        origin: &Origin,
        called: &str,
        secure: bool,
    ) -> Result<(), Cause> {
        let routed = self.routes.route(origin, called).map_err(|reason| reason.cause())?;
        if self.draining {
            return Err(Cause::CONGESTION);
        }
        if !origin.may_call(&routed.target) {
            return Err(Cause::CALL_REJECTED);
        }
        let Routed { target, number, .. } = &routed;
        match target {
            Target::Line(name) => self.line_takes_calls(name),
            Target::Group(name) => {
                let group = self.config.groups.iter().find(|(group, _)| group == name);
                let lines = group.map_or(&[][..], |(_, lines)| lines.as_slice());
                let refusals: Vec<Cause> =
                    lines.iter().map_while(|line| self.line_takes_calls(line).err()).collect();
                if refusals.len() < lines.len() {
                    return Ok(());
                }
                let busy = refusals.contains(&Cause::USER_BUSY).then_some(Cause::USER_BUSY);
                Err(busy.or(refusals.first().copied()).unwrap_or(Cause::NO_ROUTE_TO_DESTINATION))
            }
            Target::User if self.bindings(now, number, secure).is_empty() => {
                Err(Cause::SUBSCRIBER_ABSENT)
            }
            Target::User | Target::Trunk(_) | Target::Address => Ok(()),
            Target::Span(_) => Err(Cause::SERVICE_NOT_IMPLEMENTED),
        }
    }

    fn line_takes_calls(&self, name: &str) -> Result<(), Cause> {
        let id = self.line_by_name(name).ok_or(Cause::NO_ROUTE_TO_DESTINATION)?;
        let line = self.lines.get(usize::from(id.0)).ok_or(Cause::NO_ROUTE_TO_DESTINATION)?;
        if line.port.is_idle() && line.leg.is_none() {
            return Ok(());
        }
        let lost = line.port.state() == StateName::OutOfService;
        Err(if lost { Cause::DESTINATION_OUT_OF_ORDER } else { Cause::USER_BUSY })
    }
}
