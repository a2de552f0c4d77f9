//! One RTP stream, both ways.

use crate::control::RtpParams;

pub(crate) struct RtpStream {}

impl RtpStream {
    pub(crate) fn new(_params: &RtpParams) -> Self {
        Self {}
    }
}
