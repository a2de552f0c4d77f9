//! RTP and RTCP on the wire, statistics, RFC 4733 events.
