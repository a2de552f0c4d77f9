//! Q.850 release causes.

use core::fmt;

/// A release cause value of ITU-T Q.850, 1 to 127.
///
/// The neutral language of every leg; what a SIP status or an ISDN cause becomes is data in the gateway.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause(u8);

macro_rules! causes {
    ($($value:literal $name:ident $text:literal;)*) => {
        impl Cause {
            $(#[doc = concat!("Cause ", $value, ", ", $text, ".")]
            pub const $name: Self = Self($value);)*

            /// The name that Q.850 §2.2.7 gives the value, in lower case; "unassigned value" for one it does not name.
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($value => $text,)*
                    _ => "unassigned value",
                }
            }
        }
    };
}

causes! {
    1 UNALLOCATED_NUMBER "unallocated number";
    2 NO_ROUTE_TO_TRANSIT "no route to specified transit network";
    3 NO_ROUTE_TO_DESTINATION "no route to destination";
    6 CHANNEL_UNACCEPTABLE "channel unacceptable";
    16 NORMAL_CLEARING "normal call clearing";
    17 USER_BUSY "user busy";
    18 NO_USER_RESPONDING "no user responding";
    19 NO_ANSWER "no answer from user";
    20 SUBSCRIBER_ABSENT "subscriber absent";
    21 CALL_REJECTED "call rejected";
    22 NUMBER_CHANGED "number changed";
    23 REDIRECTION "redirection to new destination";
    25 EXCHANGE_ROUTING_ERROR "exchange routing error";
    26 NON_SELECTED_CLEARING "non-selected user clearing";
    27 DESTINATION_OUT_OF_ORDER "destination out of order";
    28 INVALID_NUMBER_FORMAT "invalid number format";
    29 FACILITY_REJECTED "facility rejected";
    30 STATUS_ENQUIRY_RESPONSE "response to status enquiry";
    31 NORMAL_UNSPECIFIED "normal, unspecified";
    34 NO_CIRCUIT "no circuit or channel available";
    38 NETWORK_OUT_OF_ORDER "network out of order";
    41 TEMPORARY_FAILURE "temporary failure";
    42 CONGESTION "switching equipment congestion";
    43 ACCESS_INFORMATION_DISCARDED "access information discarded";
    44 REQUESTED_CIRCUIT_UNAVAILABLE "requested circuit or channel not available";
    47 RESOURCE_UNAVAILABLE "resource unavailable, unspecified";
    50 FACILITY_NOT_SUBSCRIBED "requested facility not subscribed";
    55 INCOMING_BARRED_IN_CUG "incoming calls barred within closed user group";
    57 BEARER_NOT_AUTHORIZED "bearer capability not authorized";
    58 BEARER_NOT_AVAILABLE "bearer capability not presently available";
    63 SERVICE_NOT_AVAILABLE "service or option not available, unspecified";
    65 BEARER_NOT_IMPLEMENTED "bearer capability not implemented";
    69 FACILITY_NOT_IMPLEMENTED "requested facility not implemented";
    70 ONLY_RESTRICTED_DIGITAL "only restricted digital information bearer capability is available";
    79 SERVICE_NOT_IMPLEMENTED "service or option not implemented, unspecified";
    81 INVALID_CALL_REFERENCE "invalid call reference value";
    87 NOT_MEMBER_OF_CUG "user not member of closed user group";
    88 INCOMPATIBLE_DESTINATION "incompatible destination";
    95 INVALID_MESSAGE "invalid message, unspecified";
    96 MANDATORY_ELEMENT_MISSING "mandatory information element is missing";
    97 MESSAGE_TYPE_UNKNOWN "message type non-existent or not implemented";
    98 MESSAGE_NOT_COMPATIBLE_WITH_STATE "message not compatible with call state or message type non-existent";
    99 ELEMENT_UNKNOWN "information element non-existent or not implemented";
    100 INVALID_ELEMENT_CONTENTS "invalid information element contents";
    101 MESSAGE_NOT_COMPATIBLE "message not compatible with call state";
    102 RECOVERY_ON_TIMER_EXPIRY "recovery on timer expiry";
    111 PROTOCOL_ERROR "protocol error, unspecified";
    127 INTERWORKING "interworking, unspecified";
}

impl Cause {
    /// The cause of `value`; `None` outside 1 to 127.
    pub const fn new(value: u8) -> Option<Self> {
        if value == 0 || value > 127 { None } else { Some(Self(value)) }
    }

    /// The value, 1 to 127.
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// `17 user busy`
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.name())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cause({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn range_and_names() {
        assert_eq!(Cause::new(0), None);
        assert_eq!(Cause::new(128), None);
        assert_eq!(Cause::new(17), Some(Cause::USER_BUSY));
        assert_eq!(Cause::USER_BUSY.to_string(), "17 user busy");
        assert_eq!(Cause::new(5).map(Cause::name), Some("unassigned value"));
    }
}
