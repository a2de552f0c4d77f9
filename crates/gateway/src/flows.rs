//! Connections between the user agent and the shell.

use std::net::SocketAddr;

use tipring_core::Instant;
use tipring_sip::message::{Request, Response, Transport};
use tipring_sip::transaction::Path;
use tipring_sip::transport::{FlowCounters, FlowId, FlowInput, FlowOutput};

use crate::gateway::Gateway;
use crate::output::Output;

impl Gateway {
    /// A peer has connected. `None` refuses it: it is to be closed at once.
    pub fn accept(
        &mut self,
        now: Instant,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Option<FlowId> {
        let flow = self.flows.accept(now, transport, local, remote);
        self.settle(now);
        flow
    }

    /// Something happened to a connection.
    pub fn handle_flow(&mut self, now: Instant, flow: FlowId, input: FlowInput<'_>) {
        self.flows.handle(now, flow, input);
        self.settle(now);
    }

    /// What connections have been through.
    pub fn flow_counters(&self) -> FlowCounters {
        self.flows.counters()
    }

    /// Sends a SIP message.
    pub(crate) fn transmit(&mut self, now: Instant, path: Path, bytes: Vec<u8>) {
        self.note_sip(now, &bytes, false);
        if path.transport.is_reliable() {
            return self.flows.send(now, path, bytes);
        }
        let Path { transport, local, remote, .. } = path;
        self.outputs.push_back(Output::Datagram { transport, local, remote, bytes });
    }

    pub(crate) fn flow_output(&mut self, now: Instant, output: FlowOutput) {
        match output {
            FlowOutput::Order(order) => self.outputs.push_back(Output::Flow(order)),
            FlowOutput::Received { path, bytes } => {
                self.note_sip(now, &bytes, true);
                self.agent.handle_message(now, path, &bytes);
            }
            FlowOutput::Unsendable { path, in_order: true } => {
                self.agent.handle_connection_ended(now, &path);
            }
            FlowOutput::Unsendable { path, in_order: false } => {
                self.agent.handle_send_error(now, &path);
            }
            FlowOutput::Unsent { path, bytes } => self.agent.handle_unsent(now, &path, bytes),
            // Whoever is registered over it registers again over another one.
            FlowOutput::Gone { flow } => {
                tracing::debug!(%flow, "connection gone");
                self.trunk_flow_gone(now, flow);
            }
        }
    }

    /// A connection that a user is registered over stays for as long as that lasts.
    pub(crate) fn keep_flow(
        &mut self,
        now: Instant,
        flow: FlowId,
        request: &Request,
        response: &Response,
    ) {
        let to = request.headers.to().ok().filter(|_| response.status.is_success());
        let user = to.as_ref().and_then(|to| to.uri.user());
        if let Some(until) = user.and_then(|user| self.registrar.kept_until(now, &user, flow)) {
            self.flows.keep(flow, until);
        }
    }
}
